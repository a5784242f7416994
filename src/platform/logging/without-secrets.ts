/** The password in a URL, such as one that a driver repeats in its message; it may hold an `@` itself. */
const URL_PASSWORD = /(\b[a-z][a-z0-9+.-]{0,30}:\/\/[^\s:/@"]*):[^\s/"]+@/gi;
/** `password=…` in a text, as in libpq's connection strings. */
const NAMED_PASSWORD = /(\b\w*(?:password|passwd|secret|token)=)[^\s&;,"']+/gi;
/** A Slack webhook's path is its secret. */
const WEBHOOK = /(\bhttps?:\/\/hooks\.slack\.com\/)[^\s"']+/gi;

/** A text as it may leave the process. */
export function withoutSecrets(text: string): string {
  return text.replaceAll(URL_PASSWORD, '$1:***@').replaceAll(NAMED_PASSWORD, '$1***').replaceAll(WEBHOOK, '$1***');
}
