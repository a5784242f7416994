// Where a group that has never run begins is decided once, for all replicas and for ever: nothing that is written
// afterwards is lost, whatever crashes, joins late or expires.
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { Gate, numbered, useTransport, type Channel } from '../support/transport.js';

describe('a first start', () => {
  const transport = useTransport();

  it('leaves out what stood in a foreign topic before, and reads all that came after', async () => {
    const channel = await transport.channel({ partitions: 2 });
    await transport.produce(channel.topic, numbered('old ', 5), 0);
    const seen: string[] = [];

    await transport.replica(channel, (value) => void seen.push(value));
    await transport.produce(channel.topic, ['new 0'], 0);
    await transport.produce(channel.topic, ['new 1'], 1);
    await transport.settled(channel);

    expect(seen.sort()).toEqual(['new 0', 'new 1']);
    expect(await recordedStarts(channel)).toEqual(['0: 5', '1: 0']);
  });

  it('reads an own topic from its first record, and makes it where it is missing', async () => {
    const written = await transport.channel();
    await transport.produce(written.topic, ['early']);
    const missing = { topic: `${written.topic}-missing`, group: `${written.group}-missing` };
    const seen: string[] = [];

    await transport.replica(written, (value) => void seen.push(value), { ownTopics: [written.topic] });
    await transport.settled(written);
    await transport.replica(missing, (value) => void seen.push(value), { ownTopics: [missing.topic] });
    await transport.produce(missing.topic, ['made']);
    await transport.settled(missing);

    expect(seen).toEqual(['early', 'made']);
    expect(await recordedStarts(written)).toEqual(['0: 0']);
  });

  it('loses nothing when it crashes before its first commit and another replica starts later', async () => {
    const channel = await transport.channel();
    await transport.produce(channel.topic, ['old']);
    const gate = new Gate();
    const first = await transport.replica(channel, () => gate.pass(), { limits: { drainMs: 300 } });
    await transport.produce(channel.topic, ['while it ran']);
    await eventually('it is in hand', 20_000, () => gate.waiting === 1);
    await first.close();
    await transport.produce(channel.topic, ['while none ran']);

    const seen: string[] = [];
    await transport.replica(channel, (value) => void seen.push(value));
    await transport.settled(channel);

    expect(seen).toEqual(['while it ran', 'while none ran']);
  });

  it('is decided once where replicas start at once', async () => {
    const channel = await transport.channel({ partitions: 3 });
    for (const partition of [0, 1, 2]) await transport.produce(channel.topic, numbered('old ', partition), partition);
    const seen: string[] = [];
    let producing = true as boolean;
    const load = (async () => {
      let produced = 0;
      while (producing) await transport.produce(channel.topic, [`new ${produced}`], produced++ % 3);
      return produced;
    })();

    const replicas = await Promise.all([1, 2, 3].map(() => transport.start(channel, (value) => void seen.push(value))));
    await Promise.all(replicas.map((replica) => replica.joined()));
    const starts = await recordedStarts(channel);
    producing = false;
    const produced = await load;
    await transport.settled(channel);

    expect(starts).toHaveLength(3);
    const from = starts.map((start) => Number(start.split(' ')[1]));
    const expected = [...(await transport.world.topics.ends(channel.topic))].flatMap(([partition, { high }]) =>
      Array.from({ length: Number(high) - (from[partition] ?? 0) }, () => partition),
    );
    expect(new Set(seen).size).toBe(expected.length);
    expect(seen.filter((value) => value.startsWith('old'))).toEqual([]);
    expect(new Set(seen).has(`new ${produced - 1}`)).toBe(true);
  });

  it('does not bind a partition that is added later: it is read from its first record', async () => {
    const channel = await transport.channel();
    const seen: string[] = [];
    await transport.replica(channel, (value) => void seen.push(value), { limits: { metadataMaxAgeMs: 500 } });

    await transport.admin.createPartitions({ topicPartitions: [{ topic: channel.topic, count: 3 }] });
    await eventually('the new partitions can be written', 20_000, async () => {
      return (await transport.world.topics.ends(channel.topic).catch(() => new Map())).size === 3;
    });
    await transport.produce(channel.topic, numbered('first of 1: ', 3), 1);
    await transport.produce(channel.topic, numbered('first of 2: ', 3), 2);
    await transport.settled(channel);

    expect(seen.sort()).toEqual([...numbered('first of 1: ', 3), ...numbered('first of 2: ', 3)]);
    expect(await recordedStarts(channel)).toEqual(['0: 0', '1: 0', '2: 0']);
  });

  it.each([
    ['an own one is read from its first record', true, ['early', 'late']],
    ['one of others from its end', false, ['late']],
  ])(
    'of a group in a topic that it takes up later does not wait for replicas without it: %s',
    async (_how, own, read) => {
      const channel = await transport.channel({ partitions: 2 });
      const added = { ...(await transport.channel({ partitions: 2 })), group: channel.group };
      const [byOld, byNew, ofAdded]: [string[], string[], string[]] = [[], [], []];
      const old = await transport.replica(channel, (value) => void byOld.push(value));
      await transport.produce(channel.topic, ['before']);
      await transport.settled(channel);
      await transport.produce(added.topic, ['early'], 1);

      // The leader of the group is the old one, which knows nothing of the new topic.
      await transport.replica(channel, (value) => void byNew.push(value), {
        beside: [[added, (value) => void ofAdded.push(value)]],
        ...(own && { ownTopics: [added.topic] }),
      });
      await transport.produce(added.topic, ['late'], 1);
      for (const partition of [0, 1])
        await transport.produce(channel.topic, [`while both run: ${partition}`], partition);
      await transport.settled(channel);
      await transport.settled(added, 10_000);
      expect(await recordedStarts(added)).toEqual(['0: 0', own ? '1: 0' : '1: 1']);
      await old.close();
      for (const { topic } of [channel, added]) await transport.produce(topic, ['after']);
      for (const each of [channel, added]) await transport.settled(each);

      expect(ofAdded).toEqual([...read, 'after']);
      expect([...byOld, ...byNew].sort()).toEqual(['after', 'before', 'while both run: 0', 'while both run: 1']);
    },
  );

  it('is where reading goes on when the commits have expired', async () => {
    const channel = await transport.channel();
    await transport.produce(channel.topic, ['old']);
    const seen: string[] = [];
    const first = await transport.replica(channel, () => undefined);
    await transport.produce(channel.topic, ['read']);
    await transport.settled(channel);
    await first.close();
    await transport.produce(channel.topic, ['unread']);
    await transport.admin.deleteGroups([channel.group]);

    await transport.replica(channel, (value) => void seen.push(value));
    await transport.settled(channel);

    // What was read comes again, and is recognised by whoever posts it; what was old stays so.
    expect(seen).toEqual(['read', 'unread']);
  });

  async function recordedStarts({ topic, group }: Channel): Promise<string[]> {
    const { rows } = await transport.world.database.query<{ partition: number; start_offset: string }>(
      'select partition, start_offset from group_starts where group_id = $1 and topic = $2 order by partition',
      [group, topic],
    );
    return rows.map(({ partition, start_offset: offset }) => `${partition}: ${offset}`);
  }
});
