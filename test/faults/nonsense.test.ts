// Somebody else than Kafka listens at KAFKA_BROKERS: a wrong port, a proxy, a balancer's error page. The Worker lives, is not
// ready, says what is wrong and no more often than it must, and goes on when Kafka is there.
import { describe, expect, it } from 'vitest';
import { findings } from '../support/doctor.js';
import { eventually } from '../support/eventually.js';
import { NONSENSE, NonsenseServer, type Nonsense } from '../support/nonsense-server.js';
import { useOwnWorld } from '../support/own-world.js';
import type { LogLine, WorkerProcess } from '../support/worker-process.js';

const SEED = 4711;
const GROUPS = 7;
/** Of `TRANSPORT_LIMITS`: each pause after a failure is twice the last. */
const PAUSES_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000];
/** How often each group has to complain; where no connection comes about, kafkajs takes ten seconds to give one up. */
const ENOUGH: Partial<Record<Nonsense, number>> = { 'random bytes to all but the first question': 3 };
const SAYS_WHAT = /no answer of Kafka's protocol: look at KAFKA_BROKERS and KAFKA_SSL/;

/** What is said of each group. */
function complaints({ lines }: WorkerProcess): Map<unknown, LogLine[]> {
  const said = lines.filter(({ msg }) => msg === 'consumer is not running, trying again');
  return new Map(said.map(({ group }) => [group, said.filter((line) => line['group'] === group)]));
}

describe('a server that is no broker', () => {
  const own = useOwnWorld();

  it.each(Object.keys(NONSENSE) as Nonsense[])(
    'and answers %s is waited out, and said to be none',
    async (nonsense) => {
      const server = await new NonsenseServer(nonsense, SEED).open();
      try {
        const worker = await own.startWorker({ KAFKA_BROKERS: server.address });
        const { of } = await findings({ ...own.stack.env, KAFKA_BROKERS: server.address });
        expect(of('kafka')).toMatchObject({
          outcome: 'failed',
          found: expect.stringMatching(SAYS_WHAT) as string,
        });

        await eventually('each group has complained', 120_000, () => {
          if (worker.exited) throw new Error('the Worker has ended');
          const each = [...complaints(worker).values()];
          return each.length === GROUPS && each.every((said) => said.length >= (ENOUGH[nonsense] ?? 1));
        });
        for (const said of complaints(worker).values()) {
          expect(said.map(({ pauseMs }) => pauseMs)).toEqual(PAUSES_MS.slice(0, said.length));
          for (const { error } of said) expect(error).toMatch(SAYS_WHAT);
        }
        expect((await worker.get('/health/live')).status).toBe(200);
        const ready = await worker.get('/health/ready');
        expect(ready.status).toBe(503);
        expect(ready.body).toMatch(SAYS_WHAT);

        server.handOverTo(own.stack.kafka.port);
        await worker.ready(90_000);
        const account = await own.account();
        await own.click([account], 3);
        await own.chargedAtLeast(3, 30_000, account);
        expect(await own.stopWorker(worker)).toBe(0);
      } finally {
        await server.close();
      }
    },
    240_000,
  );
});
