import type { GroupDescription } from 'kafkajs';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { Stack, type StackOptions } from '../../stack/stack.mjs';
import { runCli } from './cli.js';
import { eventually } from './eventually.js';
import { aClick } from './fixtures.js';
import { WorkerProcess, type WorkerOptions } from './worker-process.js';
import { World, type Advertiser, type TestCampaign } from './world.js';

export const CLICKS = 'click-balance-processor';
const LAST_LINES = 60;

/** An advertiser whose clicks cost 1 each, whether Redis or the database has to say so. */
export interface Account {
  readonly advertiser: Advertiser;
  readonly campaign: TestCampaign;
}

/** A stack that a test may kill and starve, with Workers of its own. Nothing of it outlives the file. */
export class OwnWorld {
  readonly stack: Stack;
  readonly workers: WorkerProcess[] = [];
  /** Error lines that the test means to provoke. */
  readonly announced: RegExp[] = [];
  private outside: World | undefined;

  constructor(options: StackOptions) {
    this.stack = new Stack({ log: () => undefined, ...options });
  }

  get world(): World {
    if (this.outside === undefined) throw new Error('the stack starts in beforeAll');
    return this.outside;
  }

  async open(): Promise<void> {
    await this.stack.start();
    this.outside = await new World({ ...this.stack.env }).open();
  }

  async close(): Promise<void> {
    for (const worker of this.workers) await worker.stop('SIGKILL');
    await this.outside?.close().catch(() => undefined);
    await this.stack.stop();
  }

  /** Starts one more Worker, without waiting until it is ready. */
  async startWorker(env: Record<string, string> = {}, options: WorkerOptions = {}): Promise<WorkerProcess> {
    const level = process.env['FAULTS_LOG_LEVEL'] ?? 'info';
    const worker = await WorkerProcess.start({ ...this.stack.env, LOG_LEVEL: level, ...env }, options);
    this.workers.push(worker);
    return worker;
  }

  /** Ends a Worker; resolves with its exit code, null after a signal that it did not handle. */
  stopWorker(worker: WorkerProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    return worker.stop(signal);
  }

  /** Kills it with -9, and tells the broker, which would find out after a session time-out of 30 s. Other members rejoin. */
  async kill(worker: WorkerProcess): Promise<void> {
    await this.stopWorker(worker, 'SIGKILL');
    await this.world.topics.removeMembers();
  }

  /** After a test, whose next one begins with Workers of its own. */
  async stopAllWorkers(): Promise<void> {
    const running = this.workers.filter(({ exited }) => !exited);
    await Promise.all(running.map((worker) => this.stopWorker(worker)));
  }

  async account(): Promise<Account> {
    const advertiser = await this.world.advertiser({ balance: '1000000' });
    return { advertiser, campaign: await this.world.campaign(advertiser, { redisCpc: '1', cpc: '1' }) };
  }

  /** Writes clicks, spread over these accounts in turn, and over the partitions unless one is named. */
  async click(accounts: readonly Account[], count: number, partition?: number): Promise<void> {
    const values = Array.from({ length: count }, (_, i) => {
      const account = accounts[i % accounts.length] as Account;
      return {
        value: aClick({ advertiserId: account.advertiser.id, campaignId: account.campaign.id }),
        partition: partition ?? i % 3,
      };
    });
    await this.world.produce('ad-events', values);
  }

  /** How many clicks of all accounts, or of this one, are in the ledger. */
  async charged(account?: Account): Promise<number> {
    const { rows } = await this.world.database.query<{ charged: number }>(
      'select count(*)::int as charged from ad_balance_histories where $1::bigint is null or advertiser_id = $1',
      [account?.advertiser.id ?? null],
    );
    return rows[0]?.charged ?? 0;
  }

  /** Looks from outside until this many clicks are in the ledger. */
  async chargedAtLeast(count: number, withinMs = 60_000, account?: Account): Promise<void> {
    await eventually(`${count} clicks are charged`, withinMs, async () => (await this.charged(account)) >= count);
  }

  /** Clicks that are in the ledger although their offsets are not committed: they will be delivered once more. */
  async chargedButNotCommitted(): Promise<number> {
    const committed = await this.world.topics.committed(CLICKS, 'ad-events');
    let count = 0;
    for (const [partition, offset] of committed) {
      const { rows } = await this.world.database.query<{ beyond: number }>(
        'select count(*)::int as beyond from ad_balance_histories where source_partition = $1 and source_offset >= $2',
        [partition, offset],
      );
      count += rows[0]?.beyond ?? 0;
    }
    return count;
  }

  /** How many members the group of the clicks has: one that has not left holds its partitions for a session. */
  async members(): Promise<number> {
    return (await this.describeGroup()).members.length;
  }

  /** Resolves once the group of the clicks waits for its members to join anew. */
  async isRebalancing(): Promise<void> {
    await eventually('the group is rebalancing', 60_000, async () => {
      return (await this.describeGroup()).state === 'PreparingRebalance';
    });
  }

  /** Like the world's own, but a broker that has just come back may still refuse to say. */
  async settled(withinMs = 60_000): Promise<void> {
    const { topics } = this.world;
    await eventually(`${CLICKS} has committed the end of ad-events`, withinMs, async () => {
      try {
        const [ends, committed] = await Promise.all([topics.ends('ad-events'), topics.committed(CLICKS, 'ad-events')]);
        return [...ends].every(([partition, { high }]) => high === 0n || (committed.get(partition) ?? -1n) >= high);
      } catch {
        return false;
      }
    });
  }

  /** Only for files whose records are all clicks: each has its one row, all is committed, nothing is dead, the books balance. */
  async everyClickIsChargedOnce({ withinMs = 90_000, dead = 0 } = {}): Promise<void> {
    await this.settled(withinMs);
    const ends = await this.world.topics.ends('ad-events');
    const { rows } = await this.world.database.query<{ partition: number; rows: number; records: number }>(
      `select source_partition as partition, count(*)::int as rows, count(distinct source_offset)::int as records
       from ad_balance_histories group by source_partition`,
    );
    const inLedger = new Map(rows.map(({ partition, ...counts }) => [partition, counts]));
    let missing = 0;
    for (const [partition, { low, high }] of ends) {
      const { rows: count, records } = inLedger.get(partition) ?? { rows: 0, records: 0 };
      expect(count, `rows of partition ${partition}, each for a record of its own`).toBe(records);
      missing += Number(high - low) - records;
    }
    expect(missing, 'records without a row').toBe(dead);
    expect(await this.deadLetterOrigins(), 'dead letters').toHaveLength(dead);
    await this.world.booksBalance();
    expect(await this.reconcile()).toMatchObject({ code: 0 });
    expect(await this.accountFor('ad-events')).toMatchObject({ pending: 0, dead, missing: [], twice: [] });
  }

  /** Where the dead letters of `ad-events` stood; one that was written twice counts once. */
  async deadLetterOrigins(): Promise<string[]> {
    const letters = await this.world.topics.read('ad-events.dlq');
    const origins = letters.map(
      ({ headers: h }) => `${String(h['dlq-origin-partition'])}:${String(h['dlq-origin-offset'])}`,
    );
    return [...new Set(origins)];
  }

  /** What `account-for` finds of a topic. */
  async accountFor(topic: string): Promise<Record<string, unknown>> {
    const { stdout, stderr } = await runCli({ ...this.stack.env }, 'account-for', topic, '--json');
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  /** What `reconcile` says of the books, and its exit code. */
  async reconcile(): Promise<{ code: number | null; output: string }> {
    const { code, stdout, stderr } = await runCli({ ...this.stack.env }, 'reconcile');
    return { code, output: stdout + stderr };
  }

  /** From the record's timestamp to its row, in milliseconds, of the clicks of these accounts. */
  async latencies(accounts: readonly Account[]): Promise<{ p50: number; p99: number; max: number }> {
    const { rows } = await this.world.database.query<{ p50: number; p99: number; max: number }>(
      `select percentile_disc(0.5) within group (order by ms)::int as p50, percentile_disc(0.99) within group (order by ms)::int as p99,
              max(ms)::int as max
       from (select extract(epoch from created_at - recorded_at) * 1000 as ms from ad_balance_histories where advertiser_id = any($1)) l`,
      [accounts.map(({ advertiser }) => advertiser.id)],
    );
    return rows[0] ?? { p50: NaN, p99: NaN, max: NaN };
  }

  /** Error lines that no test announced. */
  unannouncedErrors(): string[] {
    const errors = this.workers.flatMap(({ lines }) =>
      lines.filter(({ level }) => level === 'error' || level === 'fatal'),
    );
    return errors
      .map((line) => JSON.stringify(line))
      .filter((line) => !this.announced.some((pattern) => pattern.test(line)));
  }

  /** What each Worker said at last, and how far those that still run are behind. */
  async lastWords(): Promise<string> {
    const ofEach = this.workers.map(async (worker, i) => {
      const lag = (await worker.get('/metrics')).body
        .split('\n')
        .filter((line) => line.startsWith('worker_lag_records{'));
      const said = worker.lines.slice(-LAST_LINES).map((line) => JSON.stringify(line));
      return [`Worker ${i + 1} of ${this.workers.length}:`, ...said, ...worker.words, ...lag].join('\n');
    });
    return `${(await Promise.all(ofEach)).join('\n')}\n`;
  }

  private async describeGroup(): Promise<GroupDescription> {
    const admin = this.world.topics.kafka.admin();
    await admin.connect();
    const { groups } = await admin.describeGroups([CLICKS]);
    await admin.disconnect();
    return groups[0] as GroupDescription;
  }
}

/** A world of the file's own. What its Workers said is shown when a test fails. */
export function useOwnWorld(options: StackOptions = {}): OwnWorld {
  const own = new OwnWorld(options);
  beforeAll(() => own.open());
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') process.stderr.write(await own.lastWords());
    expect(own.unannouncedErrors(), 'errors that no test announced').toEqual([]);
  });
  afterAll(() => own.close());
  return own;
}

/** Clicks that go on being written until `stop`, some hundred a second. */
export class Load {
  written = 0;
  private stopped = false;
  private readonly running: Promise<void>;

  constructor(
    private readonly own: OwnWorld,
    private readonly accounts: readonly Account[],
    private readonly perRound = 30,
  ) {
    this.running = this.run();
    this.running.catch(() => undefined); // `stop` tells
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      await this.own.click(this.accounts, this.perRound);
      this.written += this.perRound;
      await new Promise((resolve) => setTimeout(resolve, 100)); // the rate of the load, nothing waits for it
    }
  }
}
