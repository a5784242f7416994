import { createHash } from 'node:crypto';
import type { NewAlert } from '../alerts/alert-publisher.js';
import type { LetterSubject } from './letter-subject.js';
import type { StoredLetter } from './stored-letter.js';

/** Who reads alerts takes ids of up to 500 characters. */
const LONGEST_ID = 400;

/** One for each dead letter and attempt: its id says so, however often the letter is delivered. */
export function deadLetterAlert(
  letter: StoredLetter,
  { campaignId, advertiserId }: Pick<LetterSubject, 'campaignId' | 'advertiserId'>,
): NewAlert {
  const { origin, code, message, attempt } = letter;
  const { topic, partition } = origin;
  const offset = String(origin.offset);
  return {
    alertId: alertIdOf(letter),
    type: 'DEAD_LETTER',
    severity: 'warning',
    subject: {
      topic,
      ...(campaignId !== null && { campaignId: String(campaignId) }),
      ...(advertiserId !== null && { advertiserId: String(advertiserId) }),
    },
    message: `dead letter ${topic}:${partition}:${offset}${attempt > 1 ? `, attempt ${attempt}` : ''}: ${code}, ${message}`,
    details: { code, message, partition, offset, attempt },
  };
}

function alertIdOf({ origin, group, attempt }: StoredLetter): string {
  const place = [origin.topic, origin.partition, origin.offset, origin.timestamp, group, attempt].join(':');
  const id = place.length <= LONGEST_ID ? place : createHash('sha256').update(place).digest('hex');
  return `dead-letter:${id}`;
}
