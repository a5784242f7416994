export const LETTER_STATUSES = ['NEW', 'REPLAYED', 'RESOLVED', 'DISCARDED'] as const;
export type LetterStatus = (typeof LETTER_STATUSES)[number];
