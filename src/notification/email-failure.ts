import type { NodemailerError } from 'nodemailer';
import { DeliveryError } from './delivery-error.js';

/** The commands that are about this mail: what is refused before them is refused to the session. */
const ABOUT_THE_MAIL = new Set(['MAIL FROM', 'RCPT TO', 'DATA']);
/** RFC 4954: who we are, not what we send. */
const AUTHENTICATION_CODES = new Set([530, 534, 535, 538]);
/** RFC 5321: "bad sequence of commands" speaks of the session. */
const BAD_SEQUENCE = 503;

/**
 * What an error of nodemailer means. A 5xx to the mail itself (sender, recipients, content) is for ever. Everything else
 * is tried again for a day: a server that is away or slow, 4xx, and also a refused login or greeting. SMTP calls these last
 * permanent, but they are about our configuration: when somebody puts the password right, the alerts of the day go out.
 *
 * @param describe words the error, without its secrets
 */
export function emailFailure(error: unknown, describe: (text: string) => string): DeliveryError {
  const { responseCode = 0, command, message } = error as Partial<NodemailerError>;
  const said = describe(message ?? String(error));
  const isForEver =
    responseCode >= 500 &&
    responseCode < 600 &&
    responseCode !== BAD_SEQUENCE &&
    !AUTHENTICATION_CODES.has(responseCode) &&
    ABOUT_THE_MAIL.has(command ?? '');
  return isForEver ? DeliveryError.permanent(said) : DeliveryError.transient(said);
}
