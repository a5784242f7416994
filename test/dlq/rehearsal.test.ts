// What a dry run makes of the handlers of a capability that knows nothing of dry runs: it tells what would come of them, and
// what it cannot tell without leaving something behind.
import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { AlertPublisher } from '../../src/alerts/alert-publisher.js';
import { AlertsModule } from '../../src/alerts/alerts.module.js';
import { rehearseLetters, type RehearsedCause } from '../../src/dlq/rehearse-letters.js';
import { PoisonError, TransientError } from '../../src/platform/failure.js';
import { EventPattern } from '../../src/platform/kafka/event-pattern.js';
import { RecordContext } from '../../src/platform/kafka/record-context.js';
import { RecordPublisher } from '../../src/platform/kafka/record-publisher.js';
import { CapabilityReplica } from '../support/capability.js';
import { withClient } from '../support/database.js';
import { uniqueName } from '../support/fixtures.js';
import { World } from '../support/world.js';

const TOPIC = uniqueName('rehearsed-events');
const MAIL_TOPIC = uniqueName('mail-events');
const GROUP = uniqueName('rehearsed-processor');
const sent: string[] = [];

@Controller()
class RehearsedController {
  constructor(
    private readonly publisher: RecordPublisher,
    private readonly alerts: AlertPublisher,
  ) {}

  @EventPattern(TOPIC, { group: GROUP })
  async onRecord(@Payload() value: Buffer, @Ctx() record: RecordContext): Promise<void> {
    switch (value.toString()) {
      case 'alert':
        return this.alerts.raise({
          alertId: uniqueName('alert'),
          type: 'BUDGET_WARNING',
          severity: 'info',
          subject: { topic: TOPIC },
          message: 'x',
          details: {},
        });
      case 'publish':
        return this.publisher.publish('alert-events', { key: TOPIC, value: 'never' });
      case 'client':
        await record.getProducer().send({ topic: 'alert-events', messages: [] });
        return;
      case 'poison':
        throw new PoisonError('INVALID_EVENT', 'number 7 is wrong');
      case 'away':
        throw new TransientError('the bank is away');
      case 'bug':
        throw new Error('x is not a function');
    }
  }

  @EventPattern(MAIL_TOPIC, { group: GROUP, rehearsable: false })
  onMail(@Payload() value: Buffer): Promise<void> {
    sent.push(value.toString());
    return Promise.resolve();
  }
}

describe('a dry run', () => {
  const world = new World(inject('world').env);
  let replica: CapabilityReplica;

  beforeAll(async () => {
    await world.open();
    for (const topic of [TOPIC, MAIL_TOPIC]) await world.topics.create(topic);
    await world.topics.create('alert-events', 3); // where nobody has raised one yet, there is no such topic
    replica = await CapabilityReplica.start(world.env, { controllers: [RehearsedController], imports: [AlertsModule] });
  });
  afterAll(async () => {
    await replica.close();
    await world.close();
  });

  it.each([
    ['fine', { handled: 1 }],
    ['alert', { handled: 1 }],
    ['publish', { unknown: [{ why: 'its handler writes to alert-events', count: 1 }] }],
    ['client', { unknown: [{ why: 'its handler uses the Kafka client itself', count: 1 }] }],
    ['poison', { failing: [{ code: 'INVALID_EVENT', why: 'number # is wrong', count: 1 }] }],
    ['away', { waiting: [{ why: 'the bank is away', count: 1 }] }],
    ['bug', { failing: [{ code: 'HANDLER_ERROR', why: 'x is not a function', count: 1 }] }],
    [null, { skipped: 1 }],
  ])('says of %j what would come of it', async (value, expected) => {
    const [cause] = await rehearsed(TOPIC, value);

    expect(cause).toMatchObject({ count: 1, ...expected });
  });

  it('does not call a handler that declares other effects, nor look for one that is not there', async () => {
    const [mail] = await rehearsed(MAIL_TOPIC, 'dear customer');
    const [nobody] = await rehearsed(uniqueName('gone-events'), 'x');

    expect(mail?.unknown).toEqual([{ why: 'its handler does more than can be taken back', count: 1 }]);
    expect(nobody?.unknown[0]?.why).toMatch(/^no handler here takes gone-events/);
    expect(sent).toEqual([]);
  });

  it('raised no alert', async () => {
    const values = (await world.topics.read('alert-events')).map(({ value }) => String(value));

    expect(values.filter((value) => value.includes(TOPIC) || value === 'never')).toEqual([]);
  });

  /** What is said of one letter, which is stored and removed again. */
  async function rehearsed(topic: string, value: string | null): Promise<RehearsedCause[]> {
    const { rows } = await world.database.query<{ id: string }>(
      `insert into dead_letters (topic, partition, "offset", group_id, record_timestamp, value, error_code, error_message, failed_at)
       values ($1, 0, 0, $2, 0, $3, 'INVALID_EVENT', 'no', now()) returning id`,
      [topic, GROUP, value === null ? null : Buffer.from(value)],
    );
    const id = rows[0]?.id ?? '';
    const quiet = {
      cachedPrices: () => Promise.resolve([]),
      signal: new AbortController().signal,
      progress: () => undefined,
      takesPostings: () => Promise.resolve(),
    };
    try {
      return await withClient(world.env['DATABASE_URL'] ?? '', (client) =>
        rehearseLetters(client, replica.transport, { ids: [BigInt(id)] }, quiet),
      );
    } finally {
      await world.database.query('delete from dead_letters where id = $1', [id]);
    }
  }
});
