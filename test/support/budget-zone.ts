const HOUR_MS = 60 * 60 * 1_000;

/** A zone in which it is about noon: no test that counts today's clicks runs into midnight or the grace after it. */
export function zoneAtNoon(): string {
  const hoursToNoon = 12 - new Date().getUTCHours();
  // The names count the other way round: Etc/GMT-9 is nine hours ahead of UTC.
  return hoursToNoon === 0 ? 'Etc/UTC' : `Etc/GMT${hoursToNoon > 0 ? '-' : '+'}${Math.abs(hoursToNoon)}`;
}

/** The date in a zone of a moment, some days from now. */
export function dateIn(zone: string, daysFromNow = 0): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: zone }).format(Date.now() + daysFromNow * 24 * HOUR_MS);
}
