// The built Worker with a collector beside it: whose child each span is, what it says, and what carries the trace on.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from './support/cli.js';
import { inStatus, lettersAbout } from './support/dead-letters.js';
import { eventually } from './support/eventually.js';
import { aClick } from './support/fixtures.js';
import { useOwnWorld } from './support/own-world.js';
import { SpanCollector, type Span } from './support/span-collector.js';
import type { WorkerProcess } from './support/worker-process.js';

interface Parent {
  readonly traceId: string;
  readonly spanId: string;
  readonly headers: { readonly traceparent: string };
}

function parent(flags = '01'): Parent {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceId, spanId, headers: { traceparent: `00-${traceId}-${spanId}-${flags}` } };
}

describe('tracing', () => {
  const own = useOwnWorld();
  const collector = new SpanCollector();
  let worker: WorkerProcess;

  beforeAll(async () => {
    await collector.open();
    worker = await own.startWorker({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint });
    await worker.ready();
  });
  afterAll(() => collector.close());

  it('makes the handler a child of what its record was written in, and links the batch to that', async () => {
    const { advertiser, campaign } = await own.account();
    const { traceId, spanId, headers } = parent();

    const value = aClick({ advertiserId: advertiser.id, campaignId: campaign.id });
    const [stands] = await own.world.produce('ad-events', [{ value, headers, partition: 1 }]);
    const span = await spanOf(traceId, 'process ad-events');

    expect(span).toMatchObject({
      parentSpanId: spanId,
      kind: 5,
      attributes: {
        'messaging.system': 'kafka',
        'messaging.operation.name': 'process',
        'messaging.operation.type': 'process',
        'messaging.destination.name': 'ad-events',
        'messaging.destination.partition.id': '1',
        'messaging.consumer.group.name': 'click-balance-processor',
        'messaging.kafka.offset': stands?.baseOffset,
        'worker.record.outcome': 'posted',
      },
    });
    const linked = ({ name, links = [] }: Span): boolean =>
      name === 'poll ad-events' && links.some((link) => link.spanId === spanId);
    await eventually('its batch has ended', 20_000, () => collector.spans.some(linked));
    const batch = collector.spans.find(linked);
    expect(batch?.attributes['messaging.batch.message_count']).toBe('1');
    expect(batch?.traceId).not.toBe(traceId);
  });

  it('takes the trace of a click that fails along: to its dead letter, the alert, the log and the replay', async () => {
    const advertiser = await own.world.advertiser();
    const campaign = await own.world.campaign(advertiser, { redisCpc: null, cpc: null });
    const { traceId, spanId, headers } = parent();
    const value = aClick({ advertiserId: advertiser.id, campaignId: campaign.id });

    await own.world.produce('ad-events', [{ value, headers }]);
    await inStatus(() => lettersAbout(own.world, campaign), 'NEW');
    const span = await spanOf(traceId, 'process ad-events');
    const letter = await spanOf(traceId, 'send ad-events.dlq');
    const storing = await spanOf(traceId, 'process ad-events.dlq');

    expect(span).toMatchObject({
      parentSpanId: spanId,
      status: { code: 2 },
      attributes: { 'error.type': 'UNKNOWN_PRICE', 'worker.record.outcome': 'dead' },
      events: [{ name: 'exception' }],
    });
    expect(letter.parentSpanId).toBe(span.spanId);
    const line = worker.lines.find((each) => each.msg === 'dead letter' && each['traceId'] === traceId);
    expect(line).toMatchObject({ spanId: span.spanId });
    const alert = (await own.world.topics.read('alert-events')).find((each) =>
      String(each.value).includes(`"campaignId":"${campaign.id}"`),
    );
    expect(String(alert?.headers['traceparent'])).toBe(`00-${traceId}-${storing.spanId}-01`);

    await own.world.redis.set(`cpc:${campaign.id}`, '0.5');
    await runCli(
      { ...own.stack.env },
      'dlq',
      'replay',
      '--campaign',
      String(campaign.id),
      '--by',
      'kim',
      '--reason',
      'priced',
    );
    expect(await spanOf(traceId, 'process ad-events.retry')).toMatchObject({
      parentSpanId: spanId,
      attributes: { 'worker.record.outcome': 'posted' },
    });
  });

  it('announces a pause in the trace of the click that it follows from, and has its notification there too', async () => {
    const advertiser = await own.world.advertiser({ balance: '10' });
    const campaign = await own.world.campaign(advertiser, { redisCpc: '2', cpc: '2', dailyBudget: '2' });
    const { traceId, headers } = parent();

    const value = aClick({ advertiserId: advertiser.id, campaignId: campaign.id });
    await own.world.produce('ad-events', [{ value, headers }]);
    const click = await spanOf(traceId, 'process ad-events');

    expect(await spanOf(traceId, 'process alert-events')).toMatchObject({ parentSpanId: click.spanId });
    const alert = await alertAbout('CAMPAIGN_PAUSED', campaign.id);
    expect(String(alert?.headers['traceparent'])).toBe(`00-${traceId}-${click.spanId}-01`);
    expect(String(alert?.value)).not.toContain(traceId);
  });

  it('begins a trace with an alert that no record has brought about, up to its notification', async () => {
    const advertiser = await own.world.advertiser();
    const campaign = await own.world.campaign(advertiser);
    await own.world.database.query(
      `insert into campaign_transitions (campaign_id, from_status, to_status, reason) values ($1, 'ACTIVE', 'PAUSED', 'BY_HAND')`,
      [campaign.id],
    );
    await eventually('it is announced', 20_000, async () => {
      return (await alertAbout('CAMPAIGN_PAUSED', campaign.id)) !== undefined;
    });
    const alert = await alertAbout('CAMPAIGN_PAUSED', campaign.id);
    const [, traceId = '', spanId = ''] = String(alert?.headers['traceparent']).split('-');

    const sent = await spanOf(traceId, 'send alert-events');
    expect(sent).toMatchObject({ spanId, kind: 4, attributes: { 'worker.alert.type': 'CAMPAIGN_PAUSED' } });
    expect(sent.parentSpanId ?? '').toBe('');
    expect(await spanOf(traceId, 'process alert-events')).toMatchObject({ parentSpanId: spanId });
  });

  it('gives the dead letter of a record without a trace that of its handler', async () => {
    await own.world.produce('ad-events', [{ key: 'no-trace', value: '{' }]);
    await eventually('it is dead', 20_000, async () => (await deadOf('no-trace')) !== undefined);

    const [, traceId = '', spanId] = String((await deadOf('no-trace'))?.headers['traceparent']).split('-');

    expect(await spanOf(traceId, 'process ad-events')).toMatchObject({
      spanId,
      attributes: { 'error.type': 'INVALID_JSON' },
    });
  });

  it.each([
    ['without a trace', {}],
    ['with what is none', { traceparent: '00-none' }],
  ])('begins no more than some traces a second, however many records come %s', async (_how, headers) => {
    const account = await own.account();
    const processed = (): number => collector.spans.filter(({ name }) => name === 'process ad-events').length;
    const before = processed();

    const value = aClick({ advertiserId: account.advertiser.id, campaignId: account.campaign.id });
    await own.world.produce(
      'ad-events',
      Array.from({ length: 6_000 }, () => ({ value, headers })),
    );
    await own.chargedAtLeast(6_000, 60_000, account);
    await eventually('spans come', 20_000, () => processed() > before);

    expect(processed() - before).toBeLessThan(6_000);
  });

  it('makes no span where the parent was not sampled, and says what it has when it stops', async () => {
    const { advertiser, campaign } = await own.account();
    const [unwanted, wanted] = [parent('00'), parent()];
    const value = aClick({ advertiserId: advertiser.id, campaignId: campaign.id });

    await own.world.produce('ad-events', [
      { value, headers: unwanted.headers, partition: 0 },
      { value, headers: wanted.headers, partition: 0 },
    ]);
    await own.settled();
    const exitCode = await own.stopWorker(worker);

    expect(exitCode).toBe(0);
    expect(collector.of(wanted.traceId, 'process ad-events')).toHaveLength(1);
    expect(collector.spans.filter(({ traceId }) => traceId === unwanted.traceId)).toEqual([]);
  });

  it('sends nothing where it is off, and still names the trace of a record that fails', async () => {
    const before = collector.spans.length;
    const off = await own.startWorker({
      OTEL_TRACES_EXPORTER: 'none',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
    });
    await off.ready();
    const { traceId, headers } = parent();

    await own.world.produce('ad-events', [{ key: 'off', value: '{', headers }]);
    await own.settled();
    await own.stopWorker(off);

    expect(off.lines.find((each) => each.msg === 'dead letter')).toMatchObject({ traceId });
    expect(collector.spans).toHaveLength(before);
  });

  it('charges on while the collector is away, and says so once', async () => {
    const away = await own.startWorker({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' });
    await away.ready();
    const account = await own.account();

    await own.click([account], 2_000);
    await own.chargedAtLeast(2_000, 60_000, account);
    await eventually('it complains', 20_000, () => complaints(away) > 0);

    expect(await own.stopWorker(away)).toBe(0);
    expect(complaints(away)).toBe(1);
  });

  const complaints = (of: WorkerProcess): number =>
    of.lines.filter(({ msg }) => msg === 'spans are not exported').length;

  const alertAbout = async (type: string, campaignId: bigint) =>
    (await own.world.topics.read('alert-events')).find(({ value }) => {
      const text = String(value);
      return text.includes(`"type":"${type}"`) && text.includes(`"campaignId":"${campaignId}"`);
    });

  const deadOf = async (key: string) =>
    (await own.world.topics.read('ad-events.dlq')).find((each) => String(each.key) === key);

  /** The last attempt's: on a busy machine a price may be too late for the first. */
  async function spanOf(traceId: string, name: string): Promise<Span> {
    const isTriedAgain = ({ attributes }: Span): boolean => attributes['worker.record.outcome'] === 'failed';
    const found = (): Span | undefined => collector.of(traceId, name).find((each) => !isTriedAgain(each));
    await eventually(`${name} of ${traceId}`, 20_000, () => found() !== undefined);
    const span = found();
    if (span === undefined) throw new Error(`no ${name}`);
    return span;
  }
});
