const DAY_MS = 24 * 60 * 60 * 1_000;

/** The date in a zone, some days from now. */
export function dateIn(zone: string, daysFromNow = 0): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: zone }).format(Date.now() + daysFromNow * DAY_MS);
}
