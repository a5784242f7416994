import { Logger } from '@nestjs/common';
import type { DiagLogger } from '@opentelemetry/api';
import { Seldom } from '../logging/seldom.js';

/** A collector that is away is no news a second time. */
const LOG_EVERY_MS = 60_000;

const nothing = (): void => undefined;

/** What the SDK has to complain about: spans that it could not export, or dropped. One line now and then. */
export class ExportComplaints implements DiagLogger {
  readonly info = nothing;
  readonly debug = nothing;
  readonly verbose = nothing;
  private readonly logger = new Logger('Tracing');
  private readonly seldom: Seldom;

  constructor(nowMs?: () => number) {
    this.seldom = new Seldom(LOG_EVERY_MS, nowMs);
  }

  warn(complaint: string): void {
    if (this.seldom.isDue()) this.logger.warn({ msg: 'spans are not exported', error: complaint });
  }

  /** No record suffers from it: never more than a warning. */
  error(complaint: string): void {
    this.warn(complaint);
  }
}
