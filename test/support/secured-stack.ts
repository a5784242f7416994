import { chownSync, copyFileSync, chmodSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../stack/ports.mjs';
import type { StackOptions } from '../../stack/stack.mjs';
import type { Certificates } from './certificates.js';
import type { OwnWorld } from './own-world.js';

export const PASSWORDS = {
  kafka: 'hush-kafka-4711',
  scram256: 'hush-scram-256-4711',
  scram512: 'hush-scram-512-4711',
  postgres: 'hush:postgres@4711',
  redis: 'hush-redis/4711',
} as const;
const USER = 'worker';

/** What SCRAM's mechanisms are called by the Worker, and the user's password for each: where it fits, it was that one. */
export const SCRAM = [
  ['scram-sha-256', PASSWORDS.scram256],
  ['scram-sha-512', PASSWORDS.scram512],
] as const;

/** What a broker needs for a listener with TLS that lets a user in by PLAIN, or by either of SCRAM's mechanisms. */
export function securedKafka(port: number, { keyAndCert }: Certificates): StackOptions {
  const login = 'org.apache.kafka.common.security';
  const scramLogin = `${login}.scram.ScramLoginModule required;`;
  return {
    kafkaScram: SCRAM.map(([mechanism, password]) => `${mechanism.toUpperCase()}=[name=${USER},password=${password}]`),
    kafkaListener: `SASL_SSL://127.0.0.1:${port}`,
    kafkaSettings: {
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL',
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': keyAndCert,
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      'listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config': scramLogin,
      'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': scramLogin,
      'listener.name.sasl_ssl.plain.sasl.jaas.config': `${login}.plain.PlainLoginModule required user_${USER}="${PASSWORDS.kafka}";`,
    },
  };
}

/** Secures the servers of a stack for the Worker; the test itself goes on using their open doors. */
export async function secure(own: OwnWorld, kafkaPort: number, certificates: Certificates): Promise<SecuredUrls> {
  const [redisPort] = await Promise.all([secureRedis(own, certificates), securePostgres(own, certificates)]);
  const [postgres, redis] = [encodeURIComponent(PASSWORDS.postgres), encodeURIComponent(PASSWORDS.redis)];
  return {
    kafka: {
      KAFKA_BROKERS: `127.0.0.1:${kafkaPort}`,
      KAFKA_SSL: 'true',
      KAFKA_SASL_MECHANISM: 'plain',
      KAFKA_SASL_USERNAME: USER,
      KAFKA_SASL_PASSWORD: PASSWORDS.kafka,
    },
    postgres: `postgresql://worker_app:${postgres}@127.0.0.1:${own.stack.postgres.port}/worker`,
    redis: `rediss://${USER}:${redis}@127.0.0.1:${redisPort}`,
  };
}

export interface SecuredUrls {
  readonly kafka: Record<string, string>;
  /** Without `sslmode`. */
  readonly postgres: string;
  readonly redis: string;
}

/** The login role gets in by TLS and password only. */
async function securePostgres({ stack, world }: OwnWorld, { cert, key }: Certificates): Promise<void> {
  const data = join(stack.dataFolder, 'postgres', 'data');
  const { uid, gid } = statSync(data);
  for (const [file, name] of [
    [cert, 'server.crt'],
    [key, 'server.key'],
  ] as const) {
    copyFileSync(file, join(data, name));
    chmodSync(join(data, name), 0o600);
    chownSync(join(data, name), uid, gid);
  }
  const ways = [
    'hostnossl all worker_app all reject',
    'hostssl all worker_app all scram-sha-256',
    'host all postgres all trust',
  ];
  writeFileSync(join(data, 'pg_hba.conf'), `${ways.join('\n')}\n`);
  await world.database.query(`alter role worker_app password '${PASSWORDS.postgres}'`);
  await world.database.query('alter system set ssl = on');
  await world.database.query('select pg_reload_conf()');
}

/** A door with TLS, and a user that may read what the Worker reads and nothing else. */
async function secureRedis({ world: { redis } }: OwnWorld, { cert, key, ca }: Certificates): Promise<number> {
  const port = await freePort();
  await redis.config('SET', 'tls-cert-file', cert);
  await redis.config('SET', 'tls-key-file', key);
  await redis.config('SET', 'tls-ca-cert-file', ca);
  await redis.config('SET', 'tls-auth-clients', 'no');
  await redis.config('SET', 'tls-port', String(port));
  const keys = ['~cpc:*', '~daily_budget:*', '~click-worker:probe'];
  await redis.acl('SETUSER', USER, 'on', `>${PASSWORDS.redis}`, ...keys, '+get', '+mget');
  return port;
}
