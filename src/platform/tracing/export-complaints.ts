import { Logger } from '@nestjs/common';
import type { DiagLogger } from '@opentelemetry/api';

/** A collector that is away is no news a second time. */
const LOG_EVERY_MS = 60_000;

const nothing = (): void => undefined;

/** What the SDK has to complain about: spans that it could not export, or dropped. One line now and then. */
export class ExportComplaints implements DiagLogger {
  readonly info = nothing;
  readonly debug = nothing;
  readonly verbose = nothing;
  private readonly logger = new Logger('Tracing');
  private loggedAt = -Infinity;

  constructor(private readonly now: () => number = () => performance.now()) {}

  warn(complaint: string): void {
    if (this.now() - this.loggedAt < LOG_EVERY_MS) return;
    this.loggedAt = this.now();
    this.logger.warn({ msg: 'spans are not exported', error: complaint });
  }

  /** No record suffers from it: never more than a warning. */
  error(complaint: string): void {
    this.warn(complaint);
  }
}
