// Whoever writes events writes any text: it is stored as it came, becomes neither SQL nor a log line, and stops nothing.
import { describe, expect, it } from 'vitest';
import { eventually } from './support/eventually.js';
import { aClick, aCompensation, uniqueName } from './support/fixtures.js';
import { useOwnWorld } from './support/own-world.js';

const TEXTS = [
  `'; drop table advertisers; --`,
  `$1 $$; select pg_sleep(9); $$ \\'; --`,
  `"} {"level":"fatal","msg":"forged"}`,
  'a\r\n{"level":"fatal","msg":"forged"}\n',
  '\u001b[2J\u001b[31mforged\u009b31m\u2028\u202e',
  '<!channel> <@U1> &lt; *x*',
  '{{7*7}} ${7*7} %n%s',
  'x'.repeat(100_000),
];

describe('texts of events', () => {
  const own = useOwnWorld();

  it('that are code to somebody are data here', async () => {
    const worker = await (await own.startWorker({ LOG_LEVEL: 'debug' })).ready(90_000);
    const advertiser = await own.world.advertiser({ balance: '1000' });
    const campaign = await own.world.campaign(advertiser, { redisCpc: '1' });
    const ids = { advertiserId: advertiser.id, campaignId: campaign.id };
    const mark = uniqueName('hostile');

    // As names within a sound event, and in the place of ids, where they are poison.
    await own.world.produce('ad-events', [
      ...TEXTS.map((text) => aClick({ ...ids, eventId: `${text.slice(0, 100)}${mark}`, userAgent: text })),
      ...TEXTS.map((text) =>
        JSON.stringify({ ...ids, eventType: 'CLICK', advertiserId: text, campaignId: text }, asText),
      ),
      ...TEXTS,
    ]);
    await own.world.produce('compensation-events', [
      ...TEXTS.map((reason) => aCompensation({ ...ids, reason, compensationId: uniqueName(reason.slice(0, 50)) })),
      ...TEXTS.map((refundAmount) => aCompensation({ ...ids, refundAmount })),
    ]);
    await own.world.settled('compensation-processor');
    await own.world.settled('click-balance-processor');

    const history = await own.world.historyOf(advertiser);
    const clicks = history.filter(({ type }) => type === 'DEDUCT');
    expect(clicks.map(({ event_id }) => event_id)).toEqual(
      expect.arrayContaining(TEXTS.slice(0, 3).map((text) => text + mark)),
    );
    expect(clicks).toHaveLength(TEXTS.length);
    expect(history.filter(({ type }) => type === 'REFUND')).toHaveLength(TEXTS.length);
    await eventually('the dead ones are stored', 30_000, async () => {
      const { rows } = await own.world.database.query<{ n: number }>('select count(*)::int as n from dead_letters');
      return (rows[0]?.n ?? 0) >= TEXTS.length * 2;
    });
    await own.world.booksBalance();

    // Every line is one of ours, and none came from an event.
    expect(worker.words).toEqual([]);
    expect(worker.lines.filter(({ msg, level }) => msg === 'forged' || level === 'fatal')).toEqual([]);
    for (const line of worker.lines) expect(JSON.stringify(line).length).toBeLessThan(20_000);

    const metrics = (await worker.get('/metrics')).body.split('\n');
    expect(metrics.filter((line) => line !== '' && !/^(# (HELP|TYPE) |\w+(\{[^\n]*\})? \S+$)/.test(line))).toEqual([]);
    expect(metrics.join('\n')).not.toMatch(/drop table|forged|x{100}/);
    expect(await own.stopWorker(worker)).toBe(0);
  }, 180_000);

  it('of a megabyte, which an error repeats, are cut in the log', async () => {
    const worker = await (await own.startWorker()).ready(90_000);
    const account = await own.account();
    const ids = { advertiserId: account.advertiser.id, campaignId: account.campaign.id };
    await own.world.database.query(`
      create function refuse_at_length() returns trigger language plpgsql as
      $$ begin raise exception '%', repeat(new.event_id, 100000) using errcode = 'data_exception'; end $$`);
    await own.world.database.query(`
      create trigger refuse_at_length before insert on ad_balance_histories
      for each row when (new.event_id = '0123456789') execute function refuse_at_length()`);

    const text = 'x'.repeat(900_000);
    await own.world.produce('ad-events', [aClick({ ...ids, eventId: '0123456789', userAgent: text })]);
    const told = () => worker.lines.find(({ msg }) => msg === 'dead letter');
    await eventually('it is dead', 30_000, () => told() !== undefined);

    expect(told()?.['error']).toMatch(/^refused by the database: (0123456789)+\d*… \(\d{6} more characters\)$/);
    for (const line of worker.lines) expect(JSON.stringify(line).length).toBeLessThan(5_000);
    await own.click([account], 1);
    await own.chargedAtLeast(1, 30_000, account);
    expect(await own.stopWorker(worker)).toBe(0);
  }, 180_000);
});

const asText = (_name: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);
