/** A zone in which it is about noon: nobody who counts today's clicks runs into midnight or the grace after it. */
export function zoneAtNoon() {
  const hoursToNoon = 12 - new Date().getUTCHours();
  // The names count the other way round: Etc/GMT-9 is nine hours ahead of UTC.
  return hoursToNoon === 0 ? 'Etc/UTC' : `Etc/GMT${hoursToNoon > 0 ? '-' : '+'}${Math.abs(hoursToNoon)}`;
}
