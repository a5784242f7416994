import { expect } from 'vitest';
import { runCli } from './cli.js';

interface FoundCheck {
  readonly name: string;
  readonly outcome: 'ok' | 'warning' | 'failed';
  readonly found: string;
  readonly remedy?: string;
}

export interface Findings {
  readonly code: number | null;
  readonly ok: boolean;
  readonly checks: readonly FoundCheck[];
  /** All that was printed. */
  readonly text: string;
  readonly of: (name: string) => FoundCheck | undefined;
}

/** `npm run cli -- doctor --json`, as somebody runs it who has these variables. */
export async function findings(env: Readonly<Record<string, string>>): Promise<Findings> {
  const { code, stdout, stderr } = await runCli(env, 'doctor', '--json');
  expect(stderr).toBe('');
  const report = JSON.parse(stdout) as { ok: boolean; checks: FoundCheck[] };
  // What is not well says what to do, and only that.
  for (const { name, outcome, remedy } of report.checks) {
    expect({ name, hasRemedy: remedy !== undefined }).toEqual({ name, hasRemedy: outcome !== 'ok' });
  }
  expect(report.ok).toBe(report.checks.every(({ outcome }) => outcome !== 'failed'));
  expect(code).toBe(report.ok ? 0 : 1);
  return { code, ...report, text: stdout, of: (name) => report.checks.find((check) => check.name === name) };
}
