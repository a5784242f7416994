import {
  isAddress,
  VARIABLES,
  type LogLevel,
  type SamplerName,
  type SaslMechanism,
  type Variable,
} from './variables.js';

type Names = keyof typeof VARIABLES;
type Environment = { readonly [K in Names]: ReturnType<(typeof VARIABLES)[K]['parse']> | undefined };

interface KafkaConfig {
  readonly brokers: string[];
  readonly ssl: boolean;
  readonly sasl: { mechanism: SaslMechanism; username: string; password: string } | undefined;
}

/** How alerts reach people; what is undefined is not wanted. */
interface NotificationsConfig {
  readonly slackWebhookUrl: string | undefined;
  readonly email: { readonly smtpUrl: string; readonly to: string[]; readonly from: string } | undefined;
}

/** Where spans go, and which are made. */
export interface TracingConfig {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly serviceName: string;
  /** The share of the traces that could begin here, from 0 to 1. */
  readonly rootShare: number;
}

/** The whole configuration, typed by who needs it; everything else takes a part of this and never sees the environment. */
export interface Config {
  readonly kafka: KafkaConfig;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly budgetTimezone: string;
  /** How long after a day has begun no counter in Redis is believed, in milliseconds. */
  readonly budgetGraceMs: number;
  readonly notifications: NotificationsConfig;
  /** Refunds of an hour in percent of its clicks, above which an alert is raised. */
  readonly duplicateRateAlertPercent: number;
  /** How long resolved and discarded dead letters are kept, in milliseconds. */
  readonly deadLetterRetentionMs: number;
  /** Undefined: all addresses of the machine. */
  readonly host: string | undefined;
  /** Undefined: no span is made. */
  readonly tracing: TracingConfig | undefined;
  readonly port: number;
  readonly log: { readonly level: LogLevel; readonly pretty: boolean };
}

/** Where OpenTelemetry's specification has it. */
const LOCAL_COLLECTOR = 'http://localhost:4318';
const DAY_MS = 24 * 60 * 60 * 1_000;

/** One line a faulty variable; the value itself is never repeated, it could be a secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Reads and checks the environment at once.
 *
 * @throws ConfigError with one line for every variable that is missing or wrong
 */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const values = read(env, Object.keys(VARIABLES) as Names[], (isSet) => [...saslFaults(isSet), ...emailFaults(isSet)]);
  return {
    kafka: kafkaOf(values),
    databaseUrl: values.DATABASE_URL ?? '',
    redisUrl: values.REDIS_URL ?? '',
    budgetTimezone: values.BUDGET_TIMEZONE ?? '',
    budgetGraceMs: (values.BUDGET_RESET_GRACE_MINUTES ?? 0) * 60_000,
    notifications: { slackWebhookUrl: values.SLACK_WEBHOOK_URL, email: emailOf(values) },
    duplicateRateAlertPercent: values.DUPLICATE_RATE_ALERT ?? 0,
    deadLetterRetentionMs: (values.DLQ_RETENTION_DAYS ?? 0) * DAY_MS,
    host: values.HOST,
    tracing: tracingOf(values),
    port: values.PORT ?? 0,
    log: { level: values.LOG_LEVEL ?? 'info', pretty: env['NODE_ENV'] !== 'production' && process.stdout.isTTY },
  };
}

/** What a command of the CLI needs that only reads the ledger. */
export function loadDatabaseUrl(env: NodeJS.ProcessEnv = process.env): string {
  return read(env, ['DATABASE_URL']).DATABASE_URL ?? '';
}

/** What a command of the CLI needs that writes records of the Worker's own topics. */
export function loadKafka(env: NodeJS.ProcessEnv = process.env): KafkaConfig {
  const names = [
    'KAFKA_BROKERS',
    'KAFKA_SSL',
    'KAFKA_SASL_MECHANISM',
    'KAFKA_SASL_USERNAME',
    'KAFKA_SASL_PASSWORD',
  ] as const;
  return kafkaOf(read(env, names, saslFaults));
}

/** Where somebody on the same machine finds /health. */
export function loadAddress(env: NodeJS.ProcessEnv = process.env): { host: string; port: number } {
  const { HOST, PORT } = read(env, ['HOST', 'PORT']);
  return { host: HOST ?? '127.0.0.1', port: PORT ?? 0 };
}

/** For a command that is of use without Redis too: undefined where none is named. */
export function findRedisUrl(env: NodeJS.ProcessEnv = process.env): string | undefined {
  return (env['REDIS_URL'] ?? '').trim() === '' ? undefined : read(env, ['REDIS_URL']).REDIS_URL;
}

/** The owner's connection, for `npm run migrate`. */
export function loadMigrationDatabaseUrl(env: NodeJS.ProcessEnv = process.env): string {
  const owner = read(env, ['MIGRATION_DATABASE_URL']).MIGRATION_DATABASE_URL;
  return owner ?? loadDatabaseUrl(env);
}

function read<K extends Names>(
  env: NodeJS.ProcessEnv,
  names: readonly K[],
  faultsBetween: (isSet: (name: Names) => boolean) => string[] = () => [],
): Pick<Environment, K> {
  const faults: string[] = [];
  const values: Partial<Record<Names, unknown>> = {};
  for (const name of names) {
    const variable: Variable<unknown> = VARIABLES[name];
    const given = env[name]?.trim();
    const text = given === undefined || given === '' ? variable.fallback : given;
    if (text === undefined) {
      if (variable.required) faults.push(`${name} is missing: ${variable.about}`);
      continue;
    }
    try {
      values[name] = variable.parse(text);
    } catch (error) {
      faults.push(`${name} ${(error as Error).message}`);
    }
  }
  faults.push(...faultsBetween((name) => (env[name] ?? '').trim() !== ''));
  if (faults.length > 0) throw new ConfigError(faults.join('\n'));
  return values as Pick<Environment, K>;
}

/** The three go together or not at all. */
function saslFaults(isSet: (name: Names) => boolean): string[] {
  const credentials = ['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] as const;
  if (isSet('KAFKA_SASL_MECHANISM')) {
    return credentials.filter((name) => !isSet(name)).map((name) => `${name} is missing: KAFKA_SASL_MECHANISM is set`);
  }
  const given = credentials.filter(isSet);
  return given.length === 0 ? [] : [`KAFKA_SASL_MECHANISM is missing, but there is ${given.join(' and ')}`];
}

type KafkaVariables = Pick<
  Environment,
  'KAFKA_BROKERS' | 'KAFKA_SSL' | 'KAFKA_SASL_MECHANISM' | 'KAFKA_SASL_USERNAME' | 'KAFKA_SASL_PASSWORD'
>;

function kafkaOf(values: KafkaVariables): KafkaConfig {
  return { brokers: values.KAFKA_BROKERS ?? [], ssl: values.KAFKA_SSL ?? false, sasl: saslOf(values) };
}

function saslOf(values: KafkaVariables): KafkaConfig['sasl'] {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = values;
  if (mechanism === undefined || username === undefined || password === undefined) return undefined;
  return { mechanism, username, password };
}

/** A server without anybody to write to, or the other way round, would leave alerts unsent in silence. */
function emailFaults(isSet: (name: Names) => boolean): string[] {
  const [hasServer, hasReaders] = [isSet('SMTP_URL'), isSet('ALERT_EMAIL_TO')];
  if (hasServer && !hasReaders) return ['ALERT_EMAIL_TO is missing: SMTP_URL is set'];
  if (hasReaders && !hasServer) return ['SMTP_URL is missing: ALERT_EMAIL_TO is set'];
  return isSet('ALERT_EMAIL_FROM') && !hasServer ? ['SMTP_URL is missing: ALERT_EMAIL_FROM is set'] : [];
}

function emailOf(values: Environment): NotificationsConfig['email'] {
  const { SMTP_URL: smtpUrl, ALERT_EMAIL_TO: to, ALERT_EMAIL_FROM: from } = values;
  if (smtpUrl === undefined || to === undefined) return undefined;
  return { smtpUrl, to, from: from ?? senderOf(smtpUrl, to) };
}

function tracingOf(values: Environment): TracingConfig | undefined {
  const endpoint = values.OTEL_EXPORTER_OTLP_ENDPOINT;
  if ((values.OTEL_TRACES_EXPORTER ?? (endpoint === undefined ? 'none' : 'otlp')) === 'none') return undefined;
  return {
    url: `${(endpoint ?? LOCAL_COLLECTOR).replace(/\/+$/, '')}/v1/traces`,
    headers: values.OTEL_EXPORTER_OTLP_HEADERS ?? {},
    serviceName: values.OTEL_SERVICE_NAME ?? '',
    rootShare: rootShareOf(values.OTEL_TRACES_SAMPLER, values.OTEL_TRACES_SAMPLER_ARG),
  };
}

function rootShareOf(sampler: SamplerName = 'parentbased_always_on', share = 1): number {
  if (sampler === 'parentbased_traceidratio') return share;
  return sampler === 'parentbased_always_on' ? 1 : 0;
}

/** Most servers let a user send under its own address alone. */
function senderOf(smtpUrl: string, to: readonly string[]): string {
  const user = new URL(smtpUrl).username.replaceAll('%40', '@');
  return isAddress(user) ? user : (to[0] ?? '');
}
