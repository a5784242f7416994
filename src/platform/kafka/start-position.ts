/** What is known of a partition when it is assigned. */
export interface KnownOffsets {
  /** The group's commit; undefined where it has none. */
  readonly committed: number | undefined;
  /** Where the group's first start put it (`group_starts`); undefined for a partition that came later. */
  readonly recordedStart: number | undefined;
  /** The first offset that is still there, and the one that the next record gets. */
  readonly low: number;
  readonly high: number;
}

export interface StartPosition {
  readonly offset: number;
  /** Records that were removed before the group had read them: from the first up to, not including, `offset`. */
  readonly lostFrom?: number;
  /** The commit lies beyond the end: the topic was made anew or cut off. */
  readonly rewound?: true;
}

/** A partition that was added after the group's first start is the group's from its very first record on. */
export const ADDED_LATER = 0;

/** Where reading a partition begins. */
export function startPosition({ committed, recordedStart, low, high }: KnownOffsets): StartPosition {
  const expected = committed ?? recordedStart ?? ADDED_LATER;
  if (expected < low) return { offset: low, lostFrom: expected };
  if (expected > high) return { offset: low, rewound: true };
  return { offset: expected };
}
