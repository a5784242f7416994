import { isIP } from 'node:net';

/** One environment variable: what it means, and how its text becomes a value. Throws a reason that fits after its name. */
export interface Variable<T> {
  readonly about: string;
  /** Text that stands in for a missing value; without one the variable may stay unset, or is required. */
  readonly fallback?: string;
  readonly required?: boolean;
  readonly parse: (text: string) => T;
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const SASL_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;
export type SaslMechanism = (typeof SASL_MECHANISMS)[number];

/** Those that keep to what the parent decided; the others of the specification would tear traces apart. */
const SAMPLERS = ['parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio'] as const;
export type SamplerName = (typeof SAMPLERS)[number];

/** Everything the Worker reads from its environment. `.env.example` lists the same names (a test holds it to that). */
export const VARIABLES = {
  KAFKA_BROKERS: {
    about: 'host:port of one or more brokers, separated by commas',
    required: true,
    parse: brokers,
  },
  KAFKA_SSL: { about: 'true to talk TLS to the brokers', fallback: 'false', parse: boolean },
  KAFKA_SASL_MECHANISM: {
    about: 'plain, scram-sha-256 or scram-sha-512; empty: no SASL',
    parse: (text: string) => oneOf(SASL_MECHANISMS, text.toLowerCase()),
  },
  KAFKA_SASL_USERNAME: { about: 'the SASL user', parse: String },
  KAFKA_SASL_PASSWORD: { about: 'its password', parse: String },
  DATABASE_URL: {
    about: 'Postgres, as a login role that is a member of the group role worker',
    required: true,
    parse: (text: string) => url(text, 'postgres:', 'postgresql:'),
  },
  MIGRATION_DATABASE_URL: {
    about: 'Postgres, as the owner of the tables; only `npm run migrate` uses it (default: DATABASE_URL)',
    parse: (text: string) => url(text, 'postgres:', 'postgresql:'),
  },
  REDIS_URL: {
    about: 'Redis, of which the Worker only ever reads',
    required: true,
    parse: (text: string) => url(text, 'redis:', 'rediss:'),
  },
  BUDGET_TIMEZONE: {
    about: 'IANA name of the zone in which a budget day begins; pinned in the database at the first start',
    fallback: 'Asia/Seoul',
    parse: timeZone,
  },
  BUDGET_RESET_GRACE_MINUTES: {
    about:
      'minutes after the start of a budget day in which the counters in Redis may still be those of the day before',
    fallback: '10',
    parse: (text: string) => wholeNumber(text, { least: 0, most: 1_440 }),
  },
  SLACK_WEBHOOK_URL: {
    about: 'incoming webhook of the Slack channel that gets the alerts (a secret); empty: no Slack',
    parse: webhook,
  },
  SMTP_URL: {
    about: 'smtp:// or smtps:// server that mails the alerts, with user and password (a secret); empty: no e-mail',
    parse: smtpServer,
  },
  ALERT_EMAIL_TO: {
    about: 'addresses that get the alerts, separated by commas; needed with SMTP_URL',
    parse: (text: string) => text.split(',').map(mailbox),
  },
  ALERT_EMAIL_FROM: {
    about:
      'address that they come from (default: the user of SMTP_URL where that is one, else the first of ALERT_EMAIL_TO)',
    parse: mailbox,
  },
  DUPLICATE_RATE_ALERT: {
    about: 'refunds of the last hour in percent of its clicks (5 or 2.5), above which DUPLICATE_CLICK_RATE is raised',
    fallback: '5',
    parse: percent,
  },
  DLQ_RETENTION_DAYS: {
    about: 'days after which resolved and discarded dead letters, and finished notification deliveries, are removed',
    fallback: '90',
    parse: (text: string) => wholeNumber(text, { least: 1, most: 36_500 }),
  },
  HOST: { about: 'the one address at which PORT is served; empty: all of the machine', parse: host },
  OTEL_TRACES_EXPORTER: {
    about: 'otlp or none (default: otlp where OTEL_EXPORTER_OTLP_ENDPOINT is set, else none)',
    parse: (text: string) => oneOf(['otlp', 'none'], text.toLowerCase()),
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    about: 'http:// or https:// collector of the spans, without /v1/traces; empty: no tracing',
    parse: collector,
  },
  OTEL_EXPORTER_OTLP_PROTOCOL: {
    about: 'http/json, the one that there is',
    fallback: 'http/json',
    parse: (text: string) => oneOf(['http/json'], text.toLowerCase()),
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    about: 'name=value headers for the collector, separated by commas, with % of a value as %25 (a secret)',
    parse: headers,
  },
  OTEL_SERVICE_NAME: { about: 'the name of the Worker in its spans', fallback: 'click-worker', parse: String },
  OTEL_TRACES_SAMPLER: {
    about: 'which records without a traceparent begin a trace: parentbased_always_on, _always_off or _traceidratio',
    fallback: 'parentbased_always_on',
    parse: (text: string) => oneOf(SAMPLERS, text.toLowerCase()),
  },
  OTEL_TRACES_SAMPLER_ARG: {
    about: 'their share for parentbased_traceidratio, from 0 to 1',
    fallback: '1',
    parse: share,
  },
  PORT: { about: 'where /health/live, /health/ready and /metrics are served', fallback: '3000', parse: port },
  LOG_LEVEL: {
    about: 'fatal, error, warn, info, debug, trace or silent',
    fallback: 'info',
    parse: (text: string) => oneOf(LOG_LEVELS, text.toLowerCase()),
  },
} satisfies Record<string, Variable<unknown>>;

function oneOf<const T extends readonly string[]>(allowed: T, text: string): T[number] {
  if (!allowed.includes(text)) throw new Error(`must be one of ${allowed.join(', ')}`);
  return text;
}

function boolean(text: string): boolean {
  return oneOf(['true', 'false'], text.toLowerCase()) === 'true';
}

function port(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65535) throw new Error('must be a port from 0 to 65535');
  return value;
}

function host(text: string): string {
  if (isIP(text) === 0 && !/^(?=.{1,253}$)[a-z\d]([a-z\d-]*[a-z\d])?(\.[a-z\d]([a-z\d-]*[a-z\d])?)*$/i.test(text))
    throw new Error('must be an IP address or a host name of this machine, without a port');
  return text;
}

function wholeNumber(text: string, { least, most }: { least: number; most: number }): number {
  const value = Number(text);
  if (!/^\d{1,15}$/.test(text) || value < least || value > most) {
    throw new Error(`must be a whole number from ${least} to ${most}`);
  }
  return value;
}

/** The sign is optional; `0.05` is a twentieth of a percent. */
function percent(text: string): number {
  const [, digits] = /^(\d{1,3}(?:\.\d{1,4})?) ?%?$/.exec(text) ?? [];
  if (digits === undefined || Number(digits) > 100) {
    throw new Error('must be a percentage from 0 to 100 with at most four decimal places');
  }
  return Number(digits);
}

function brokers(text: string): string[] {
  const list = text.split(',').map((broker) => broker.trim());
  for (const broker of list) {
    const [, portText] = /^(?:[\w.-]+|\[[0-9a-fA-F:]+\]):(\d{1,5})$/.exec(broker) ?? [];
    if (portText === undefined || Number(portText) < 1 || Number(portText) > 65535) {
      throw new Error('must be host:port, separated by commas');
    }
  }
  return list;
}

/** The value may hold a password: no message repeats it. */
function url(text: string, ...protocols: [string, ...string[]]): string {
  const { href } = URL.canParse(text) ? new URL(text) : { href: '' };
  if (!protocols.some((protocol) => href.startsWith(`${protocol}//`))) {
    throw new Error(`must be a valid URL that starts with ${protocols[0]}//`);
  }
  if (!isDecodable(href)) throw new Error('must be a URL with each % of a password written as %25');
  return text;
}

/** The drivers decode user, password and name; what they cannot decode would look like a database that is away. */
function isDecodable(text: string): boolean {
  try {
    return decodeURIComponent(text) !== '';
  } catch {
    return false;
  }
}

/** What fetch refuses must not be found out with the first alert. */
function webhook(text: string): string {
  const { username, password } = new URL(url(text, 'https:', 'http:'));
  if (username !== '' || password !== '') throw new Error('must be a URL without user and password');
  return text;
}

/** A password in it would stand in what the exporter says when it fails; a query would end up before the path. */
function collector(text: string): string {
  const { username, password, search, hash } = new URL(url(text, 'http:', 'https:'));
  if (username !== '' || password !== '' || search !== '' || hash !== '') {
    throw new Error('must be a URL without user, password, query and fragment');
  }
  return text;
}

function headers(text: string): Record<string, string> {
  const pairs = text.split(',').map((pair) => /^\s*([\w!#$&'*.^`|~-]+)\s*=\s*([ !-~]*?)\s*$/.exec(pair));
  if (!pairs.every((pair) => pair !== null && isDecodable(`${pair[2] ?? ''} `))) {
    throw new Error('must be name=value, separated by commas, with each % of a value written as %25');
  }
  return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', decodeURIComponent(pair?.[2] ?? '')]));
}

function share(text: string): number {
  if (!/^(0|1|0?\.\d{1,9}|[01]\.0*)$/.test(text)) throw new Error('must be a number from 0 to 1');
  return Number(text);
}

function smtpServer(text: string): string {
  if (new URL(url(text, 'smtp:', 'smtps:')).hostname === '') throw new Error('must be a URL that names a host');
  return text;
}

/** `address` or `Name <address>`; nothing in it may begin another header. */
function mailbox(text: string): string {
  const trimmed = text.trim();
  const { address } = /^(?:[^<>",;\p{Cc}]* <(?<address>[^<>]+)>)$/u.exec(trimmed)?.groups ?? { address: trimmed };
  if (!isAddress(address ?? ''))
    throw new Error('must be an e-mail address, or several where there may be, separated by commas');
  return trimmed;
}

/** Not whether it exists: whether it can stand in a mail. */
export function isAddress(text: string): boolean {
  return text.length <= 254 && /^[^\s@<>(),;:"\p{Cc}]+@[^\s@<>(),;:"\p{Cc}]+$/u.test(text);
}

function timeZone(text: string): string {
  // Newer versions of Node take `+09:00` too, which Postgres reads as nine hours west.
  if (!/^[a-z]/i.test(text) || !isTimeZone(text)) throw new Error('must be an IANA time zone such as Asia/Seoul');
  return text;
}

function isTimeZone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
