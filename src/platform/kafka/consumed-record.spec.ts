import type { IHeaders, KafkaMessage } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { detach, headerText, toConsumedRecord, type ConsumedRecord } from './consumed-record.js';

const aMessage = (fields: Partial<KafkaMessage>): KafkaMessage =>
  ({ offset: '0', timestamp: '0', attributes: 0, key: null, value: null, headers: {}, ...fields }) as KafkaMessage;

const headersOf = (headers: IHeaders): (readonly [string, string])[] =>
  toConsumedRecord('t', 0, aMessage({ headers })).headers.map(([name, value]) => [name, value.toString()]);

describe('toConsumedRecord', () => {
  it('gives the coordinates as numbers, the offset without loss', () => {
    const record = toConsumedRecord('t', 3, aMessage({ offset: '9007199254740993', timestamp: '1772357415123' }));

    expect(record).toMatchObject({ topic: 't', partition: 3, offset: 9007199254740993n, timestamp: 1772357415123 });
  });

  it('keeps key and value byte for byte, and tells an empty value from a tombstone', () => {
    const bytes = Buffer.from([0, 0xff, 0x80]);

    expect(toConsumedRecord('t', 0, aMessage({ key: bytes, value: Buffer.alloc(0) }))).toMatchObject({
      key: bytes,
      value: Buffer.alloc(0),
    });
    expect(toConsumedRecord('t', 0, aMessage({})).value).toBeNull();
  });

  it('keeps repeats of a header in their order', () => {
    expect(headersOf({ a: [Buffer.from('1'), Buffer.from('2')], b: Buffer.from('3') })).toEqual([
      ['a', '1'],
      ['a', '2'],
      ['b', '3'],
    ]);
  });

  it('makes plain headers of those that kafkajs mixes with the members of an object', () => {
    const decoded = Object.fromEntries([
      // eslint-disable-next-line @typescript-eslint/unbound-method -- as kafkajs does
      ['toString', [Object.prototype.toString, Buffer.from('1')]],
      ['constructor', [Object, Buffer.from('2'), Buffer.from('3')]],
      ['__proto__', [Object.prototype, Buffer.from('4')]],
    ]) as unknown as IHeaders;

    expect(headersOf(decoded)).toEqual([
      ['toString', '1'],
      ['constructor', '2'],
      ['constructor', '3'],
      ['__proto__', '4'],
    ]);
  });

  it('leaves null values out', () => {
    expect(headersOf({ a: null, b: [null, Buffer.from('1')] } as unknown as IHeaders)).toEqual([['b', '1']]);
  });

  it('does without headers, which old producers do not send', () => {
    const { headers: _headers, ...old } = aMessage({});

    expect(toConsumedRecord('t', 0, old as KafkaMessage).headers).toEqual([]);
  });
});

describe('detach', () => {
  it('leaves the same bytes, and nothing of the response that they came in', () => {
    const response = Buffer.alloc(1_000, 'x');
    const slice = (from: number): Buffer => response.subarray(from, from + 5);
    const headers = { a: slice(20), b: [slice(30), slice(40)], toString: [Object, slice(50)] } as unknown as IHeaders;
    const read = (): ConsumedRecord =>
      toConsumedRecord('t', 0, aMessage({ key: slice(0), value: slice(10), headers: { ...headers } }));
    const record = read();
    const { message } = record; // as a handler holds it

    detach(record);

    expect(record).toEqual(read());
    expect(record.message).toBe(message);
    expect(buffersIn(record).length).toBeGreaterThan(8);
    for (const buffer of buffersIn(record)) expect(buffer.buffer).not.toBe(response.buffer);
  });

  it('leaves what is absent absent', () => {
    const record = toConsumedRecord('t', 0, aMessage({}));

    detach(record);

    expect(record).toMatchObject({ key: null, value: null, headers: [] });
  });
});

describe('headerText', () => {
  it('reads the last of several, as the one who wrote last meant it', () => {
    const record = toConsumedRecord('t', 0, aMessage({ headers: { a: [Buffer.from('1'), Buffer.from('ü')] } }));

    expect(headerText(record.headers, 'a')).toBe('ü');
    expect(headerText(record.headers, 'toString')).toBeUndefined();
  });
});

function buffersIn(value: unknown): Buffer[] {
  if (Buffer.isBuffer(value)) return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(buffersIn) : [];
}
