import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { AppModule } from '../app.module.js';
import type { Check } from '../doctor/check.js';
import { examine } from '../doctor/doctor.js';
import { counted } from '../platform/counted.js';
import { declaredHandlers } from '../platform/kafka/declared-handlers.js';
import { writeLine } from './output.js';
import { printable } from './printable.js';
import { UsageError } from './usage-error.js';

/**
 * Says what is there, what is not, and what to do.
 *
 * @returns the exit code: 1 where a check failed, else 0
 * @throws UsageError
 */
export async function doctor(args: readonly string[]): Promise<number> {
  const unknown = args.find((arg) => arg !== '--json');
  if (unknown !== undefined) throw new UsageError('doctor', `unknown argument ${unknown}`);
  // What the platform has to say is meant for a running Worker's log.
  Logger.overrideLogger(false);
  const checks = await examine(declaredHandlers(AppModule));
  const isSound = checks.every(({ outcome }) => outcome !== 'failed');
  if (args.includes('--json')) await writeLine(JSON.stringify({ ok: isSound, checks }));
  else for (const line of inWords(checks)) await writeLine(line);
  return isSound ? 0 : 1;
}

function* inWords(checks: readonly Check[]): Generator<string> {
  const width = Math.max(...checks.map(({ name }) => name.length));
  for (const { name, outcome, found, remedy } of checks) {
    yield `${outcome.padEnd('warning'.length)}  ${name.padEnd(width)}  ${printable(found)}`;
    if (remedy !== undefined) yield `${' '.repeat('warning'.length + width + 2)}  → ${printable(remedy)}`;
  }
  const count = (wanted: Check['outcome']) => checks.filter(({ outcome }) => outcome === wanted).length;
  yield '';
  yield `${counted(checks.length, 'check')}: ${count('failed')} failed, ${counted(count('warning'), 'warning')}`;
}
