import { createContextKey, ROOT_CONTEXT, type Context } from '@opentelemetry/api';
import { SamplingDecision, type Sampler, type SamplingResult } from '@opentelemetry/sdk-trace';

/** Far fewer than the exporter's queue takes: beyond that, whatever was made would only be dropped. */
const RECORDS_PER_SECOND = 200;
const DRAWN = createContextKey('whether a trace begins here was decided before');

/** A span that is begun in here is a root that was drawn by `beginsRecord`. */
export const DRAWN_ROOT: Context = ROOT_CONTEXT.setValue(DRAWN, true);

/** Draws which traces begin in this process: a share of all, and of records no more than a bound for each second. */
export class RootShare implements Sampler {
  private second = -1;
  private begun = 0;

  /**
   * @param share from 0 to 1
   * @param nowMs any clock that only goes forward
   */
  constructor(
    private readonly share: number,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** Asked before a span is made: under load, most records must cost no more than this. */
  beginsRecord(): boolean {
    const second = Math.floor(this.nowMs() / 1_000);
    if (second !== this.second) {
      this.second = second;
      this.begun = 0;
    }
    if (this.begun >= RECORDS_PER_SECOND || !this.isDrawn()) return false;
    this.begun++;
    return true;
  }

  shouldSample(within: Context): SamplingResult {
    const isSampled = within.getValue(DRAWN) === true || this.isDrawn();
    return { decision: isSampled ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD };
  }

  toString(): string {
    return `RootShare{${this.share}}`;
  }

  private isDrawn(): boolean {
    return Math.random() < this.share;
  }
}
