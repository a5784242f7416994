// The Worker, or a replay, is killed with -9 between two steps; whoever comes next finishes what was begun, and money moves once.
import { afterEach, describe, expect, it } from 'vitest';
import { Cli, runCli } from '../support/cli.js';
import { attemptsOf, inStatus, lettersAbout, type LetterRow } from '../support/dead-letters.js';
import { withClient } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { aClick } from '../support/fixtures.js';
import { useOwnWorld } from '../support/own-world.js';
import { TcpProxy } from '../../stack/tcp-proxy.mjs';
import type { Advertiser, TestCampaign } from '../support/world.js';

const DECIDED = ['--by', 'kim', '--reason', 'price entered'];

describe('killed with -9', () => {
  const own = useOwnWorld();
  afterEach(() => own.stopAllWorkers());

  it('while letters are being stored: each is stored once, and told of', async () => {
    const worker = await (await own.startWorker()).ready();
    const { advertiser, campaign } = await unpriced();
    await holding('lock table dead_letters in exclusive mode', async () => {
      await clicks(advertiser, campaign, 200);
      await own.world.topics.settled('click-balance-processor', 'ad-events');
      await own.kill(worker);
    });
    expect(await lettersAbout(own.world, campaign)).toEqual([]);

    await (await own.startWorker()).ready(90_000);
    await inStatus(() => lettersAbout(own.world, campaign), 'NEW', 200, 90_000);
    await own.world.topics.settled('dlq-processor', 'ad-events.dlq', 60_000);

    const alerts = await own.world.alertsAbout(campaign);
    expect(new Set(alerts.map(({ alertId }) => alertId)).size).toBe(200);
  }, 240_000);

  it('between the storing of a letter and its alert: it is stored once, told of under the same id, and committed', async () => {
    const { advertiser, campaign } = await unpriced();
    const [row, alertId] = await deafToPostgres('lock table dead_letters in exclusive mode', {
      begin: async () => clicks(advertiser, campaign, 1),
      done: async () => {
        const [stored] = await inStatus(() => lettersAbout(own.world, campaign), 'NEW');
        const { topic, partition, offset, record_timestamp: time, group_id: group } = stored as LetterRow;
        expect(await own.world.alertsAbout(campaign)).toEqual([]);
        expect(await isCommitted('dlq-processor', 'ad-events.dlq')).toBe(false);
        return [stored, `dead-letter:${[topic, partition, offset, time, group, 1].join(':')}`] as const;
      },
    });

    await (await own.startWorker()).ready(90_000);
    await own.world.topics.settled('dlq-processor', 'ad-events.dlq', 60_000);

    expect(await lettersAbout(own.world, campaign)).toEqual([row]);
    expect(await attemptsOf(own.world, row as LetterRow)).toHaveLength(1);
    expect((await own.world.alertsAbout(campaign)).map((alert) => alert.alertId)).toEqual([alertId]);
    expect(await own.world.historyOf(advertiser)).toEqual([]);
    await own.world.booksBalance();
  }, 240_000);

  it('between the posting of a replay and its resolution: it is posted once, and resolved', async () => {
    const worker = await (await own.startWorker()).ready();
    const { advertiser, campaign, letters } = await deadClicks(1);
    await mend(campaign);
    await holding(`select from dead_letters where id = ${letters[0]?.id} for update`, async () => {
      // The replay itself marks the letter first: it is sent by hand, as it would be.
      const [letter] = letters;
      await own.world.produce('ad-events.retry', [
        { value: letter?.value ?? null, headers: headersOf(letter as LetterRow), partition: letter?.partition ?? 0 },
      ]);
      await eventually('it is posted', 30_000, async () => (await own.world.historyOf(advertiser)).length === 1);
      await own.kill(worker);
    });
    expect(await lettersAbout(own.world, campaign)).toMatchObject([{ status: 'NEW' }]);

    await (await own.startWorker()).ready(90_000);
    await inStatus(() => lettersAbout(own.world, campaign), 'RESOLVED', 1, 60_000);

    expect(await own.world.historyOf(advertiser)).toHaveLength(1);
    await own.world.booksBalance();
  }, 240_000);

  it('between the resolution of a replay and its commit: it stays resolved, and nothing is posted twice', async () => {
    await (await own.startWorker()).ready();
    const { advertiser, campaign, letters } = await deadClicks(1);
    const letter = letters[0] as LetterRow;
    await mend(campaign);
    await own.stopAllWorkers();
    const resolved = await deafToPostgres(`select from dead_letters where id = ${letter.id} for update`, {
      begin: () =>
        own.world.produce('ad-events.retry', [
          { value: letter.value, headers: headersOf(letter), partition: letter.partition },
        ]),
      done: async () => {
        const rows = await inStatus(() => lettersAbout(own.world, campaign), 'RESOLVED');
        expect(await isCommitted('click-balance-processor-retry', 'ad-events.retry')).toBe(false);
        return rows;
      },
    });

    await (await own.startWorker()).ready(90_000);
    await own.world.topics.settled('click-balance-processor-retry', 'ad-events.retry', 60_000);

    expect(await lettersAbout(own.world, campaign)).toEqual(resolved);
    expect(await own.world.historyOf(advertiser)).toHaveLength(1);
    await own.world.booksBalance();
  }, 240_000);

  it('a replay between mark and send: what was marked is replayed after ten minutes, and charged once', async () => {
    await (await own.startWorker()).ready();
    const { advertiser, campaign } = await deadClicks(60);
    await mend(campaign);

    const running = new Cli(own.world.env, ['dlq', 'replay', '--all', '--rate', '40', ...DECIDED]);
    await eventually('it is half-way', 30_000, async () => {
      const rows = await lettersAbout(own.world, campaign);
      return rows.filter(({ status }) => status !== 'NEW').length >= 20;
    });
    running.signal('SIGKILL');
    await running.result;
    // As if it had marked ten more, and died before it sent them.
    await own.world.database.query(
      `update dead_letters set status = 'REPLAYED', replayed_at = now()
       where id in (select id from dead_letters where campaign_id = $1 and status = 'NEW' order by id limit 10)`,
      [campaign.id],
    );
    const first = await runCli(own.world.env, 'dlq', 'replay', '--all', ...DECIDED, '--json');
    await own.world.topics.settled('click-balance-processor-retry', 'ad-events.retry', 60_000);
    const marked = (await lettersAbout(own.world, campaign)).filter(({ status }) => status === 'REPLAYED').length;
    await own.world.database.query(
      `update dead_letters set replayed_at = now() - interval '11 minutes' where status = 'REPLAYED'`,
    );
    const second = await runCli(own.world.env, 'dlq', 'replay', '--all', ...DECIDED, '--json');
    await inStatus(() => lettersAbout(own.world, campaign), 'RESOLVED', 60, 60_000);

    expect([first.code, second.code]).toEqual([0, 0]);
    expect(JSON.parse(second.stdout)).toMatchObject({ chosen: marked, sent: marked });
    expect(marked).toBeGreaterThanOrEqual(10);
    expect(await own.world.historyOf(advertiser)).toHaveLength(60);
    await own.world.booksBalance();
  }, 240_000);

  async function unpriced(): Promise<{ advertiser: Advertiser; campaign: TestCampaign }> {
    const advertiser = await own.world.advertiser();
    return { advertiser, campaign: await own.world.campaign(advertiser, { redisCpc: null }) };
  }

  async function deadClicks(count: number) {
    const { advertiser, campaign } = await unpriced();
    await clicks(advertiser, campaign, count);
    const letters = await inStatus(() => lettersAbout(own.world, campaign), 'NEW', count);
    await own.world.database.query(`update dead_letters set status = 'DISCARDED' where campaign_id <> $1`, [
      campaign.id,
    ]);
    return { advertiser, campaign, letters };
  }

  async function clicks(advertiser: Advertiser, campaign: TestCampaign, count: number): Promise<void> {
    const click = () => aClick({ campaignId: campaign.id, advertiserId: advertiser.id });
    await own.world.produce('ad-events', Array.from({ length: count }, click));
  }

  const mend = (campaign: TestCampaign) =>
    own.world.database.query('update campaigns set cpc = 1 where id = $1', [campaign.id]);

  /**
   * A Worker whose statement on dead letters is committed and which never hears of it: it waits for a lock, the way back is
   * closed, the lock is let go. Then it is killed.
   */
  async function deafToPostgres<T>(lock: string, step: { begin: () => Promise<unknown>; done: () => Promise<T> }) {
    const proxy = await TcpProxy.open({ port: own.stack.postgres.port });
    const url = new URL(own.stack.env.DATABASE_URL);
    url.host = `127.0.0.1:${proxy.port}`;
    try {
      const worker = await (await own.startWorker({ DATABASE_URL: url.toString() })).ready(90_000);
      await withClient(own.stack.env.MIGRATION_DATABASE_URL, async (client) => {
        await client.query('begin');
        await client.query(lock);
        await step.begin();
        await eventually('the Worker waits for the lock', 30_000, async () => {
          const { rowCount } = await own.world.database.query(
            `select from pg_stat_activity where application_name = 'worker-dlq' and wait_event_type = 'Lock'`,
          );
          return rowCount === 1;
        });
        proxy.silence();
        await client.query('rollback');
      });
      const result = await step.done();
      await own.kill(worker);
      return result;
    } finally {
      await proxy.close();
    }
  }

  async function isCommitted(group: string, topic: string): Promise<boolean> {
    const [ends, committed] = await Promise.all([
      own.world.topics.ends(topic),
      own.world.topics.committed(group, topic),
    ]);
    return [...ends].every(([partition, { high }]) => high === 0n || (committed.get(partition) ?? -1n) >= high);
  }

  /** Does something while somebody's session holds what the Worker needs. */
  async function holding(sql: string, work: () => Promise<void>): Promise<void> {
    await withClient(own.stack.env.MIGRATION_DATABASE_URL, async (client) => {
      await client.query('begin');
      await client.query(sql);
      await work();
      // A server does not notice that its client is dead while a statement waits: it would still make that one good.
      await client.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'worker-dlq'`,
      );
      await client.query('rollback');
    });
  }
});

function headersOf(letter: LetterRow): Record<string, string> {
  return {
    'dlq-origin-topic': letter.topic,
    'dlq-origin-partition': String(letter.partition),
    'dlq-origin-offset': letter.offset,
    'dlq-origin-timestamp': letter.record_timestamp,
    'dlq-group': letter.group_id,
    'dlq-attempt': '1',
  };
}
