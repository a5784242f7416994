/** A zone in which it is about noon: nobody who counts today's clicks runs into midnight or the grace after it. */
export function zoneAtNoon(): string;
