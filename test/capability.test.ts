import {
  BadRequestException,
  Catch,
  Controller,
  Injectable,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { IsOptional } from 'class-validator';
import { of, tap, throwError, type Observable } from 'rxjs';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { PoisonError } from '../src/platform/failure.js';
import { IsAmount, IsId, IsText } from '../src/platform/events/event-fields.js';
import { EventPattern } from '../src/platform/kafka/event-pattern.js';
import { RecordContext } from '../src/platform/kafka/record-context.js';
import { CapabilityReplica } from './support/capability.js';
import { uniqueName } from './support/fixtures.js';
import { World } from './support/world.js';

// A capability as a backend team would write it, with all that Nest offers around a handler.
const TOPIC = uniqueName('conversion-events');
const GROUP = uniqueName('conversion-processor');

class ConversionEvent {
  @IsId() readonly campaignId!: bigint;
  @IsAmount({ above: '0' }) readonly value!: string;
  @IsOptional() @IsText() readonly note?: string;
}

@Injectable()
class Seen {
  readonly events: ConversionEvent[] = [];
  readonly intercepted: string[] = [];
  bugs = 0;
}

@Injectable()
class RefusesNoteGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const event = context.switchToRpc().getData<ConversionEvent>();
    if (event.note === 'forbidden') throw new PoisonError('INVALID_EVENT', 'the guard refused it');
    return true;
  }
}

@Injectable()
class RecordingInterceptor implements NestInterceptor {
  constructor(private readonly seen: Seen) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const record = context.switchToRpc().getContext<RecordContext>();
    return next.handle().pipe(tap(() => this.seen.intercepted.push(`${record.getTopic()}:${record.getPartition()}`)));
  }
}

@Injectable()
class NoBadNotesPipe implements PipeTransform {
  transform(value: unknown): unknown {
    if (value instanceof ConversionEvent && value.note === 'bad') throw new BadRequestException('the pipe refused it');
    return value;
  }
}

class AlreadyKnown extends Error {}

@Catch(AlreadyKnown)
class AlreadyKnownFilter {
  catch(): Observable<unknown> {
    return of('known: nothing to do');
  }
}

class Hopeless extends Error {}

@Catch(Hopeless)
class HopelessFilter {
  catch(error: Hopeless): Observable<never> {
    return throwError(() => new PoisonError('UNKNOWN_CAMPAIGN', `a filter says: ${error.message}`));
  }
}

@Controller()
@UseGuards(RefusesNoteGuard)
@UseInterceptors(RecordingInterceptor)
@UseFilters(AlreadyKnownFilter, HopelessFilter)
class ConversionController {
  constructor(private readonly seen: Seen) {}

  @UsePipes(NoBadNotesPipe)
  @EventPattern(TOPIC, { group: GROUP })
  onConversion(@Payload() event: ConversionEvent, @Ctx() record: RecordContext): Promise<void> {
    expect(record.getMessage().value).toBeInstanceOf(Buffer);
    if (event.note === 'known') throw new AlreadyKnown();
    if (event.note === 'bug') {
      this.seen.bugs++;
      throw new Error('a bug');
    }
    if (event.note === 'hopeless') throw new Hopeless('no way');
    this.seen.events.push(event);
    return Promise.resolve();
  }
}

describe('a capability that a team adds', () => {
  const world = new World(inject('world').env);
  let replica: CapabilityReplica;

  beforeAll(async () => {
    await world.open();
    await world.topics.create(TOPIC, 2);
    replica = await CapabilityReplica.start(world.env, { controllers: [ConversionController], providers: [Seen] });
    await replica.joined();
  });

  afterAll(async () => {
    await replica.close();
    await world.close();
  });

  it('gets its events read and checked, whatever spelling they come in', async () => {
    await world.produce(TOPIC, ['{"campaign_id":7,"value":"1.50","note":"one"}']);
    await world.topics.settled(GROUP, TOPIC);

    const { events, intercepted } = replica.app.get(Seen);
    expect(events).toContainEqual({ campaignId: 7n, value: '1.5', note: 'one' });
    expect(events[0]).toBeInstanceOf(ConversionEvent);
    expect(intercepted[0]).toMatch(new RegExp(`^${TOPIC}:[01]$`));
  });

  it.each([
    ['what its guard refuses', 'forbidden', 'INVALID_EVENT', 'the guard refused it'],
    ['what its pipe refuses', 'bad', 'INVALID_EVENT', 'the pipe refused it'],
    ['what its filter calls poison', 'hopeless', 'UNKNOWN_CAMPAIGN', 'a filter says: no way'],
  ])('gets %s into its dead letters', async (_what, note, code, message) => {
    const key = uniqueName(note);

    await world.produce(TOPIC, [{ key, value: JSON.stringify({ campaignId: '7', value: '1', note }) }]);
    await world.topics.settled(GROUP, TOPIC);

    const [letter] = await world.deadLetters(TOPIC, (record) => record.key?.toString() === key);
    expect(String(letter?.headers['dlq-error-code'])).toBe(code);
    expect(String(letter?.headers['dlq-error-message'])).toBe(message);
  });

  it('settles what its filter makes good', async () => {
    const key = uniqueName('known');

    await world.produce(TOPIC, [{ key, value: '{"campaignId":"7","value":"1","note":"known"}' }]);
    await world.topics.settled(GROUP, TOPIC);

    expect(await world.deadLetters(TOPIC, (record) => record.key?.toString() === key)).toEqual([]);
  });

  it('gets an error that nobody classified tried three times, then dead-lettered, and what follows handled', async () => {
    const key = uniqueName('unclassified');
    const seen = replica.app.get(Seen);
    const handledBefore = seen.events.length;

    await world.produce(TOPIC, [
      { key, value: '{"campaignId":"7","value":"1","note":"bug"}' },
      { key: uniqueName('good'), value: '{"campaignId":"8","value":"2"}' },
    ]);
    await world.topics.settled(GROUP, TOPIC);

    const [letter] = await world.deadLetters(TOPIC, (record) => record.key?.toString() === key);
    expect(String(letter?.headers['dlq-error-code'])).toBe('HANDLER_ERROR');
    expect(String(letter?.headers['dlq-error-message'])).toBe('a bug');
    expect(seen.bugs).toBe(3);
    expect(seen.events).toHaveLength(handledBefore + 1);
  });
});
