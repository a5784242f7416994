import fc from 'fast-check';
import type { Batch } from 'kafkajs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Failure } from '../classify.js';
import { PoisonError, TransientError } from '../failure.js';
import type { ConsumedRecord } from './consumed-record.js';
import { TRANSPORT_LIMITS } from './limits.js';
import { PartitionPipeline } from './partition-pipeline.js';
import type { PipelineGroup } from './pipeline-group.js';
import type { RecordAttempt, RecordOutcome } from './record-context.js';

/** Nobody is found to be slow: what is parked has said that it waits, or waits for its next attempt. */
const NEVER_MS = 3_600_000;
const LIMITS = {
  ...TRANSPORT_LIMITS,
  chunkRecords: 2,
  underWayRecords: 6,
  parkedRecords: 6,
  queuedRecords: 3,
  parkAfterMs: NEVER_MS,
  retryFirstMs: 1,
  retryMaxMs: 2,
};

type Handle = (offset: number, attempt: RecordAttempt, record: ConsumedRecord) => Promise<void>;

/** What a fetch brought: the values of all records are slices of it. */
const RESPONSE = Buffer.from(new TextEncoder().encode('a value').buffer);

/** A group whose handler a test writes, and one partition of it. */
class Scene implements PipelineGroup {
  readonly limits = LIMITS;
  readonly underWayRecords = LIMITS.underWayRecords;
  readonly isHalted = false;
  readonly isProbing = false;
  readonly pipeline = new PartitionPipeline(this, 'topic', 0, 0);
  readonly started: number[] = [];
  readonly settledOffsets: number[] = [];
  readonly bugs: unknown[] = [];
  private next = 0;

  constructor(private readonly handleOne: Handle) {}

  async admit(count: number): Promise<void> {
    const messages = Array.from({ length: count }, () => ({
      offset: String(this.next++),
      timestamp: '0',
      key: null,
      value: RESPONSE.subarray(2),
    }));
    const last = String(this.next - 1);
    await this.pipeline.admit({ messages, highWatermark: last, lastOffset: () => last } as unknown as Batch, 0);
  }

  async handle(record: ConsumedRecord, attempt: RecordAttempt): Promise<RecordOutcome> {
    const offset = Number(record.offset);
    this.started.push(offset);
    await this.handleOne(offset, attempt, record);
    return 'handled';
  }

  async bury(_record: ConsumedRecord, _failure: Failure): Promise<void> {
    await nextTurn();
  }

  exhausted(): 'bury' {
    return 'bury';
  }

  settled({ offset }: ConsumedRecord): void {
    this.settledOffsets.push(Number(offset));
  }

  handled(): void {}

  retried(): void {}

  broken(error: unknown): void {
    this.bugs.push(error);
  }
}

class Gate {
  open!: () => void;
  readonly opened = new Promise<void>((resolve) => {
    this.open = resolve;
  });
}

async function until(what: () => boolean): Promise<void> {
  const start = performance.now();
  while (!what()) {
    if (performance.now() - start > 5_000) throw new Error('it does not come to that');
    await nextTurn();
  }
}

describe('a record whose handler says that it waits', () => {
  it.each([0, 1, 5])('holds up nobody from then on, %i turns after its start', async (turns) => {
    const gate = new Gate();
    const scene = new Scene(async (offset, attempt) => {
      if (offset >= LIMITS.underWayRecords) return;
      for (let turn = 0; turn < turns; turn++) await nextTurn();
      if (offset > 0) attempt.waits();
      await gate.opened;
    });

    await scene.admit(20);
    await until(() => scene.settledOffsets.length === 14);

    expect(scene.pipeline.progress.committable).toBe(0);
    gate.open();
    await until(() => scene.settledOffsets.length === 20);
    expect(scene.pipeline.progress.committable).toBe(20);
  });

  it('is one of a bounded number, and makes room for another when it ends', async () => {
    const gates = Array.from({ length: 20 }, () => new Gate());
    const scene = new Scene(async (offset, attempt) => {
      attempt.waits();
      await gates[offset]?.opened;
    });

    await scene.admit(20);
    await until(() => scene.started.length === LIMITS.parkedRecords);
    for (let turn = 0; turn < 10; turn++) await nextTurn();
    expect(scene.started).toHaveLength(LIMITS.parkedRecords);
    gates[3]?.open();
    await until(() => scene.started.length === LIMITS.parkedRecords + LIMITS.chunkRecords);

    for (const gate of gates) gate.open();
    await until(() => scene.settledOffsets.length === 20);
  });

  it('holds the others up again when it is tried anew after a failure', async () => {
    const gate = new Gate();
    const scene: Scene = new Scene(async (offset, attempt) => {
      if (offset >= 5) return;
      if (scene.started.length > 5) return gate.opened;
      attempt.waits();
      throw new TransientError('once each');
    });
    await scene.admit(5);
    await until(() => scene.started.length === 10);

    await scene.admit(2);
    for (let turn = 0; turn < 10; turn++) await nextTurn();
    expect(scene.started).toHaveLength(10);

    gate.open();
    await until(() => scene.settledOffsets.length === 7);
  });

  it('changes nothing when it has been settled by then', async () => {
    const scene = new Scene(async (_offset, attempt) => {
      await nextTurn();
      setImmediate(() => {
        attempt.waits();
      });
    });

    for (let batch = 0; batch < 10; batch++) {
      await scene.admit(4);
      await until(() => scene.settledOffsets.length === 4 * (batch + 1));
      await nextTurn();
    }
  });

  it('keeps nothing of the response that it came in', async () => {
    const gate = new Gate();
    const records: ConsumedRecord[] = [];
    const scene = new Scene(async (offset, attempt, record) => {
      if (offset === 0) attempt.waits();
      records.push(record);
      await gate.opened;
    });

    await scene.admit(2);

    expect(records.map(({ value }) => value?.buffer === RESPONSE.buffer)).toEqual([false, true]);
    expect(records.map(({ value }) => value?.toString())).toEqual(['value', 'value']);
    gate.open();
    await until(() => scene.settledOffsets.length === 2);
  });

  it('is waited for when the partition drains, and let go of when it is closed', async () => {
    const gates = [new Gate(), new Gate()];
    const scene = new Scene(async (offset, attempt) => {
      attempt.waits();
      await gates[offset]?.opened;
    });
    await scene.admit(2);

    let drained = false;
    const draining = scene.pipeline.drain(Date.now() + NEVER_MS).then(() => (drained = true));
    gates[0]?.open();
    await until(() => scene.settledOffsets.length === 1);
    expect(drained).toBe(false);
    scene.pipeline.close();
    await draining;
    gates[1]?.open();
    for (let turn = 0; turn < 10; turn++) await nextTurn();

    expect(scene.settledOffsets).toEqual([0]);
  });
});

describe('a partition', () => {
  const attempt = fc.record({
    waits: fc.constantFrom('never', 'at once', 'later', 'twice', 'too late'),
    ends: fc.constantFrom('handled', 'handled', 'transient', 'unclassified', 'poison'),
  });
  const plan = fc.record({
    records: fc.array(fc.array(attempt, { maxLength: 4 }), { minLength: 1, maxLength: 40 }),
    /** These wait until all others are settled; one fewer than may be parked. */
    blocked: fc.uniqueArray(fc.nat(39), { maxLength: LIMITS.parkedRecords - 1 }),
    batch: fc.integer({ min: 1, max: 15 }),
  });

  it('settles every record once, whoever waits, fails and waits again, with no more in hand than is allowed', async () => {
    await fc.assert(
      fc.asyncProperty(plan, async ({ records, blocked, batch }) => {
        const all = new Gate();
        const isBlocked = (offset: number): boolean => blocked.includes(offset);
        const blockedHere = records.filter((_, offset) => isBlocked(offset)).length;
        const attempts = records.map((each) => [...each]);
        let mostInHand = 0;
        const scene: Scene = new Scene(async (offset, told) => {
          const inHand = new Set(scene.started).size - scene.settledOffsets.length;
          mostInHand = Math.max(mostInHand, inHand);
          if (isBlocked(offset)) {
            told.waits();
            return all.opened;
          }
          const { waits = 'never', ends = 'handled' } = attempts[offset]?.shift() ?? {};
          if (waits === 'at once') told.waits();
          await nextTurn();
          if (waits === 'later' || waits === 'twice') told.waits();
          if (waits === 'twice') told.waits();
          if (waits === 'too late') {
            setImmediate(() => {
              told.waits();
            });
          }
          if (ends === 'transient') throw new TransientError('away');
          if (ends === 'unclassified') throw new Error('a bug');
          if (ends === 'poison') throw new PoisonError('INVALID_EVENT', 'never');
        });

        for (let left = records.length; left > 0; left -= batch) await scene.admit(Math.min(batch, left));
        await until(() => scene.settledOffsets.length === records.length - blockedHere);
        all.open();
        await until(() => scene.settledOffsets.length === records.length);
        const drainedAt = performance.now();
        await scene.pipeline.drain(Date.now() + 1_000);
        scene.pipeline.close();

        expect(performance.now() - drainedAt).toBeLessThan(500);
        expect(scene.pipeline.progress.committable).toBe(records.length);
        expect([...new Set(scene.settledOffsets)]).toHaveLength(records.length);
        // One fewer are in hand; the one whose place has just been taken is told as settled only afterwards.
        expect(mostInHand).toBeLessThanOrEqual(LIMITS.underWayRecords + LIMITS.parkedRecords);
        expect(scene.bugs).toEqual([]);
      }),
      { numRuns: 150 },
    );
  }, 60_000);
});
