import { Logger } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../platform/clock.js';
import { describeDatabaseError } from '../platform/database/database-errors.js';
import type { ChannelDeliveries } from './channel-deliveries.js';
import { ChannelHealth } from './channel-health.js';
import type { Claim } from './claim.js';
import type { DeliveryCounts } from './delivery-counts.js';
import { DeliveryError } from './delivery-error.js';
import type { NotificationChannel } from './notification-channel.js';
import { verdictOn, type Verdict } from './retry-schedule.js';

/** Rows of a replica that died, retries and group messages are found by looking; own rows wake the dispatcher. */
const LOOK_EVERY_MS = 1_000;
/** Messages under way: a server that hangs on one does not hold up the next few. */
const AT_ONCE = 4;
/** A channel has limits of its own, below this one. */
const SEND_WITHIN_MS = 15_000;
/** What a channel may need to give up once it is told to. */
const GIVE_UP_WITHIN_MS = 500;
const WRITE_AGAIN_MS = 500;
/** When the Worker stops: messages under way may end by themselves, then they are given up, then nothing is waited for. */
const LAST_SENDS_MS = 1_500;
const LAST_WRITES_MS = 1_000;

/** Sends one channel's messages: claims what is due, sends it, writes down how that ended. */
export class Dispatcher {
  private readonly logger = new Logger(Dispatcher.name);
  private readonly health: ChannelHealth;
  private readonly stopping = new AbortController();
  private readonly inHand = new Map<Claim, { giveUp: AbortController; ended: Promise<void> }>();
  private wakeUp = new AbortController();
  private running: Promise<void> | undefined;
  private databaseIsAway = false;

  constructor(
    private readonly channel: NotificationChannel,
    private readonly deliveries: ChannelDeliveries,
    private readonly counts: DeliveryCounts,
    private readonly clock: Clock,
  ) {
    this.health = new ChannelHealth(channel.name);
  }

  start(): void {
    this.running = this.run();
  }

  /** Something new may be due. */
  wake(): void {
    this.wakeUp.abort();
  }

  /** Takes no more, lets what is under way end for a moment, and leaves the rest to other replicas or the next start. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.wake();
    await within(LAST_SENDS_MS, this.allEnded());
    for (const { giveUp } of this.inHand.values()) giveUp.abort(new Error('the Worker stops'));
    await within(LAST_WRITES_MS, Promise.all([this.running, this.allEnded()]));
    this.channel.close();
    await this.deliveries.close();
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      this.wakeUp = new AbortController(); // before looking: what wakes meanwhile is not missed
      for (const claim of await this.claimDue()) this.take(claim);
      await pause(LOOK_EVERY_MS, undefined, { signal: this.wakeUp.signal }).catch(() => undefined);
    }
  }

  private async claimDue(): Promise<Claim[]> {
    const free = AT_ONCE - this.inHand.size;
    if (free <= 0) return [];
    try {
      const claimed = await this.deliveries.claim(this.clock.now(), free, keysOf(this.inHand.keys()));
      this.databaseIsAway = false;
      return claimed;
    } catch (error) {
      if (!this.databaseIsAway && !this.stopping.signal.aborted) {
        this.databaseIsAway = true;
        this.logger.warn({
          msg: 'deliveries cannot be read: trying again',
          channel: this.channel.name,
          error: describeDatabaseError(error),
        });
      }
      return [];
    }
  }

  private take(claim: Claim): void {
    const giveUp = new AbortController();
    const ended = this.deliver(claim, giveUp).finally(() => {
      this.inHand.delete(claim);
      this.wake();
    });
    this.inHand.set(claim, { giveUp, ended });
  }

  private async deliver(claim: Claim, giveUp: AbortController): Promise<void> {
    const verdict = await this.attempt(claim, giveUp);
    // It may have been accepted: somebody else would send it again when the lease is over, so this goes on trying.
    for (let failures = 0; !(await this.writeDown(claim, verdict, failures)); failures++) {
      if (this.stopping.signal.aborted) return;
      await pause(WRITE_AGAIN_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }

  private async writeDown(claim: Claim, verdict: Verdict, failures: number): Promise<boolean> {
    const channel = this.channel.name;
    try {
      const ended = await this.deliveries.settle(claim, verdict, this.clock.now());
      this.counts.add(channel, 'DELIVERED', ended.delivered);
      this.counts.add(channel, 'FAILED', ended.failed);
      this.health.ended(claim, verdict, ended);
      return true;
    } catch (error) {
      const reason = describeDatabaseError(error);
      if (failures === 0)
        this.logger.warn({ msg: 'a delivery cannot be written down: trying again', channel, error: reason });
      return false;
    }
  }

  private async attempt(claim: Claim, giveUp: AbortController): Promise<Verdict> {
    const tooLong = setTimeout(() => {
      giveUp.abort(DeliveryError.transient(`not sent within ${SEND_WITHIN_MS / 1_000} s`));
    }, SEND_WITHIN_MS);
    try {
      await Promise.race([this.channel.send(claim.message, giveUp.signal), givenUp(giveUp.signal)]);
      return { status: 'DELIVERED' };
    } catch (error) {
      const now = this.clock.now();
      // Other replicas, or the next start, need not wait for what this one did not finish.
      if (this.stopping.signal.aborted && giveUp.signal.aborted) {
        return {
          status: 'PENDING',
          error: 'given up: the Worker stopped',
          retryAt: now,
          giveUpBefore: 0,
          pauseUntil: undefined,
        };
      }
      if (!(error instanceof DeliveryError)) this.logUnknown(error);
      return verdictOn(error, claim.attempts, now, Math.random());
    } finally {
      clearTimeout(tooLong);
    }
  }

  /** A bug of a channel. Where it happened, not its message: that may hold a secret. */
  private logUnknown(error: unknown): void {
    const stack = error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)) : [];
    this.logger.warn({
      msg: 'a channel failed in a way of its own',
      channel: this.channel.name,
      stack: stack.slice(0, 5),
    });
  }

  private async allEnded(): Promise<void> {
    await Promise.allSettled([...this.inHand.values()].map(({ ended }) => ended));
  }
}

const keysOf = (claims: Iterable<Claim>): string[] => Array.from(claims, ({ key }) => key);

/** Rejects a moment after the signal, for a channel that does not listen to it. */
async function givenUp(signal: AbortSignal): Promise<never> {
  await new Promise((resolve) => {
    signal.addEventListener('abort', resolve, { once: true });
  });
  await pause(GIVE_UP_WITHIN_MS, undefined, { ref: false });
  throw signal.reason;
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  await Promise.race([work, pause(ms, undefined, { ref: false })]);
}
