import { classify, type Failure } from '../classify.js';
import { detach, type ConsumedRecord } from './consumed-record.js';
import type { PartitionProgress, ProgressSlot } from './partition-progress.js';
import type { PipelineGroup } from './pipeline-group.js';
import type { RecordAttempt, RecordOutcome } from './record-context.js';
import { RetryQueue } from './retry-queue.js';
import type { Chunk, UnderWay } from './under-way.js';

/** A record that was started. An object that is told itself, not a callback for each: see `start`. */
class Task implements RecordAttempt {
  /** How often it failed, of either kind. */
  transient = 0;
  unclassified = 0;
  outcome: RecordOutcome = 'handled';

  constructor(
    private readonly owner: { setApart(task: Task): void },
    readonly record: ConsumedRecord,
    readonly slot: ProgressSlot,
    /** Where it counts while it is being handled. */
    public chunk: Chunk | undefined,
  ) {}

  waits(): void {
    this.owner.setApart(this);
  }
}

/**
 * What becomes of a partition's records once they are started: each is tried until it is *settled* (handled, skipped, or safe
 * among the dead letters). An outage, when one record after the other fails and none is settled, keeps new ones from
 * being started until the next attempt.
 */
export class RecordAttempts {
  private readonly retries = new RetryQueue<Task>((tasks) => {
    this.startAgain(tasks);
  });
  private outage = false;
  /** Records that failed for the first time, since one was settled. */
  private newFailures = 0;
  private closed = false;

  constructor(
    private readonly group: PipelineGroup,
    private readonly progress: PartitionProgress,
    private readonly underWay: UnderWay,
  ) {}

  get isOutage(): boolean {
    return this.outage;
  }

  /** How many wait for their next attempt. */
  get waiting(): number {
    return this.retries.size;
  }

  get isClosed(): boolean {
    return this.closed;
  }

  /** Late results neither count nor commit: the partition may be somebody else's by now. */
  close(): void {
    this.closed = true;
    this.retries.clear();
  }

  begin(record: ConsumedRecord, slot: ProgressSlot, chunk: Chunk): void {
    this.start(new Task(this, record, slot, chunk));
  }

  /** It waits for something that is not ours: others may be started in its place. */
  setApart(task: Task): void {
    // A handler may speak after its end, and after the end of the assignment.
    if (this.closed || task.chunk === undefined || task.chunk.parked) return;
    detach(task.record);
    task.chunk = this.underWay.setApart(task.chunk);
  }

  private startAgain(tasks: Task[]): void {
    this.outage = false; // the next failure closes the door again
    this.underWay.unpark(tasks.length);
    const chunk = this.underWay.open(tasks.length);
    for (const task of tasks) {
      task.chunk = chunk;
      this.start(task);
    }
    this.underWay.wake();
  }

  /** What becomes of a record: skipped, settled, poison, transient, or for now unclassified. */
  private start(task: Task): void {
    task.outcome = 'handled';
    try {
      const handling = this.group.handle(task.record, task);
      if (handling === undefined) {
        this.settle(task, 'skipped');
        return;
      }
      // Callbacks, not an async function a level: thousands of records wait here, and what each holds is copied by the
      // garbage collector again and again.
      handling.then(
        () => {
          this.succeed(task);
        },
        (error: unknown) => {
          this.fail(task, classify(error)).catch(this.broken);
        },
      );
    } catch (error) {
      void this.refuse(task, error);
    }
  }

  private succeed(task: Task): void {
    if (this.closed) return;
    try {
      this.group.handled();
      this.settle(task, task.outcome);
    } catch (bug) {
      this.broken(bug);
    }
  }

  private readonly broken = (bug: unknown): void => {
    this.group.broken(bug);
  };

  /** A handler was called, and threw. */
  private async fail(task: Task, failure: Failure): Promise<void> {
    if (this.closed) return;
    switch (failure.kind) {
      case 'poison':
        // It knew what was wrong with the record: it works.
        this.group.handled();
        return this.bury(task, failure);
      case 'transient':
        this.retryWhenBack(task, failure);
        return;
      case 'unclassified':
        return this.retryOrGiveUp(task, failure);
    }
  }

  /** The record could not even be read, which says nothing about the handler; any other error here is a bug of ours. */
  private async refuse(task: Task, error: unknown): Promise<void> {
    const failure = classify(error);
    try {
      if (failure.kind !== 'poison') throw error;
      await this.bury(task, failure);
    } catch (bug) {
      this.broken(bug);
    }
  }

  private async bury(task: Task, failure: Failure & { kind: 'poison' }): Promise<void> {
    try {
      await this.group.bury(task.record, failure);
    } catch (error) {
      // A dead letter that nobody took is not safe: the record stays where it is and is tried again.
      if (!this.closed) this.retryWhenBack(task, { kind: 'transient', message: classify(error).message });
      return;
    }
    if (!this.closed) this.settle(task, 'dead');
  }

  private retryWhenBack(task: Task, failure: Failure): void {
    // One that failed before says nothing new: it may be its own row alone that is locked.
    if (task.transient === 0 && ++this.newFailures >= this.group.limits.outageAfter) this.outage = true;
    this.retryLater(task, failure, ++task.transient);
  }

  private async retryOrGiveUp(task: Task, { message }: Failure): Promise<void> {
    task.unclassified++;
    const { unclassifiedAttempts } = this.group.limits;
    if (task.unclassified < unclassifiedAttempts) {
      this.retryLater(task, { kind: 'unclassified', message }, task.unclassified);
      // Whether it may be buried was asked before where the dead letter did not get through: it counts as one record.
    } else if (task.unclassified > unclassifiedAttempts || this.group.exhausted(task.record, message) === 'bury') {
      await this.bury(task, { kind: 'poison', code: 'HANDLER_ERROR', message });
    } else {
      // Stays uncommitted: the halted group reads it again when it probes.
      this.leaveChunk(task);
    }
  }

  private retryLater(task: Task, failure: Failure, attempt: number): void {
    const { retryFirstMs, retryMaxMs } = this.group.limits;
    const pauseMs = Math.min(retryMaxMs, retryFirstMs * 2 ** Math.min(attempt - 1, 20));
    detach(task.record);
    this.leaveChunk(task);
    this.underWay.park(1);
    this.group.retried(task.record, failure, pauseMs);
    this.retries.add(task, pauseMs);
    this.underWay.wake();
  }

  private settle(task: Task, outcome: RecordOutcome): void {
    this.progress.settle(task.slot);
    this.leaveChunk(task);
    this.newFailures = 0;
    if (this.outage) {
      this.outage = false;
      this.underWay.wake();
    }
    this.group.settled(task.record, outcome);
  }

  private leaveChunk(task: Task): void {
    const { chunk } = task;
    if (chunk === undefined) return;
    task.chunk = undefined;
    this.underWay.leave(chunk);
  }
}
