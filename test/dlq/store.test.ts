// A capability that knows nothing of dead letters gets all of this without a line of its own: every record of its topic that
// fails is stored with its bytes, told of, replayed to it by the command line, and resolved when it was settled.
import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { DlqModule } from '../../src/dlq/dlq.module.js';
import { PoisonError } from '../../src/platform/failure.js';
import { EventPattern } from '../../src/platform/kafka/event-pattern.js';
import { RecordContext } from '../../src/platform/kafka/record-context.js';
import { CapabilityReplica } from '../support/capability.js';
import { runCli } from '../support/cli.js';
import { attemptsOf, inStatus, lettersOf, type LetterRow } from '../support/dead-letters.js';
import { eventually } from '../support/eventually.js';
import { uniqueId, uniqueName } from '../support/fixtures.js';
import { World, type Alert } from '../support/world.js';

const DLQ = 'dlq-processor';
const KIB = 1024;

describe('the dead letters of a capability that is added later', () => {
  const world = new World(inject('world').env);
  const replicas: CapabilityReplica[] = [];

  beforeAll(() => world.open());
  afterEach(async () => {
    await Promise.all(replicas.splice(0).map((replica) => replica.close()));
  });
  afterAll(() => world.close());

  it('are stored byte for byte, with what failed, and told of once', async () => {
    const { topic, group } = await capability();
    const value = Buffer.from([0xff, 0x00, 0xc3]);
    const headers = { binary: Buffer.from([0, 255]), repeated: ['1', '2'], 'dlq-attempt': '7', 'a\0b': 'odd' };

    await world.produce(topic, [
      { key: Buffer.from([0, 1]), value, headers, partition: 0, timestamp: String(Date.now() - 60_000) },
      { key: null, value: '', partition: 0 },
    ]);
    await settledAll(topic, group);

    const [odd, empty, ...more] = await lettersOf(world, topic);
    expect(more).toEqual([]);
    expect(odd).toMatchObject({
      topic,
      partition: 0,
      offset: '0',
      group_id: group,
      key: Buffer.from([0, 1]),
      value,
      error_code: 'UNKNOWN_CAMPAIGN',
      error_message: 'campaign 12 is "un known" to 3',
      cause: 'campaign # is … to #',
      attempts: 1,
      status: 'NEW',
      actor: null,
    });
    expect(odd?.headers.map(([name, base64]) => [name, Buffer.from(base64, 'base64')])).toEqual([
      ['binary', Buffer.from([0, 255])],
      ['repeated', Buffer.from('1')],
      ['repeated', Buffer.from('2')],
      ['ab', Buffer.from('odd')],
    ]);
    expect([empty?.key, empty?.value, empty?.headers]).toEqual([null, Buffer.alloc(0), []]);
    expect(await attemptsOf(world, odd as LetterRow)).toEqual([
      { attempt: 1, error_code: 'UNKNOWN_CAMPAIGN', actor: null, reason: null },
    ]);
    const [alert, second, ...others] = await alertsOf(topic);
    expect([second?.details['offset'], others]).toEqual(['1', []]);
    expect(alert).toMatchObject({
      type: 'DEAD_LETTER',
      subject: { topic },
      details: {
        code: 'UNKNOWN_CAMPAIGN',
        message: 'campaign 12 is "un known" to 3',
        partition: 0,
        offset: '0',
        attempt: 1,
      },
    });
  });

  it('say whom they concern, in either spelling', async () => {
    const { topic, group } = await capability();
    const [campaignId, advertiserId] = [uniqueId(), uniqueId()];

    await world.produce(topic, [
      { value: `{"campaignId":${campaignId},"advertiserId":"${advertiserId}"}`, partition: 0 },
      { value: `{"campaign_id":"${campaignId}","advertiser_id":${advertiserId}}`, partition: 0 },
    ]);
    await settledAll(topic, group);

    const ids = { campaign_id: String(campaignId), advertiser_id: String(advertiserId) };
    expect(await lettersOf(world, topic)).toMatchObject([ids, ids]);
    expect((await alertsOf(topic))[0]?.subject).toEqual({
      topic,
      campaignId: String(campaignId),
      advertiserId: String(advertiserId),
    });
  });

  it('are replayed by hand: one that fails again is a further attempt with its first bytes, one that is settled is resolved', async () => {
    const mended = { yes: false };
    const seen: { value: string; offset: bigint; topic: string; mine: string }[] = [];
    const { topic, group } = await capability((value, record) => {
      if (!mended.yes) return false;
      const { offset, topic: origin } = record.coordinates;
      const mine = record.record.headers.filter(([name]) => name === 'mine').map(([, bytes]) => String(bytes));
      seen.push({ value: String(value), offset, topic: origin, mine: mine.join() });
      return true;
    });
    await world.produce(topic, [
      { value: 'good before', partition: 0 },
      { value: 'first bytes', headers: { mine: ['1', '2'] }, partition: 0 },
    ]);
    await settledAll(topic, group);
    const id = (await lettersOf(world, topic)).find((row) => String(row.value) === 'first bytes')?.id ?? '';
    const decided = ['--by', 'kim', '--reason', 'tried'];

    const first = await runCli(world.env, 'dlq', 'replay', '--id', id, ...decided);
    const again = await inStatus(
      async () => (await lettersOf(world, topic)).filter((row) => row.attempts === 2),
      'NEW',
    );
    mended.yes = true;
    const second = await runCli(world.env, 'dlq', 'replay', '--id', id, '--by', 'lee', '--reason', 'mended', '--json');
    await inStatus(() => lettersOf(world, topic), 'RESOLVED');

    expect(first).toMatchObject({ code: 0, stdout: expect.stringMatching(/^sent 1 of 1 dead letter\n/) as string });
    expect(again).toMatchObject([{ id, value: Buffer.from('first bytes'), actor: 'kim', reason: 'tried' }]);
    expect(JSON.parse(second.stdout)).toMatchObject({ chosen: 1, sent: 1, notSent: 0, stopped: false });
    expect(seen).toEqual([{ value: 'first bytes', offset: 1n, topic, mine: '1,2' }]);
    const resolved = (await lettersOf(world, topic)).find((row) => row.id === id);
    expect(resolved).toMatchObject({ status: 'RESOLVED', attempts: 2, actor: 'lee', reason: 'mended' });
    expect(await attemptsOf(world, { id })).toEqual([
      { attempt: 1, error_code: 'UNKNOWN_CAMPAIGN', actor: 'kim', reason: 'tried' },
      { attempt: 2, error_code: 'UNKNOWN_CAMPAIGN', actor: 'lee', reason: 'mended' },
    ]);
    expect((await alertsOf(topic)).filter((alert) => alert.details['offset'] === '1')).toHaveLength(2);
    expect(await runCli(world.env, 'dlq', 'replay', '--id', id, ...decided)).toMatchObject({
      code: 1,
      stdout: 'sent 0 of 0 dead letters\n',
      stderr: `dlq replay: ${id}: it is RESOLVED\n`,
    });
  });

  it('that come again change nothing, whatever was decided meanwhile', async () => {
    const { topic, group } = await capability();
    await world.produce(topic, [{ value: 'first', partition: 0 }]);
    await settledAll(topic, group);
    const [row] = await lettersOf(world, topic);
    const [letter] = await world.topics.read(`${topic}.dlq`);
    const repeat = { key: letter?.key ?? null, value: 'other bytes', headers: letter?.headers ?? {}, partition: 0 };
    await runCli(world.env, 'dlq', 'discard', '--topic', topic, '--by', 'kim', '--reason', 'of no use');

    await world.produce(`${topic}.dlq`, [repeat, repeat]);
    await world.topics.settled(DLQ, `${topic}.dlq`);

    const [after, ...more] = await lettersOf(world, topic);
    expect(more).toEqual([]);
    expect({ ...after, closed_at: null }).toEqual({ ...row, status: 'DISCARDED', actor: 'kim', reason: 'of no use' });
  });

  it('of a resolved record stay resolved: a second replay that failed says nothing new', async () => {
    const { topic, group } = await capability();
    await world.produce(topic, [{ value: 'first', partition: 0 }]);
    await settledAll(topic, group);
    const [row] = await lettersOf(world, topic);
    const [letter] = await world.topics.read(`${topic}.dlq`);
    await world.database.query(`update dead_letters set status = 'RESOLVED' where id = $1`, [row?.id]);

    await world.produce(`${topic}.dlq`, [
      { value: 'first', headers: { ...letter?.headers, 'dlq-attempt': '2' }, partition: 0 },
    ]);
    await world.topics.settled(DLQ, `${topic}.dlq`);

    expect(await lettersOf(world, topic)).toMatchObject([{ id: row?.id, status: 'RESOLVED', attempts: 1 }]);
  });

  it('of a topic that was made anew, with the same offsets, collide with none', async () => {
    const { topic, group } = await capability();
    await world.produce(topic, [{ value: 'first', partition: 0 }]);
    await settledAll(topic, group);
    const [letter] = await world.topics.read(`${topic}.dlq`);

    await world.produce(`${topic}.dlq`, [
      { value: 'of the new topic', headers: { ...letter?.headers, 'dlq-origin-timestamp': '1' }, partition: 0 },
    ]);
    await world.topics.settled(DLQ, `${topic}.dlq`);

    expect((await lettersOf(world, topic)).map(({ value, offset }) => [String(value), offset])).toEqual([
      ['first', '0'],
      ['of the new topic', '0'],
    ]);
  });

  it('that somebody else wrote are stored under their own coordinates, and are not replayed', async () => {
    const { topic } = await capability();

    await world.produce(`${topic}.dlq`, [
      { key: 'k', value: 'by hand', headers: { why: 'bad' }, partition: 0 },
      { value: null, headers: { 'dlq-failed-at': 'soon', 'dlq-error-message': 'x\0'.repeat(3_000) }, partition: 0 },
    ]);
    await world.topics.settled(DLQ, `${topic}.dlq`);

    const rows = await lettersOf(world, `${topic}.dlq`);
    expect(rows).toMatchObject([
      { partition: 0, offset: '0', value: Buffer.from('by hand'), error_code: 'HANDLER_ERROR', status: 'NEW' },
      { partition: 0, offset: '1', value: null, error_message: 'x'.repeat(1_000) },
    ]);
    const replay = await runCli(world.env, 'dlq', 'replay', '--topic', `${topic}.dlq`, '--by', 'kim', '--reason', 'x');
    expect(replay).toMatchObject({ code: 1 });
    expect(replay.stdout).toContain('2 dead letters cannot be replayed');
    expect((await lettersOf(world, `${topic}.dlq`)).map(({ status }) => status)).toEqual(['NEW', 'NEW']);
  });

  it('that are too large for their topic are stored whole, and replayed whole where they fit', async () => {
    const mended = { yes: false };
    const sizes: number[] = [];
    const topic = uniqueName('small-events');
    await world.topics.create(`${topic}.dlq`, 1, [{ name: 'max.message.bytes', value: String(8 * KIB) }]);
    const { group } = await capability((value) => mended.yes && sizes.push(value.length) > 0, topic);
    const campaignId = uniqueId();
    const value = JSON.stringify({ campaignId: String(campaignId), filling: 'x'.repeat(20 * KIB) });

    await world.produce(topic, [{ key: 'k', value, headers: { mine: 'kept' }, partition: 0 }]);
    await settledAll(topic, group);

    const [row] = await lettersOf(world, topic);
    expect([row?.value?.toString() === value, row?.key, row?.headers]).toEqual([
      true,
      Buffer.from('k'),
      [['mine', Buffer.from('kept').toString('base64')]],
    ]);
    expect((await alertsOf(topic))[0]?.subject).toEqual({ topic, campaignId: String(campaignId) });
    mended.yes = true;
    await runCli(world.env, 'dlq', 'replay', '--topic', topic, '--by', 'kim', '--reason', 'mended');
    await inStatus(() => lettersOf(world, topic), 'RESOLVED');
    expect(sizes).toEqual([value.length]);
  });

  it('by the thousand are stored and told of one by one', async () => {
    const { topic, group } = await capability();
    const values = Array.from({ length: 3_000 }, (_, i) => `bad ${i}`);

    await world.produce(topic, values);
    await settledAll(topic, group);

    const { rows } = await world.database.query<{ letters: number; attempts: number }>(
      `select count(distinct d.id)::int as letters, count(*)::int as attempts
       from dead_letters d join dead_letter_attempts a on a.dead_letter_id = d.id where d.topic = $1`,
      [topic],
    );
    expect(rows).toEqual([{ letters: 3_000, attempts: 3_000 }]);
    const told = await alertsOf(topic);
    expect(new Set(told.map(({ alertId }) => alertId)).size).toBe(3_000);
  });

  /** A replica with a capability that fails for what is not `good`, or that `handle` does not want. */
  async function capability(
    handle: (value: Buffer, record: RecordContext) => boolean = () => false,
    topic = uniqueName('added-events'),
  ): Promise<{ topic: string; group: string }> {
    const group = uniqueName('added-processor');
    @Controller()
    class AddedController {
      @EventPattern(topic, { group })
      onRecord(@Payload() value: Buffer, @Ctx() record: RecordContext): Promise<void> {
        if (value.toString().startsWith('good') || handle(value, record)) return Promise.resolve();
        throw new PoisonError('UNKNOWN_CAMPAIGN', 'campaign 12 is "un\0 known" to 3');
      }
    }
    await world.topics.create(topic);
    const replica = await CapabilityReplica.start(
      world.env,
      { controllers: [AddedController], imports: [DlqModule] },
      { limits: { fetchWaitMs: 50, drainMs: 3_000, heartbeatMs: 200 } },
    );
    replicas.push(replica);
    await replica.joined();
    return { topic, group };
  }

  async function settledAll(topic: string, group: string): Promise<void> {
    await world.topics.settled(group, topic);
    await world.topics.settled(DLQ, `${topic}.dlq`, 60_000);
  }

  async function alertsOf(topic: string): Promise<Alert[]> {
    return (await world.alerts())
      .filter(({ subject }) => subject.topic === topic)
      .sort((a, b) => a.alertId.localeCompare(b.alertId));
  }
});

it('dead letters of alerts are stored and raise no alert', async () => {
  const world = await new World(inject('world').env).open();
  const key = uniqueName('alert');
  const replica = await CapabilityReplica.start(
    world.env,
    { controllers: [anAlertHandler()], imports: [DlqModule] },
    { ownTopics: ['alert-events'], limits: { fetchWaitMs: 50 } },
  );
  try {
    await replica.joined();
    await world.produce('alert-events', [{ key, value: 'no alert' }]);
    await eventually('it is stored', 30_000, async () => {
      const rows = await lettersOf(world, 'alert-events');
      return rows.some((row) => row.key?.toString() === key);
    });
    await world.topics.settled(DLQ, 'alert-events.dlq');

    const values = (await world.topics.read('alert-events')).map(({ value }) => String(value));
    expect(values.filter((value) => value.includes('"topic":"alert-events"'))).toEqual([]);
  } finally {
    await replica.close();
    await world.close();
  }
});

function anAlertHandler() {
  @Controller()
  class AlertReader {
    @EventPattern('alert-events', { group: uniqueName('alert-reader') })
    onAlert(@Payload() value: Buffer): Promise<void> {
      if (value.toString() === 'no alert') throw new PoisonError('INVALID_EVENT', 'no alert');
      return Promise.resolve();
    }
  }
  return AlertReader;
}
