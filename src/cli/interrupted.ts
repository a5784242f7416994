/** As a shell counts an end by SIGINT. */
export const INTERRUPTED = 130;

/** The first Ctrl-C lets what is under way end, the second does not wait for that. */
export function interrupted(): AbortSignal {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping.signal.aborted) process.exit(INTERRUPTED);
      process.stderr.write('\nstopping after the records under way; once more to stop at once\n');
      stopping.abort();
    });
  }
  return stopping.signal;
}
