import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chart } from './chart.mjs';
import type { Results } from './results.mjs';

const RESULTS: Results = {
  kind: 'full',
  rounds: [{ bare: 87_000, alone: 79_000, worker: 34_300 }],
  oneAlone: 1.1,
  grown: { rows: 650_000, bare: 85_000, alone: 77_000 },
  latency: [
    { rate: 500, p50: 4.4, p99: 13 },
    { rate: 4_000, p50: 12, p99: 53 },
    { rate: 500, strain: 'Redis hangs', p50: 9, p99: 24 },
  ],
  refunds: { rate: 100, p50: 3, p99: 23 },
  pauses: [{ rate: 1_000, p50: 6, p99: 11 }],
  rollOuts: [{ what: 'rolling update of 3 replicas', p50: 6, p99: 325 }],
};

/** Of any size that there may be, and what was not seen. */
const time = fc.oneof(fc.double({ min: 0.000_1, max: 1e7, noNaN: true }), fc.constantFrom(NaN, 0));
const rate = fc.oneof(fc.double({ min: 1_000, max: 1e6, noNaN: true }), fc.constantFrom(NaN, 0));
const spread = fc.record({ p50: time, p99: time });
const round = fc.record({ bare: rate, alone: rate, worker: rate });
const anyResults = fc
  .record({ rounds: fc.array(round, { minLength: 1, maxLength: 3 }), spread })
  .map(({ rounds, spread }): Results => ({
    ...RESULTS,
    rounds,
    latency: RESULTS.latency.map((latency) => ({ ...latency, ...spread })),
    pauses: RESULTS.pauses.map((pauses) => ({ ...pauses, ...spread })),
  }));

describe('the chart', () => {
  it('is the same for the same results', () => {
    expect(chart(structuredClone(RESULTS))).toBe(chart(RESULTS));
    expect(chart({ ...RESULTS, oneAlone: 1, refunds: { rate: 100, p50: 4, p99: 23 } })).not.toBe(chart(RESULTS));
  });

  it('says what was measured, with its unit', () => {
    const texts = textsOf(chart(RESULTS)).map(({ content }) => content);

    expect(texts).toEqual(
      expect.arrayContaining([
        'bare insert and balance',
        '1.00   (87,000 clicks/s)',
        'Worker',
        '0.39   (34,300 clicks/s)',
        'the same after 650,000 clicks',
        '500 clicks/s, Redis hangs',
        '9.0 / 24 ms',
        'rolling update of 3 replicas',
        '6.0 / 325 ms',
        'share of the bare insert',
        'ms (logarithmic)',
      ]),
    );
  });

  it('draws a longer bar for more, and a dot further right for later', () => {
    const svg = chart(RESULTS);
    const bars = numbersOf(svg, /<rect x="300" [^>]*width="([\d.]+)"/g);
    const dots = numbersOf(svg, /<circle cx="([\d.]+)"[^>]*r="5"/g);

    expect(bars).toHaveLength(4);
    expect(bars[0]).toBeGreaterThan(bars[1] ?? NaN);
    expect(bars[1]).toBeGreaterThan(bars[3] ?? NaN);
    expect(dots).toHaveLength(6 + 2 * 6); // three legends, six spreads
  });

  it('says where nothing was seen, and draws no mark there', () => {
    const svg = chart({ ...RESULTS, refunds: { rate: 100, p50: NaN, p99: NaN } });

    expect(svg).toContain('>not measured</text>');
    expect(svg).not.toContain('NaN');
  });

  it('leaves out what a quick run does not measure', () => {
    expect(chart({ ...RESULTS, kind: 'quick', rollOuts: [] })).not.toContain('Replicas');
  });

  it('shows names that mean something in XML as they are', () => {
    const svg = chart({ ...RESULTS, rollOuts: [{ what: 'a < b & c > d', p50: 1, p99: 2 }] });

    expect(faultOf(svg)).toBeUndefined();
    expect(svg).toContain('>a &lt; b &amp; c &gt; d</text>');
  });

  it('is well-formed and stays within its box, whatever was measured', () => {
    fc.assert(
      fc.property(anyResults, (results) => {
        const svg = chart(results);

        expect(faultOf(svg)).toBeUndefined();
        expect(outside(svg)).toEqual([]);
      }),
    );
  });
});

const MARKUP = /<(\/?)([a-z]+)((?: [a-zA-Z-]+[12]?="[^"<&]*")*)(\/?)>/y;
const TEXT = /(?:[^<>&]|&(?:amp|lt|gt);)+/y;

/** What is not well-formed in it, of the little that there is of XML in a chart. */
function faultOf(xml: string): string | undefined {
  const open: string[] = [];
  for (let at = 0; at < xml.length;) {
    const token = [MARKUP, TEXT].map((kind) => matchAt(kind, xml, at)).find((found) => found !== null);
    if (token === undefined) return `at ${at}: ${xml.slice(at, at + 40)}`;
    at += token[0].length;
    const [, closes, name, , isEmpty] = token;
    if (name === undefined) continue;
    if (closes === '/' && open.pop() !== name) return `</${name}> closes nothing`;
    if (closes === '' && isEmpty === '') open.push(name);
  }
  return open.length === 0 ? undefined : `left open: ${open.join(', ')}`;
}

function matchAt(kind: RegExp, text: string, at: number): RegExpExecArray | null {
  kind.lastIndex = at;
  return kind.exec(text);
}

interface Text {
  x: number;
  anchor: string;
  size: number;
  content: string;
}

function textsOf(svg: string): Text[] {
  return [...svg.matchAll(/<text x="([\d.]+)" y="[\d.]+" text-anchor="(\w+)"([^>]*)>([^<]*)</g)].map(
    ([, x, anchor = '', more = '', content = '']) => ({
      ...{ x: Number(x), anchor, content },
      size: Number(/font-size="(\d+)"/.exec(more)?.[1] ?? 13),
    }),
  );
}

/** What reaches over an edge; a letter is reckoned to be as wide as a digit of Helvetica, the widest of what stands there. */
function outside(svg: string): string[] {
  const [width = NaN, height = NaN] = numbersOf(svg, /viewBox="0 0 (\d+) \d+"/g).concat(
    numbersOf(svg, /viewBox="0 0 \d+ (\d+)"/g),
  );
  const texts = textsOf(svg).filter(({ x, anchor, size, content }) => {
    const wide = content.length * size * 0.55;
    const left = anchor === 'start' ? x : anchor === 'end' ? x - wide : x - wide / 2;
    return left < 0 || left + wide > width;
  });
  const beyond = (found: number[], most: number) => found.filter((number) => !(number >= 0 && number <= most));
  return [
    ...texts.map(({ content }) => content),
    ...beyond(numbersOf(svg, / (?:x|x1|x2|cx|width)="([^"]*)"/g), width).map((x) => `x ${x}`),
    ...beyond(numbersOf(svg, / (?:y|y1|y2|cy|height)="([^"]*)"/g), height).map((y) => `y ${y}`),
  ];
}

function numbersOf(svg: string, what: RegExp): number[] {
  return [...svg.matchAll(what)].map(([, number]) => Number(number));
}
