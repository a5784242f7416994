export interface DatabaseOptions {
  /** A login that is a member of `worker`. */
  readonly url: string;
}

export const DATABASE_OPTIONS = Symbol('DATABASE_OPTIONS');
