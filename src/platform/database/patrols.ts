import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { Patrol } from '../patrol.js';
import { describeDatabaseError } from './database-errors.js';
import { DatabaseLifecycle } from './database-lifecycle.js';

/** Rounds that need the database: they begin when it is ready, and end when the Worker stops. */
@Injectable()
export class Patrols implements OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown {
  private readonly logger = new Logger(Patrols.name);
  private readonly patrols: Patrol[] = [];
  private stopped: Promise<unknown> | undefined;

  constructor(private readonly lifecycle: DatabaseLifecycle) {}

  /**
   * To be called in a constructor.
   *
   * @param failure what is logged of a round that throws, of several in a row the first
   */
  add(everyMs: number, failure: string, round: () => Promise<void>): Patrol {
    const patrol = new Patrol(everyMs, round, (error) => {
      this.logger.warn({ msg: failure, error: describeDatabaseError(error) });
    });
    this.patrols.push(patrol);
    return patrol;
  }

  onApplicationBootstrap(): void {
    this.lifecycle.ready().then(
      () => {
        for (const patrol of this.patrols) patrol.start();
      },
      () => undefined, // the Worker stops
    );
  }

  /** Before the hooks of any module that takes its time, the transport's draining among them: no round begins meanwhile. */
  onModuleDestroy(): void {
    this.stopped = Promise.all(this.patrols.map((patrol) => patrol.stop()));
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.stopped;
  }
}
