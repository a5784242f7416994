// What stands in a partition besides plain records: compressed batches of every kind and writer, transactions and the
// gaps that they leave. Everything is read, and the committed offset reaches the end.
import { compress as compressZstd, init as initZstd } from '@bokuweb/zstd-wasm';
import kafkajs from 'kafkajs';
import { beforeAll, describe, expect, it } from 'vitest';
import { registerCodecs } from '../../src/platform/kafka/codecs.js';
import { eventually } from '../support/eventually.js';
import { uniqueName } from '../support/fixtures.js';
import { numbered, useTransport, type Channel } from '../support/transport.js';

const { CompressionCodecs, CompressionTypes } = kafkajs;
const { GZIP, Snappy, LZ4, ZSTD } = CompressionTypes;

// More than one block of any codec, and not all alike.
const VALUES = [...numbered('short ', 40), ...numbered('long '.repeat(20_000), 3), ''];

describe('compressed records', () => {
  const transport = useTransport();
  beforeAll(async () => {
    registerCodecs();
    await initZstd();
  });

  it.each(['gzip', 'snappy', 'lz4', 'zstd'])('are read as Java writes %s', async (codec) => {
    // The broker, which is Java, compresses again what the client sent plain.
    const channel = await transport.channel({ config: { 'compression.type': codec } });
    const seen: string[] = [];
    await transport.replica(channel, (value) => void seen.push(value));

    await transport.produce(channel.topic, VALUES);
    await transport.settled(channel);

    expect(seen.sort()).toEqual(VALUES.toSorted());
  });

  it.each([
    ['gzip', GZIP],
    ['bare snappy blocks', Snappy],
    ['lz4', LZ4],
    ['zstd', ZSTD],
  ])('are read as other clients write %s', async (_codec, compression) => {
    const channel = await transport.channel();
    const seen: string[] = [];
    await transport.replica(channel, (value) => void seen.push(value));
    if (compression === ZSTD) writeZstd();

    await transport.world.produce(channel.topic, VALUES, { partition: 0, compression });
    await transport.settled(channel);

    expect(seen.sort()).toEqual(VALUES.toSorted());
  });

  /** The Worker's codec only reads. */
  function writeZstd(): void {
    const reader = CompressionCodecs[ZSTD] as () => { decompress: (bytes: Buffer) => Promise<Buffer> };
    CompressionCodecs[ZSTD] = () => ({
      ...reader(),
      compress: ({ buffer }: { buffer: Buffer }) => Promise.resolve(Buffer.from(compressZstd(buffer, 3))),
    });
  }
});

describe('transactions', () => {
  const transport = useTransport();

  it('are read where they were committed; the commit passes aborted ones and the markers at the end', async () => {
    const channel = await transport.channel();
    const seen: string[] = [];
    const replica = await transport.replica(channel, (value) => void seen.push(value));

    await transaction(channel, ['a', 'b'], 'commit');
    await transaction(channel, numbered('never ', 50), 'abort');
    await transport.produce(channel.topic, ['plain']);
    await transaction(channel, ['c'], 'commit');
    await reachesEnd(channel);
    await transaction(channel, numbered('nor ', 3), 'abort');
    await reachesEnd(channel);

    expect(seen.sort()).toEqual(['a', 'b', 'c', 'plain']);
    expect(replica.transport.lags().find(({ group }) => group === channel.group)?.records).toBe(0);
  });

  it('do not let a record be passed that is still under way before a gap', async () => {
    const channel = await transport.channel();
    const seen: string[] = [];
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    await transport.replica(channel, async (value) => {
      if (value === 'slow') await released;
      seen.push(value);
    });

    await transaction(channel, ['quick', 'slow'], 'commit');
    await transaction(channel, ['after'], 'commit');
    await eventually('what is not slow is handled', 20_000, () => seen.length === 2);
    await eventually('the quick one is committed', 20_000, async () => (await transport.committed(channel)) === 1);
    release();
    await reachesEnd(channel);

    expect(seen).toEqual(['quick', 'after', 'slow']);
  });

  async function transaction({ topic }: Channel, values: string[], end: 'commit' | 'abort'): Promise<void> {
    const transactionalId = uniqueName('transaction');
    const producer = transport.world.topics.kafka.producer({
      transactionalId,
      idempotent: true,
      maxInFlightRequests: 1,
    });
    await producer.connect();
    const open = await producer.transaction();
    await open.send({ topic, messages: values.map((value) => ({ value, partition: 0 })) });
    await (end === 'commit' ? open.commit() : open.abort());
    await producer.disconnect();
  }

  /** The markers are written a moment after the transaction's end. */
  async function reachesEnd(channel: Channel): Promise<void> {
    await eventually('the commit reaches the end', 20_000, async () => {
      const end = (await transport.world.topics.ends(channel.topic)).get(0)?.high;
      return BigInt(await transport.committed(channel)) === end;
    });
  }
});
