import { Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Campaign } from '../src/campaigns/campaign.entity.js';
import { DatabaseLifecycle } from '../src/platform/database/database-lifecycle.js';
import { migrate, useDatabase } from './support/database.js';
import { eventually } from './support/eventually.js';

const database = useDatabase({ migrated: false });

function start(url: string) {
  const warnings: string[] = [];
  vi.spyOn(Logger.prototype, 'warn').mockImplementation((line: unknown) => void warnings.push(String(line)));
  const dataSource = new DataSource({
    type: 'postgres',
    url,
    entities: [Campaign],
    installExtensions: false,
    logging: false,
  });
  const lifecycle = new DatabaseLifecycle(dataSource, { url });
  lifecycle.onModuleInit();
  return { lifecycle, dataSource, warnings };
}

async function stop({ lifecycle, dataSource }: ReturnType<typeof start>): Promise<void> {
  lifecycle.beforeApplicationShutdown();
  await lifecycle.onApplicationShutdown();
  if (dataSource.isInitialized) await dataSource.destroy();
}

afterEach(() => vi.restoreAllMocks());

describe('the database at start-up', () => {
  it('may be away: that is said, and tried again, until the Worker stops', async () => {
    const started = start('postgres://127.0.0.1:1/x');

    await eventually('two tries are told', 5_000, () => started.warnings.length === 2);
    await expect(started.lifecycle.ping()).rejects.toThrow('not reachable');
    const ready = started.lifecycle.ready();
    await stop(started);

    expect(started.warnings).toEqual([
      'database not reachable (ECONNREFUSED): retrying in 1 s',
      'database not reachable (ECONNREFUSED): retrying in 2 s',
    ]);
    await expect(ready).rejects.toMatchObject({ name: 'TransientError' });
  });

  it('may be unmigrated: the Worker says how to change that, and goes on by itself when it has been', async () => {
    const started = start(database.workerUrl);

    await eventually('the first try is told', 5_000, () => started.warnings.length > 0);
    expect(started.lifecycle.isReady).toBe(false);
    await migrate(database.ownerUrl);
    await database.query(`grant worker to ${new URL(database.workerUrl).username}`);
    await started.lifecycle.ready();

    expect(started.warnings[0]).toMatch(/^database not migrated .*: run "npm run migrate": retrying in 1 s$/);
    await started.lifecycle.ping();
    await stop(started);
  });
});

describe('the campaign entity', () => {
  it('gives ids as bigint, money as text and days as text', async () => {
    await database.query(`insert into advertisers (id, name) values (9007199254740993, 'a')`);
    await database.query(
      `insert into campaigns (id, advertiser_id, name, cpc, budget_paused_on)
       values (9007199254740995, 9007199254740993, 'c', 98765432109876.123456, '2026-11-24')`,
    );
    const started = start(database.workerUrl);
    await started.lifecycle.ready();

    const [campaign] = await started.dataSource.getRepository(Campaign).findBy({ id: 9007199254740995n });

    expect(campaign).toMatchObject({
      id: 9007199254740995n,
      advertiserId: 9007199254740993n,
      cpc: '98765432109876.123456',
      dailyBudget: null,
      status: 'ACTIVE',
      budgetPausedOn: '2026-11-24',
    });
    await stop(started);
  });
});
