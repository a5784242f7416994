const YEAR_1_MS = -62_135_596_800_000;
const YEAR_9999_MS = 253_402_300_799_000;

/** Producers set a record's time to whatever they like; what Postgres cannot store is kept at the rim and still charged. */
export function storableMs(ms: number): number {
  return Math.trunc(Math.min(Math.max(ms, YEAR_1_MS), YEAR_9999_MS));
}
