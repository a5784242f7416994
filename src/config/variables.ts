import { isIP } from 'node:net';

/** How a text is read: what it is to be, with its unit, and how it becomes a value. Throws a reason that fits after its name. */
interface Kind<T> {
  readonly type: string;
  readonly parse: (text: string) => T;
}

/** One environment variable and all that is said of it: docs/configuration.md and .env.example are made from this (npm run docs). */
export interface Variable<T> extends Kind<T> {
  readonly section: 'Kafka' | 'Postgres' | 'Redis' | 'Budgets' | 'Alerts' | 'Dead letters' | 'Tracing' | 'The process';
  readonly about: string;
  /** Text that stands in for a missing value; without one the variable may stay unset, or is required. */
  readonly fallback?: string;
  readonly required?: boolean;
  /** Belongs where secrets are kept. */
  readonly secret?: boolean;
  /** What .env.example sets, where that is not the fallback. */
  readonly example?: string;
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const SASL_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;
export type SaslMechanism = (typeof SASL_MECHANISMS)[number];

/** Those that keep to what the parent decided; the others of the specification would tear traces apart. */
const SAMPLERS = ['parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio'] as const;
export type SamplerName = (typeof SAMPLERS)[number];

/** Everything the Worker reads from its environment. */
export const VARIABLES = {
  KAFKA_BROKERS: {
    section: 'Kafka',
    about: 'one or more brokers as host:port, separated by commas',
    type: 'list',
    required: true,
    example: '127.0.0.1:9092',
    parse: brokers,
  },
  KAFKA_SSL: {
    section: 'Kafka',
    about: 'whether to talk TLS to the brokers; NODE_EXTRA_CA_CERTS names the file of a private authority',
    fallback: 'false',
    ...boolean(),
  },
  KAFKA_SASL_MECHANISM: {
    section: 'Kafka',
    about: 'how the Worker logs in; empty: no SASL',
    ...oneOf(SASL_MECHANISMS),
  },
  KAFKA_SASL_USERNAME: {
    section: 'Kafka',
    about: 'the SASL user; goes with KAFKA_SASL_MECHANISM',
    type: 'text',
    parse: String,
  },
  KAFKA_SASL_PASSWORD: { section: 'Kafka', about: 'its password', type: 'text', secret: true, parse: String },
  DATABASE_URL: {
    section: 'Postgres',
    about: 'Postgres, as a login role that is a member of the group role worker; ?sslmode=verify-full for TLS',
    required: true,
    secret: true,
    example: 'postgresql://worker_app@127.0.0.1:5432/worker',
    ...url('postgres:', 'postgresql:'),
  },
  MIGRATION_DATABASE_URL: {
    section: 'Postgres',
    about: 'Postgres, as the owner of the tables; only `npm run migrate` uses it; empty: DATABASE_URL',
    secret: true,
    ...url('postgres:', 'postgresql:'),
  },
  REDIS_URL: {
    section: 'Redis',
    about: 'Redis, of which the Worker only ever reads; rediss:// for TLS',
    required: true,
    secret: true,
    example: 'redis://127.0.0.1:6379',
    ...url('redis:', 'rediss:'),
  },
  BUDGET_TIMEZONE: {
    section: 'Budgets',
    about: 'the zone in which a budget day begins; pinned in the database at the first start',
    type: 'IANA name of a time zone',
    fallback: 'Asia/Seoul',
    parse: timeZone,
  },
  BUDGET_RESET_GRACE_MINUTES: {
    section: 'Budgets',
    about: 'how long after the start of a budget day the counters in Redis may still be those of the day before',
    fallback: '10',
    ...wholeNumber({ unit: 'minutes', least: 0, most: 1_440 }),
  },
  SLACK_WEBHOOK_URL: {
    section: 'Alerts',
    about: 'incoming webhook of the Slack channel that gets the alerts; empty: no Slack',
    type: 'URL: https:// or http://',
    secret: true,
    parse: webhook,
  },
  SMTP_URL: {
    section: 'Alerts',
    about: 'the server that mails the alerts, with user and password; empty: no e-mail',
    type: 'URL: smtp:// or smtps://',
    secret: true,
    parse: smtpServer,
  },
  ALERT_EMAIL_TO: {
    section: 'Alerts',
    about: 'addresses that get the alerts, separated by commas; goes with SMTP_URL',
    type: 'list',
    parse: (text: string) => text.split(',').map(mailbox),
  },
  ALERT_EMAIL_FROM: {
    section: 'Alerts',
    about:
      'address that they come from; empty: the user of SMTP_URL where that is one, else the first of ALERT_EMAIL_TO',
    type: 'address',
    parse: mailbox,
  },
  DUPLICATE_RATE_ALERT: {
    section: 'Alerts',
    about: 'refunds of the last hour in percent of its clicks, above which the alert DUPLICATE_CLICK_RATE is raised',
    type: 'percent, 0 to 100: 5 or 2.5',
    fallback: '5',
    parse: percent,
  },
  DLQ_RETENTION_DAYS: {
    section: 'Dead letters',
    about: 'after how long resolved and discarded dead letters, and finished notification deliveries, are removed',
    fallback: '90',
    ...wholeNumber({ unit: 'days', least: 1, most: 36_500 }),
  },
  HOST: {
    section: 'The process',
    about: 'the one address at which PORT is served, such as 127.0.0.1; empty: all of the machine',
    type: 'IP address or host name',
    parse: host,
  },
  OTEL_TRACES_EXPORTER: {
    section: 'Tracing',
    about: 'whether spans are sent; empty: otlp where OTEL_EXPORTER_OTLP_ENDPOINT is set, else none',
    ...oneOf(['otlp', 'none']),
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    section: 'Tracing',
    about: 'collector of the spans, without /v1/traces; empty: no tracing',
    type: 'URL: http:// or https://',
    parse: collector,
  },
  OTEL_EXPORTER_OTLP_PROTOCOL: {
    section: 'Tracing',
    about: 'the one that there is',
    fallback: 'http/json',
    ...oneOf(['http/json']),
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    section: 'Tracing',
    about: 'headers for the collector, separated by commas, with % of a value as %25',
    type: 'list of name=value',
    secret: true,
    parse: headers,
  },
  OTEL_SERVICE_NAME: {
    section: 'Tracing',
    about: 'the name of the Worker in its spans',
    type: 'text',
    fallback: 'click-worker',
    parse: String,
  },
  OTEL_TRACES_SAMPLER: {
    section: 'Tracing',
    about: 'which records without a traceparent begin a trace, at most 200 a second',
    fallback: 'parentbased_always_on',
    ...oneOf(SAMPLERS),
  },
  OTEL_TRACES_SAMPLER_ARG: {
    section: 'Tracing',
    about: 'their share for parentbased_traceidratio',
    type: 'share, 0 to 1',
    fallback: '1',
    parse: share,
  },
  PORT: {
    section: 'The process',
    about: 'where /health/live, /health/ready and /metrics are served; 0: any that is free',
    type: 'port, 0 to 65535',
    fallback: '3000',
    parse: port,
  },
  LOG_LEVEL: {
    section: 'The process',
    about: 'what is logged, and all that is worse',
    fallback: 'info',
    ...oneOf(LOG_LEVELS),
  },
} satisfies Record<string, Variable<unknown>>;

function oneOf<const T extends readonly string[]>(allowed: T): Kind<T[number]> {
  const parse = (text: string): T[number] => {
    const word = text.toLowerCase();
    if (!allowed.includes(word)) throw new Error(`must be one of ${allowed.join(', ')}`);
    return word;
  };
  return { type: allowed.join(', '), parse };
}

function boolean(): Kind<boolean> {
  const { type, parse } = oneOf(['true', 'false']);
  return { type, parse: (text) => parse(text) === 'true' };
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

function wholeNumber({ unit, least, most }: { unit: string; least: number; most: number }): Kind<number> {
  const parse = (text: string): number => {
    const value = Number(text);
    if (!/^\d{1,15}$/.test(text) || value < least || value > most) {
      throw new Error(`must be a whole number from ${least} to ${most}`);
    }
    return value;
  };
  return { type: `${unit}, ${least} to ${most}`, parse };
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

function url(...protocols: [string, ...string[]]): Kind<string> {
  return { type: `URL: ${beginnings(protocols)}`, parse: (text) => readUrl(text, ...protocols) };
}

function beginnings(protocols: readonly string[]): string {
  return protocols.map((protocol) => `${protocol}//`).join(' or ');
}

/** The value may hold a password: no message repeats it. */
function readUrl(text: string, ...protocols: [string, ...string[]]): string {
  const { href } = URL.canParse(text) ? new URL(text) : { href: '' };
  if (!protocols.some((protocol) => href.startsWith(`${protocol}//`))) {
    throw new Error(`must be a valid URL that starts with ${beginnings(protocols)}`);
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
  const { username, password } = new URL(readUrl(text, 'https:', 'http:'));
  if (username !== '' || password !== '') throw new Error('must be a URL without user and password');
  return text;
}

/** A password in it would stand in what the exporter says when it fails; a query would end up before the path. */
function collector(text: string): string {
  const { username, password, search, hash } = new URL(readUrl(text, 'http:', 'https:'));
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
  if (new URL(readUrl(text, 'smtp:', 'smtps:')).hostname === '') throw new Error('must be a URL that names a host');
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
