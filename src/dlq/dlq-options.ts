export interface DlqOptions {
  /** How long what is done with is kept, in milliseconds. */
  readonly retentionMs: number;
}

export const DLQ_OPTIONS = Symbol('DLQ_OPTIONS');
