const ATTEMPTS = 5;

/**
 * Starts a server on ports that were free a moment ago; when somebody took one in between, on others.
 *
 * @template {{ start(): Promise<void> }} T
 * @param {() => Promise<T>} make a server on newly chosen ports
 * @returns {Promise<T>}
 */
export async function startOnFreePort(make) {
  for (let attempt = 1; ; attempt++) {
    const server = await make();
    try {
      await server.start();
      return server;
    } catch (error) {
      if (attempt === ATTEMPTS || !/address already in use|port is already allocated/i.test(error.message)) throw error;
    }
  }
}
