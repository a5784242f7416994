// Each record of a topic is found again in the ledger or among the dead letters, or named as missing. The tests follow each
// other on one topic: what is planted stays.
import type { Message, Producer } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cli, runCli, type CliResult } from './support/cli.js';
import { withClient } from './support/database.js';
import { eventually } from './support/eventually.js';
import { aClick, aCompensation, uniqueName } from './support/fixtures.js';
import { useOwnWorld, type Account as Payer } from './support/own-world.js';
import type { WorkerProcess } from './support/worker-process.js';

const TOPIC = 'ad-events';

interface Account {
  readonly posted: number;
  readonly missing: string[];
  readonly twice: string[];
  readonly removed: { partition: number; from: number; to: number }[];
}

const NOTHING = {
  posted: 0,
  repeated: 0,
  skipped: 0,
  dead: 0,
  pending: 0,
  beforeStart: 0,
  missing: [],
  twice: [],
  removed: [],
};

describe('account-for', () => {
  const own = useOwnWorld();
  let payer: Payer;
  let worker: WorkerProcess;
  /** A send that a busy broker answers late is not written twice: here each record counts. */
  let producer: Producer;

  const ask = (...words: string[]): Promise<CliResult> => runCli({ ...own.stack.env }, 'account-for', ...words);
  const account = async (topic: string, ...words: string[]): Promise<Account & { code: number | null }> => {
    const { code, stdout, stderr } = await ask(topic, '--json', ...words);
    expect(stdout, stderr).not.toBe('');
    return { ...(JSON.parse(stdout) as Account), code };
  };
  const click = (): string => aClick({ advertiserId: payer.advertiser.id, campaignId: payer.campaign.id });
  const clicks = (count: number): Message[] =>
    Array.from({ length: count }, (_, i) => ({ value: click(), partition: i % 3 }));
  const produce = (topic: string, messages: readonly (Message | string | null)[]) =>
    producer.send({
      topic,
      messages: messages.map((each) => (typeof each === 'object' && each !== null ? each : { value: each })),
    });
  /** As nobody may whom the database knows: histories are append-only. */
  const tamper = (sql: string, values: unknown[]) =>
    own.world.database.query(
      `set session_replication_role = replica; ${sql.replace(/\$(\d)/g, (_, n: string) => String(values[Number(n) - 1]))}; set session_replication_role = default`,
    );

  beforeAll(async () => {
    payer = await own.account();
    producer = own.world.topics.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
    });
    await producer.connect();
    await produce(TOPIC, clicks(5));
    worker = await own.startWorker();
    await worker.ready(60_000);
  });

  afterAll(() => producer.disconnect());

  it('knows what came before the group began', async () => {
    expect(await account(TOPIC)).toEqual({
      ...NOTHING,
      topic: TOPIC,
      group: 'click-balance-processor',
      beforeStart: 5,
      code: 0,
    });
  });

  it('finds clicks in the ledger, rubbish among the dead letters, and has nothing to say of all others', async () => {
    await produce(TOPIC, clicks(300));
    await produce(TOPIC, [
      ...Array.from({ length: 20 }, () => JSON.stringify({ eventType: 'IMPRESSION' })),
      ...[null, null],
      ...['rubbish', '{}', aClick({ advertiserId: payer.advertiser.id, campaignId: 2n ** 62n })],
    ]);
    await own.settled();

    const found = { posted: 300, skipped: 22, dead: 3, beforeStart: 5 };
    expect(await account(TOPIC)).toMatchObject({ ...NOTHING, ...found, code: 0 });
    const { stdout } = await ask(TOPIC);
    expect(stdout).toMatch(/^ad-events, as click-balance-processor reads it\n +300 {2}posted +in the ledger\n/);
    expect(stdout).toMatch(/\nevery record is accounted for\n$/);
  });

  it('goes by the time of the records', async () => {
    const before = new Date(Date.now() - 86_400_000);
    const after = new Date(Date.now() + 1);
    await produce(TOPIC, [
      { value: click(), timestamp: String(Date.now() + 500) },
      { value: click(), timestamp: String(Date.now() + 500) },
    ]);
    await own.settled();

    expect(await account(TOPIC, '--from', after.toISOString())).toMatchObject({ ...NOTHING, posted: 2, code: 0 });
    expect(await account(TOPIC, '--to', before.toISOString())).toMatchObject({ ...NOTHING, code: 0 });
    const nothing = await ask(TOPIC, '--to', new Date(0).toISOString());
    expect(nothing).toMatchObject({ code: 0 });
    expect(nothing.stdout).toMatch(/\nthere are no records to account for\n$/);
    const both = ['--from', String(before.getTime()), '--to', String(after.getTime())];
    expect(await account(TOPIC, ...both)).toMatchObject({ posted: 300, dead: 3 });
  });

  it('tells a compensation that came before from a new one', async () => {
    const { id } = payer.advertiser;
    const one = aCompensation({ advertiserId: id, refundAmount: '0.5', compensationId: uniqueName('once') });
    const alone = aCompensation({ advertiserId: id, refundAmount: '0.5', compensationId: undefined });
    const conflict = JSON.stringify({ ...(JSON.parse(one) as object), refundAmount: '0.6' });
    for (const value of [one, one, one, alone, alone, conflict]) {
      await produce('compensation-events', [{ value, partition: 0 }]);
    }
    await own.world.settled('compensation-processor');

    expect(await account('compensation-events')).toMatchObject({
      ...NOTHING,
      posted: 3,
      repeated: 2,
      dead: 1,
      code: 0,
    });
  });

  it('finds a dead letter again that was replayed, and one that retention took out of the table', async () => {
    const found = await account(TOPIC);
    await own.world.database.query('delete from dead_letters');

    expect(await account(TOPIC)).toEqual(found);
  });

  it('reads to its end a topic that ends with a transaction that was given up', async () => {
    const transactional = own.world.topics.kafka.producer({
      transactionalId: uniqueName('tx'),
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await transactional.connect();
    const given = await transactional.transaction();
    await given.send({ topic: TOPIC, messages: [{ value: click(), partition: 0 }] });
    await given.abort();
    const taken = await transactional.transaction();
    await taken.send({ topic: TOPIC, messages: [{ value: click(), partition: 1 }] });
    await taken.commit();
    await transactional.disconnect();
    await own.settled();

    expect(await account(TOPIC)).toMatchObject({ posted: 303, missing: [], code: 0 });
  });

  it('counts what the group has not committed yet as pending', async () => {
    expect(await own.stopWorker(worker)).toBe(0);
    await produce(TOPIC, clicks(30));

    expect(await account(TOPIC)).toMatchObject({ posted: 303, pending: 30, missing: [], code: 0 });
    worker = await own.startWorker();
    await worker.ready(60_000);
    await own.settled();
    expect(await account(TOPIC)).toMatchObject({ posted: 333, pending: 0, missing: [], code: 0 });
  });

  it('stops where it is at Ctrl-C, and claims nothing', async () => {
    await withClient(own.stack.env.MIGRATION_DATABASE_URL, async (client) => {
      await client.query('begin; lock table ad_balance_histories in access exclusive mode');
      const cli = new Cli({ ...own.stack.env }, ['account-for', TOPIC]);
      await eventually('it asks the ledger', 30_000, async () => {
        const { rows } = await own.world.database.query(
          `select from pg_stat_activity where application_name = 'worker-account-for' and wait_event_type = 'Lock'`,
        );
        return rows.length > 0;
      });
      cli.signal('SIGINT');
      await eventually('it has heard', 10_000, () => cli.stderr.includes('stopping after the records under way'));
      await client.query('rollback');

      expect(await cli.result).toMatchObject({ code: 130, stdout: '' });
    });
  });

  it('names a record whose posting is gone, and one that was posted twice under another key', async () => {
    const { rows } = await own.world.database.query<{ id: string; partition: number; offset: string }>(
      `select id::text, source_partition as partition, source_offset::text as "offset"
       from ad_balance_histories where source_topic = $1 order by id limit 2`,
      [TOPIC],
    );
    const [lost, doubled] = rows;
    await tamper('delete from ad_balance_histories where id = $1', [lost?.id]);
    await tamper(
      `insert into ad_balance_histories (idempotency_key, advertiser_id, campaign_id, type, amount, balance_after, price_source,
         event_id, source_topic, source_partition, source_offset, recorded_at, occurred_at)
       select 'again:' || idempotency_key, advertiser_id, campaign_id, type, amount, balance_after, price_source,
         event_id, source_topic, source_partition, source_offset, recorded_at, occurred_at
       from ad_balance_histories where id = $1`,
      [doubled?.id],
    );

    const [missing, twice] = [lost, doubled].map((row) => `${TOPIC}:${row?.partition}:${row?.offset}`);
    expect(await account(TOPIC)).toMatchObject({ posted: 332, missing: [missing], twice: [twice], code: 1 });
    const { code, stdout } = await ask(TOPIC);
    expect(code).toBe(1);
    expect(stdout).toContain(`\nmissing: neither in the ledger nor a dead letter: 1\n  ${missing}\n`);
    expect(stdout).toMatch(new RegExp(`\nposted twice: 1\n {2}${twice}\nNOT every record is accounted for\n$`));
  });

  it('names a compensation that was paid for two records', async () => {
    await tamper(
      `insert into ad_balance_histories (idempotency_key, advertiser_id, type, amount, balance_after, source_topic,
         source_partition, source_offset, recorded_at, occurred_at)
       select idempotency_key, advertiser_id, type, amount, balance_after, source_topic,
         source_partition, source_offset + 1, recorded_at + interval '1 s', occurred_at
       from ad_balance_histories where idempotency_key like 'compensation:once%'`,
      [],
    );

    const twice = ['compensation-events:0:0', 'compensation-events:0:1'];
    expect(await account('compensation-events')).toMatchObject({ twice, code: 1 });
  });

  it('says what retention has removed', async () => {
    const admin = own.world.topics.kafka.admin();
    await admin.connect();
    await admin.fetchTopicOffsets('compensation-events'); // kafkajs deletes from topics only that it knows
    await admin.deleteTopicRecords({ topic: 'compensation-events', partitions: [{ partition: 0, offset: '4' }] });
    await admin.disconnect();

    expect(await account('compensation-events')).toMatchObject({
      posted: 1,
      removed: [{ partition: 0, from: 0, to: 4 }],
    });
    const { stdout } = await ask('compensation-events');
    expect(stdout).toContain('removed before this: compensation-events:0, offsets 0 to 3:');
  });

  it.each([
    [[], 'account-for: which topic? It takes ad-events, compensation-events'],
    [
      ['alert-events'],
      'account-for: alert-events is no topic whose records become postings; it takes ad-events, compensation-events',
    ],
    [['ad-events', 'more'], 'account-for: unknown argument more'],
    [['ad-events', '--from', 'soon'], 'account-for: --from "soon": must be a time such as'],
    [['ad-events', '--from', '2026-01-02', '--to', '2026-01-01'], 'account-for: --from must be before --to'],
    [['ad-events', '--since', '1'], 'account-for: unknown option --since'],
  ])('does nothing about %j', async (words, fault) => {
    const { code, stdout, stderr } = await ask(...words);

    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.startsWith(fault), stderr).toBe(true);
  });

  it('says in one line what is away', async () => {
    const [noBroker, noDatabase] = await Promise.all([
      runCli({ ...own.stack.env, KAFKA_BROKERS: '127.0.0.1:1' }, 'account-for', TOPIC),
      runCli({ ...own.stack.env, DATABASE_URL: 'postgresql://worker@127.0.0.1:1/worker' }, 'account-for', TOPIC),
    ]);

    expect(noBroker).toMatchObject({ code: 1, stdout: '' });
    expect(noBroker.stderr).toMatch(/^account-for: .*127\.0\.0\.1:1.*\n$/);
    expect(noDatabase).toMatchObject({ code: 1, stdout: '' });
    expect(noDatabase.stderr).toMatch(/^account-for: connect ECONNREFUSED 127\.0\.0\.1:1\n$/);
  });
});
