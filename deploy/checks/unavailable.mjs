/** A tool cannot be had on this machine. */
export class Unavailable extends Error {}
