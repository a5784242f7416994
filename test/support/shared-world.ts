import type { TestProject } from 'vitest/node';
import { prepare } from '../../stack/prepare.mjs';
import { startStack } from '../../stack/stack.mjs';
import { zoneAtNoon } from '../../stack/zone-at-noon.mjs';
import { endWithParent } from './end-with-parent.js';
import { WorkerProcess } from './worker-process.js';

/** Where the servers are, and the Worker that all tests share. */
export interface SharedWorld {
  readonly env: Record<string, string>;
  readonly workerUrl: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    world: SharedWorld;
  }
}

/** One stack and one Worker for all tests but those that kill or starve something. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Started by hand, it may be meant to outlive its shell.
  if (process.env['npm_lifecycle_event'] === 'test') endWithParent();
  await prepare({ build: true });
  const stack = await startStack();
  const env = { ...stack.env, BUDGET_TIMEZONE: zoneAtNoon() };
  const worker = await WorkerProcess.start({ ...env, LOG_LEVEL: 'info' });
  try {
    await worker.ready();
  } catch (error) {
    process.stderr.write(`${worker.lines.map((line) => JSON.stringify(line)).join('\n')}\n`);
    await worker.stop('SIGKILL');
    await stack.stop();
    throw error;
  }
  project.provide('world', { env, workerUrl: worker.url });

  return async () => {
    const exitCode = await worker.stop();
    await stack.stop();
    // Nothing that a test of the shared Worker does may be an error to it.
    const errors = worker.lines.filter(({ level }) => level === 'error' || level === 'fatal');
    if (errors.length > 0 || worker.words.length > 0 || exitCode !== 0) {
      const said = [...errors.map((line) => JSON.stringify(line)), ...worker.words].join('\n');
      throw new Error(`the shared Worker ended with ${exitCode ?? 'a signal'} and said:\n${said}`);
    }
  };
}
