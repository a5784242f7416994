/** A real server: stopped, killed, frozen and started again on the same port and data. */
export interface Server {
  readonly port: number;
  /** Undefined while it is stopped. */
  readonly pid: number | undefined;
  /** Resolves when the server answers. */
  start(): Promise<void>;
  /** An orderly stop; resolves when it is down. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** SIGKILL to it and its children; resolves when they are gone. */
  kill(): Promise<void>;
  restart(signal?: NodeJS.Signals): Promise<void>;
  /** Halts it with its children: connections stay open, nothing answers. */
  freeze(): void;
  thaw(): void;
}

export interface Topic {
  topic: string;
  partitions: number;
  config?: Record<string, string>;
}

export interface StackOptions {
  /** Run the built `migrate` and grant the role `worker` to the login role; default true. */
  migrate?: boolean;
  /** Default: those that other systems write, three partitions each. */
  topics?: Topic[];
  /** Default: to stderr. */
  log?: (line: string) => void;
  /** An empty or missing folder for the data, removed at the end; default: a temporary one. */
  dataDir?: string;
  /** The major version of Postgres; default: what the variable `STACK_POSTGRES` says, else 17. */
  postgres?: '15' | '17' | '18';
  /** Without Kafka and Redis: there is neither `kafka` nor `redis`, nor their variables in `env`. Default false. */
  postgresAlone?: boolean;
  /** Over the defaults, such as `{ fsync: 'off' }`. */
  postgresSettings?: Record<string, string>;
  /** Over the defaults. */
  kafkaSettings?: Record<string, string>;
  /** Users that may log in by SCRAM, each in the words of `kafka-storage format --add-scram`. */
  kafkaScram?: string[];
  /** One more, such as `SASL_SSL://127.0.0.1:9094`; what it needs is for `kafkaSettings`. */
  kafkaListener?: string;
  /** By what address clients find that one: a proxy's, say. */
  kafkaAdvertised?: string;
}

export interface StackEnvironment {
  KAFKA_BROKERS: string;
  /** The owner and superuser. */
  MIGRATION_DATABASE_URL: string;
  /** A member of `worker`. */
  DATABASE_URL: string;
  REDIS_URL: string;
}

/** Its life in two steps, for who must be able to take it down while it is starting. */
export class Stack {
  constructor(options?: StackOptions);
  readonly env: StackEnvironment;
  readonly kafka: Server;
  readonly postgres: Server;
  readonly redis: Server;
  /** Holds the servers' logs too: `kafka/kafka.log`, `postgres/postgres.log`, `redis/redis.log`. */
  readonly dataFolder: string;
  start(): Promise<void>;
  /** Ends all of it; resolves when no process and no data is left. */
  stop: () => Promise<void>;
  /** A process that must not outlive this one either, nor its children. */
  watch: (pid: number) => void;
  /** It has ended by itself. */
  forget: (pid: number) => void;
  /** Runs the migrations, for a stack started without. */
  migrate: () => Promise<void>;
}

/**
 * Starts real Kafka, Postgres and Redis on free loopback ports, with an empty, migrated database. They and their data
 * are gone when this process has ended, in whatever way.
 */
export function startStack(options?: StackOptions): Promise<Stack>;
