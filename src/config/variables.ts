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
  DLQ_RETENTION_DAYS: {
    about: 'days after which resolved and discarded dead letters, and finished notification deliveries, are removed',
    fallback: '90',
    parse: (text: string) => wholeNumber(text, { least: 1, most: 36_500 }),
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

function wholeNumber(text: string, { least, most }: { least: number; most: number }): number {
  const value = Number(text);
  if (!/^\d{1,15}$/.test(text) || value < least || value > most) {
    throw new Error(`must be a whole number from ${least} to ${most}`);
  }
  return value;
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
