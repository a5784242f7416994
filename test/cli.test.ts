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
