// A dry run while Postgres takes no postings, or goes away in the middle of it: it says so instead of telling what it cannot
// know, and nothing is changed.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import pg from 'pg';
import { Cli, type CliResult } from '../support/cli.js';
import { inStatus, lettersAbout, type LetterRow } from '../support/dead-letters.js';
import { withClient } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { aClick } from '../support/fixtures.js';
import { useOwnWorld } from '../support/own-world.js';
import type { Advertiser, TestCampaign } from '../support/world.js';

const LETTERS = 40;
/** Letters that are tried together: the next ones are of another round. */
const A_ROUND = 25;
/** What a trigger waits for that holds a posting up. */
const GATE = 4712;

describe('a dry run', () => {
  const own = useOwnWorld();
  let advertiser: Advertiser;
  let campaign: TestCampaign;
  let letters: LetterRow[];

  beforeAll(async () => {
    const worker = await (await own.startWorker()).ready(90_000);
    advertiser = await own.world.advertiser();
    campaign = await own.world.campaign(advertiser, { redisCpc: null });
    const click = () => aClick({ campaignId: campaign.id, advertiserId: advertiser.id });
    await own.world.produce('ad-events', Array.from({ length: LETTERS }, click), { partition: 0 });
    await inStatus(() => lettersAbout(own.world, campaign), 'NEW', LETTERS);
    await own.stopWorker(worker);
    await own.world.database.query('update campaigns set cpc = 1 where id = $1', [campaign.id]);
    letters = await lettersAbout(own.world, campaign);
    await own.world.database.query(`
      create function gate() returns trigger language plpgsql as $$
      begin perform pg_advisory_xact_lock_shared(${GATE}); return new; end $$`);
    await own.world.database.query(`
      create trigger gate before insert on ad_balance_histories for each row
      when (new.source_offset >= ${letters[A_ROUND + 5]?.offset}) execute function gate()`);
  });
  afterAll(() => own.world.booksBalance());

  it('says that the database is read-only, and does not look for anything else', async () => {
    await administer(readOnly(), terminate());
    const { code, stdout, stderr } = await dryRun().result;
    await administer(writable(), terminate());

    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('dlq: stopped after 0 dead letters, nothing is changed: the database is read-only\n');
    await nothingIsChanged();
  }, 120_000);

  it.each<[how: string, outage: { away: () => unknown; back: () => unknown; why: string }]>([
    [
      'becomes read-only, as at a fail-over,',
      {
        away: () => administer(readOnly(), terminate()),
        back: () => administer(writable(), terminate()),
        why: 'the database is read-only',
      },
    ],
    [
      'is killed',
      {
        away: () => own.stack.postgres.kill(),
        back: () => own.stack.postgres.start(),
        why: '(?:.*ECONN|Connection terminated)',
      },
    ],
    [
      'hangs',
      {
        away: () => {
          own.stack.postgres.freeze();
        },
        back: () => {
          own.stack.postgres.thaw();
        },
        why: '.*time-?out',
      },
    ],
  ])(
    'stops where the database %s in the middle of it',
    async (_how, { away, back, why }) => {
      const { code, stdout, stderr } = await inTheMiddle(away);
      await back();

      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(
        new RegExp(`^dlq: stopped after ${A_ROUND} dead letters, nothing is changed: ${why}`, 'im'),
      );
      await nothingIsChanged();
    },
    120_000,
  );

  it('tells all the same where only the connection of its postings was lost', async () => {
    const { code, stdout } = await inTheMiddle(() =>
      administer(terminate(`and application_name = 'worker-ledger-rehearsal'`)),
    );

    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([
      { count: LETTERS, posted: LETTERS, failing: [], waiting: [], unknown: [] },
    ]);
    await nothingIsChanged();
  }, 120_000);

  const dryRun = (): Cli =>
    new Cli(own.world.env, ['dlq', 'replay', '--campaign', String(campaign.id), '--dry-run', '--json']);

  /** Something happens while a posting of the second round is under way. */
  async function inTheMiddle(happens: () => unknown): Promise<CliResult> {
    const holder = new pg.Client({ connectionString: own.stack.env.MIGRATION_DATABASE_URL });
    holder.on('error', () => undefined);
    await holder.connect();
    await holder.query('select pg_advisory_lock($1)', [GATE]);
    const running = dryRun();
    await eventually('a posting waits at the gate', 60_000, async () => {
      const { rowCount } = await own.world.database.query(
        `select from pg_stat_activity where application_name = 'worker-ledger-rehearsal' and wait_event = 'advisory'`,
      );
      return rowCount === 1;
    });
    await happens();
    void holder.end().catch(() => undefined); // opens the gate; a server that hangs says nothing
    return running.result;
  }

  /** As the owner, on a connection that is closed at once, to another database. */
  async function administer(...statements: string[]): Promise<void> {
    const url = new URL(own.stack.env.MIGRATION_DATABASE_URL);
    url.pathname = '/postgres';
    await withClient(url.toString(), async (client) => {
      for (const statement of statements) await client.query(statement);
    });
  }

  const database = (): string => new URL(own.stack.env.DATABASE_URL).pathname.slice(1);
  const readOnly = (): string => `alter database ${database()} set default_transaction_read_only = on`;
  const writable = (): string => `alter database ${database()} reset default_transaction_read_only`;
  const terminate = (which = ''): string =>
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database()}' ${which}`;

  const nothingIsChanged = async (): Promise<void> => {
    expect(await own.world.historyOf(advertiser)).toEqual([]);
    expect(await lettersAbout(own.world, campaign)).toEqual(letters);
  };
});
