import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prettyJson } from './pretty-json.js';

describe('prettyJson', () => {
  it('puts a field a line, and leaves numbers as they are written', () => {
    expect(prettyJson('{"id":9007199254740993,"a":[1,{}],"b":[],"id":1.50}')).toBe(
      '{\n  "id": 9007199254740993,\n  "a": [\n    1,\n    {}\n  ],\n  "b": [],\n  "id": 1.50\n}',
    );
  });

  it('means the same, whatever the JSON', () => {
    fc.assert(
      fc.property(fc.json(), fc.boolean(), (json, spaced) => {
        const text = spaced ? JSON.stringify(JSON.parse(json), null, 3) : json;
        expect(JSON.parse(prettyJson(text))).toEqual(JSON.parse(json));
      }),
    );
  });
});
