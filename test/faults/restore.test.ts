// Postgres is restored to an earlier time, and the way back of docs/operations.md is taken: what was charged since is charged
// again from Kafka, once, and what the restored books have already changes nothing.
import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { aCompensation } from '../support/fixtures.js';
import { useOwnWorld, type Account } from '../support/own-world.js';

/** The groups and their topics that operations.md sets back. */
const SET_BACK = [
  ...readFileSync('docs/operations.md', 'utf8').matchAll(/\b((?:click-balance|compensation)-processor\S*):(\S+)/g),
].map(([, group = '', topic = '']) => ({ group, topic: topic.replace(';', '') }));
const MINUTE_MS = 60_000;

describe('a restore of Postgres to an earlier time', () => {
  const own = useOwnWorld();
  const refund = (accounts: readonly Account[]): Promise<unknown> =>
    own.world.produce(
      'compensation-events',
      accounts.map(({ advertiser, campaign }) =>
        aCompensation({ advertiserId: advertiser.id, campaignId: campaign.id, refundAmount: '0.5' }),
      ),
    );
  const allIsCommitted = async (): Promise<void> => {
    await own.settled();
    await own.world.settled('compensation-processor');
  };
  const balances = (accounts: readonly Account[]): Promise<unknown[]> =>
    Promise.all(accounts.map(({ advertiser }) => own.world.balanceOf(advertiser)));

  async function setBack(group: string, topic: string, to: number): Promise<void> {
    const admin = own.world.topics.kafka.admin();
    await admin.connect();
    const partitions = await admin.fetchTopicOffsetsByTimestamp(topic, to);
    await admin.setOffsets({ groupId: group, topic, partitions });
    await admin.disconnect();
  }

  it('is caught up with by setting the groups back: all of it is charged and refunded once', async () => {
    expect(SET_BACK).toHaveLength(4);
    const cluster = join(own.stack.dataFolder, 'postgres', 'data');
    const saved = join(own.stack.dataFolder, 'postgres', 'saved');
    const accounts = await Promise.all(Array.from({ length: 4 }, () => own.account()));
    const first = await (await own.startWorker()).ready(60_000);
    const savedAt = Date.now();
    await own.click(accounts, 200);
    await refund(accounts);
    await allIsCommitted();
    expect(await own.stopWorker(first)).toBe(0);
    await own.stack.postgres.stop();
    execFileSync('cp', ['-a', cluster, saved]); // with its owner, whom Node's own copy would not keep
    await own.stack.postgres.start();
    const second = await (await own.startWorker()).ready(60_000);
    await own.click(accounts, 300);
    await refund(accounts);
    await allIsCommitted();
    const [before, charged] = [await balances(accounts), await own.charged()];
    expect(await own.stopWorker(second)).toBe(0);

    await own.stack.postgres.stop();
    rmSync(cluster, { recursive: true });
    renameSync(saved, cluster);
    await own.stack.postgres.start();
    expect(await own.charged()).toBeLessThan(charged);
    for (const { group, topic } of SET_BACK) await setBack(group, topic, savedAt - 5 * MINUTE_MS);
    const third = await (await own.startWorker()).ready(60_000);
    await allIsCommitted();

    expect(await own.charged()).toBe(charged);
    expect(await balances(accounts)).toEqual(before);
    expect(await own.reconcile()).toMatchObject({ code: 0 });
    expect(await own.stopWorker(third)).toBe(0);
  }, 180_000);
});
