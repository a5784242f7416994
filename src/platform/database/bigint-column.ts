import type { ValueTransformer } from 'typeorm';

/** The `transformer` of a `bigint` column. Ids above 2^53 lose digits as numbers; the driver gives and takes them as text. */
export const BIGINT: ValueTransformer = {
  from: (text: string | null) => (text === null ? null : BigInt(text)),
  // What is no bigint belongs to TypeORM's own find operators, which convert their elements one by one.
  to: (id: unknown) => (typeof id === 'bigint' ? id.toString() : id),
};
