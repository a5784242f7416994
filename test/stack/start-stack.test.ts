// `startStack`, as the other tests use it.
import { existsSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { prepare } from '../../stack/prepare.mjs';
import { startStack } from '../../stack/stack.mjs';
import { eventually } from '../support/eventually.js';
import { expectMigratedStack } from '../support/migrated-stack.js';
import { descendantsOf, statesOf } from '../support/processes.js';
import { node, say, useRunners } from '../support/runner.js';

const { runner } = useRunners();

beforeAll(() => prepare());

describe('startStack', () => {
  it('starts stacks side by side, whose servers can each be killed, restarted and frozen', async () => {
    const [one, other] = await Promise.all([startStack(), startStack({ topics: [{ topic: 'mine', partitions: 2 }] })]);
    try {
      await Promise.all([expectMigratedStack(one.env), expectMigratedStack(other.env, { mine: 2 })]);

      for (const server of [one.kafka, one.postgres, one.redis]) {
        const first = server.pid;
        await server.kill();
        expect(server.pid).toBeUndefined();
        await server.start();
        expect(server.pid).not.toBe(first);
        await server.restart();
        server.freeze();
        // One that waits for the disk stops when that has answered.
        await eventually('all of it stands still', 10_000, () =>
          statesOf(server.pid).every((state) => state.startsWith('T')),
        );
        server.thaw();
      }

      await expectMigratedStack(one.env); // the same ports, the same data
    } finally {
      await Promise.all([one.stop(), other.stop()]);
    }
    expect([existsSync(one.dataFolder), existsSync(other.dataFolder)]).toEqual([false, false]);
  }, 120_000); // it starts Kafka four times

  it('leaves nothing behind when its process is killed, frozen servers neither', async () => {
    const script = `import { startStack } from './stack/stack.mjs';
      const stack = await startStack({ migrate: false });
      stack.postgres.freeze();
      ${say('stack.env')}
      process.stdin.resume();`;
    const run = runner([node, '--input-type=module', '-e', script]);
    await run.said();
    const processes = descendantsOf(run.pid);

    run.child.kill('SIGKILL');

    await run.leavesNothing(processes);
  });
});
