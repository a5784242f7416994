import type { TestProject } from 'vitest/node';
import { prepare } from '../../stack/prepare.mjs';
import { startStack, type StackOptions } from '../../stack/stack.mjs';
import { endWithParent } from './end-with-parent.js';

/** A Postgres of the major version that the project's `STACK_POSTGRES` names, for tests that need nothing else. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (process.env['npm_lifecycle_event'] === 'test') endWithParent();
  await prepare({ build: true });
  const postgres = project.config.env['STACK_POSTGRES'] as NonNullable<StackOptions['postgres']>;
  const stack = await startStack({ postgres, postgresAlone: true });
  project.provide('world', { env: { ...stack.env }, workerUrl: 'there is no Worker' });
  return () => stack.stop();
}
