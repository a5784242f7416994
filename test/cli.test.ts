// The words of `npm run cli` and `npm run migrate`, as somebody types them.
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { useDatabase } from './support/database.js';

const database = useDatabase({ migrated: false });

function run(script: string, ...words: string[]): { status: number | null; stdout: string; stderr: string } {
  const env = {
    PATH: process.env['PATH'],
    DATABASE_URL: database.workerUrl,
    MIGRATION_DATABASE_URL: database.ownerUrl,
  };
  return spawnSync(process.execPath, [`dist/src/cli/${script}.js`, ...words], { env, encoding: 'utf8' });
}

describe('the command line', () => {
  it.each([[['help']], [['--help']], [['-h']], [['reconcile', '--help']]])('explains itself to %j', (words) => {
    const { status, stdout, stderr } = run('main', ...words);

    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage:\n {2}npm run cli -- reconcile/);
  });

  it.each([
    [[], 'which command?'],
    [['recncile'], 'unknown command recncile'],
    [['reconcile', '--jsn'], 'reconcile: unknown argument --jsn'],
  ])('does nothing about %j, and says what it knows', (words, fault) => {
    const { status, stdout, stderr } = run('main', ...words);

    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^${fault.replace('?', '\\?')}\n\nUsage:\n`));
  });

  it.each([
    [['dlq', 'replay', '--nope'], 'dlq replay: unknown option --nope', ['dlq replay', 'FILTER:']],
    [['dlq', 'show'], 'dlq show: wants one id', ['dlq show']],
    [
      ['dlq', 'nope'],
      'dlq: unknown nope; there is',
      ['dlq list', 'dlq groups', 'dlq show', 'dlq replay', 'dlq discard', 'FILTER:'],
    ],
    [['account-for', '--nope'], 'account-for: unknown option --nope', ['account-for']],
    [['doctor', '--nope'], 'doctor: unknown argument --nope', ['doctor']],
    [['reconcile', '--nope'], 'reconcile: unknown argument --nope', ['reconcile']],
  ])('says of %j what is wrong, and the usage of that command alone', (words, fault, known) => {
    const { status, stdout, stderr } = run('main', ...words);
    const lines = stderr.split('\n').filter((line) => line.startsWith(' '));

    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr.startsWith(fault)).toBe(true);
    expect(lines.filter((line) => !known.some((each) => line.includes(each)))).toEqual([]);
    expect(known.filter((each) => !lines.some((line) => line.includes(each)))).toEqual([]);
  });

  it('explains one command where one is named', () => {
    const { status, stdout } = run('main', 'dlq', 'discard', '--help');

    expect(status).toBe(0);
    expect(stdout).toMatch(/^Usage:\n {2}npm run cli -- dlq discard .*\n {4}FILTER: .*\n$/);
  });

  it('says how to go on where the database is not migrated', () => {
    const { status, stdout } = run('main', 'reconcile');

    expect(status).toBe(2);
    expect(stdout).toBe('reconcile: relation "worker_settings" does not exist (42P01): run "npm run migrate"\n');
  });

  it('migrates nothing at a word that migrate does not know', async () => {
    const { status, stderr } = run('migrate', '--dry-run');

    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: 'migrate: unknown argument --dry-run; there is only --undo: one step back\n',
    });
    expect(await database.query("select from pg_class where relname = 'advertisers'")).toEqual([]);
  });
});
