import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBatch } from './record-batches.js';

// kafkajs's own: what it writes must be read, and read as it reads it.
const require = createRequire(import.meta.url);
const protocol = (path: string): unknown => require(`kafkajs/src/protocol/${path}`);
const { RecordBatch } = protocol('recordBatch/v0') as { RecordBatch: (batch: object) => Promise<{ buffer: Buffer }> };
const Record = protocol('recordBatch/record/v0') as (record: object) => object;
const Decoder = protocol('decoder') as new (buffer: Buffer) => { buffer: Buffer; offset: number };
const readAsKafkajs = protocol('recordBatch/v0/decoder') as typeof readBatch;
const Long = require('kafkajs/src/utils/long') as { fromValue: (value: string | number) => unknown };

const GZIP = 1;
const BYTES = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
const INT64 = fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n });
const TIMES = fc.oneof(fc.integer({ min: 0, max: 2 ** 41 }).map(BigInt), INT64);
const RECORD = fc.record({
  key: fc.option(BYTES),
  value: fc.option(BYTES),
  delta: fc.oneof(fc.integer({ min: -100, max: 5_000 }).map(BigInt), INT64),
  offsetDelta: fc.oneof(fc.nat(600), fc.nat(2 ** 31 - 1)),
  // Names of Object.prototype are what kafkajs reads wrongly.
  headers: fc.dictionary(fc.stringMatching(/^h[a-zé]{0,9}$/), fc.oneof(BYTES, fc.array(BYTES, { minLength: 2 }))),
});

async function written(records: object[], batch: object = {}): Promise<Buffer> {
  return (await RecordBatch({ records: records.map((record) => Record(record)), ...batch })).buffer;
}

describe('readBatch', () => {
  it('reads what kafkajs writes, as kafkajs does', async () => {
    const batch = fc.record({
      records: fc.array(RECORD, { maxLength: 20 }),
      firstOffset: TIMES,
      firstTimestamp: TIMES,
      producerId: INT64,
      transactional: fc.boolean(),
      compression: fc.constantFrom(0, GZIP),
    });
    await fc.assert(
      fc.asyncProperty(batch, async ({ records, firstOffset, firstTimestamp, producerId, ...rest }) => {
        const long = (value: bigint): unknown => Long.fromValue(String(value));
        const bytes = await written(
          records.map(({ delta, ...record }) => ({ ...record, timestampDelta: long(delta) })),
          {
            ...rest,
            firstOffset: long(firstOffset),
            firstTimestamp: long(firstTimestamp),
            producerId: long(producerId),
          },
        );
        const [ours, theirs] = [new Decoder(bytes), new Decoder(bytes)];
        const [found, expected] = [await readBatch(ours), await readAsKafkajs(theirs)];

        expect(plain(found)).toEqual(plain(expected));
        expect(ours.offset).toBe(theirs.offset);
      }),
    );
  });

  it('gives names that come again, whatever they are called, their values in order', async () => {
    const headers = Object.setPrototypeOf(
      { toString: ['1', '2'], constructor: '3', ['__proto__']: '4' },
      null,
    ) as object;
    const bytes = await written([{ key: null, value: Buffer.from('v'), headers }]);

    const [record] = (await readBatch(new Decoder(bytes))).records;

    const texts = Object.entries(record?.headers ?? {}).map(([name, value]) => [name, String(value)]);
    expect(texts).toEqual([
      ['toString', '1,2'],
      ['constructor', '3'],
      ['__proto__', '4'],
    ]);
  });

  it('says that a batch was not fetched to its end', async () => {
    const bytes = await written([{ key: null, value: Buffer.from('v') }]);

    await expect(readBatch(new Decoder(bytes.subarray(0, -1)))).rejects.toThrow(
      expect.objectContaining({ name: 'KafkaJSPartialMessageError' }) as Error,
    );
  });

  it('of bytes that nobody writes, reads records or says what is wrong, at once', async () => {
    const bytes = await written([1, 2, 3].map((n) => ({ key: Buffer.from('k'), value: Buffer.from(`v${n}`) })));
    const broken = fc.tuple(fc.integer({ min: 57, max: bytes.length - 1 }), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(broken, { minLength: 1, maxLength: 5 }), async (changes) => {
        const changed = Buffer.from(bytes);
        for (const [at, byte] of changes) if (at >= 61) changed[at] = byte; // not the number of records
        try {
          expect((await readBatch(new Decoder(changed))).records).toHaveLength(3);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});

function plain({ records, ...batch }: Awaited<ReturnType<typeof readBatch>>): object {
  return {
    ...batch,
    records: records.map(({ key, value, offset, timestamp, attributes, isControlRecord, headers, batchContext }) => ({
      ...{ key, value, offset, timestamp, attributes, isControlRecord },
      inTransaction: batchContext.inTransaction,
      producerId: batchContext.producerId,
      headers: Object.entries(headers ?? {}),
    })),
  };
}
