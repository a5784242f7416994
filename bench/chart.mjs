// The results as a picture: an SVG with a ground of its own, so that it can be read on a light page and on a dark one.
import { grouped, overRounds } from './results.mjs';

const WIDTH = 860;
const MARGIN = 24;
const PLOT = { left: 300, right: 620 };
const ROW = 26;
const HEAD = 58;
const FOOT = 62;
const COLOURS = {
  ground: '#fbfbf9',
  ink: '#1d2329',
  faint: '#5a646e',
  grid: '#d5d9dd',
  first: '#1f6fb2',
  second: '#c2541b',
};

/**
 * The same results give the same picture.
 *
 * @param {import('./results.mjs').Results} results
 */
export function chart(results) {
  const drawn = [];
  let top = MARGIN + 30;
  for (const panel of panelsOf(results)) {
    drawn.push(drawPanel(panel, top));
    top += heightOf(panel);
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" role="img" aria-labelledby="title"` +
      ` font-family="Helvetica, Arial, sans-serif" font-size="13">`,
    `<title id="title">What npm run bench measures</title>`,
    `<rect width="${WIDTH}" height="${top}" fill="${COLOURS.ground}"/>`,
    text(MARGIN, MARGIN + 12, headline(results), { size: 15, weight: 'bold' }),
    ...drawn,
    '</svg>',
    '',
  ].join('\n');
}

function headline({ kind, rounds }) {
  return kind === 'quick' ? 'One quick run on one machine' : `One run on one machine, ${rounds.length} rounds`;
}

function panelsOf(results) {
  return [
    throughput(results),
    {
      title: 'Latency, from the send to the visible row',
      rows: [
        ...results.latency.map(({ rate, strain, ...spread }) => ({
          label: `${grouped(rate)} clicks/s${strain === undefined ? '' : `, ${strain}`}`,
          ...spread,
        })),
        { label: `${grouped(results.refunds.rate)} refunds/s, none queued`, ...results.refunds },
      ],
    },
    {
      title: 'Pauses, from the click that crosses a budget to the visible pause',
      rows: results.pauses.map(({ rate, ...spread }) => ({ label: `${grouped(rate)} clicks/s`, ...spread })),
    },
    {
      title: 'Replicas that come and go, from the record to the row',
      rows: results.rollOuts.map(({ what, ...spread }) => ({ label: what, ...spread })),
    },
  ].filter(({ rows }) => rows.length > 0);
}

function throughput(results) {
  const { grown } = results;
  const row = (label, value, rate) => ({ label, value, note: `${value.toFixed(2)}   (${grouped(rate)} clicks/s)` });
  const of = (label, rate) =>
    row(
      label,
      overRounds(results, (round) => rate(round) / round.bare),
      overRounds(results, rate),
    );
  return {
    title: 'Throughput',
    axis: 'share of the bare insert',
    rows: [
      of('bare insert and balance', (round) => round.bare),
      of('posting function alone', (round) => round.alone),
      row(`the same after ${grouped(grown.rows)} clicks`, grown.alone / grown.bare, grown.alone),
      of('Worker', (round) => round.worker),
    ],
  };
}

function drawPanel(panel, top) {
  const [scale, drawRow] = panel.axis === undefined ? [timeScale(panel), drawSpread] : [shareScale(panel), drawBar];
  const bottom = top + HEAD + panel.rows.length * ROW;
  return [
    text(MARGIN, top + 22, panel.title, { weight: 'bold' }),
    ...(panel.axis === undefined ? legend(top + 22) : []),
    ...scale.ticks.flatMap((tick) => [
      `<line x1="${scale.at(tick)}" y1="${top + HEAD - 14}" x2="${scale.at(tick)}" y2="${bottom}" stroke="${COLOURS.grid}"/>`,
      text(scale.at(tick), bottom + 16, grouped10(tick), { anchor: 'middle', fill: COLOURS.faint, size: 12 }),
    ]),
    text((PLOT.left + PLOT.right) / 2, bottom + 34, panel.axis ?? 'ms (logarithmic)', {
      ...{ anchor: 'middle', fill: COLOURS.faint, size: 12 },
    }),
    ...panel.rows.flatMap((row, i) => {
      const y = top + HEAD + i * ROW;
      return [text(PLOT.left - 14, y + 4, row.label, { anchor: 'end' }), ...drawRow(row, y, scale)];
    }),
  ].join('\n');
}

function heightOf({ rows }) {
  return HEAD + rows.length * ROW + FOOT;
}

function drawBar({ value, note }, y, scale) {
  if (!Number.isFinite(value)) return [notMeasured(y)];
  return [
    `<rect x="${PLOT.left}" y="${y - 8}" width="${round(scale.at(value) - PLOT.left)}" height="16" fill="${COLOURS.first}"/>`,
    noted(y, note),
  ];
}

function drawSpread({ p50, p99 }, y, scale) {
  if (!Number.isFinite(p50) || !Number.isFinite(p99)) return [notMeasured(y)];
  const [from, to] = [scale.at(p50), scale.at(p99)];
  return [
    `<line x1="${from}" y1="${y}" x2="${to}" y2="${y}" stroke="${COLOURS.faint}" stroke-width="2"/>`,
    dot(from, y, COLOURS.first),
    dot(to, y, COLOURS.second),
    noted(y, `${milliseconds(p50)} / ${milliseconds(p99)} ms`),
  ];
}

function legend(y) {
  return [
    dot(PLOT.right + 24, y - 4, COLOURS.first),
    text(PLOT.right + 34, y, 'p50'),
    dot(PLOT.right + 84, y - 4, COLOURS.second),
    text(PLOT.right + 94, y, 'p99'),
  ];
}

function dot(x, y, fill) {
  return `<circle cx="${x}" cy="${y}" r="5" fill="${fill}"/>`;
}

function noted(y, note) {
  return text(PLOT.right + 16, y + 4, note);
}

function notMeasured(y) {
  return text(PLOT.right + 16, y + 4, 'not measured', { fill: COLOURS.faint });
}

/** From nothing to the largest share, in steps of a fifth. */
function shareScale({ rows }) {
  const fifths = Math.max(
    1,
    Math.ceil(Math.max(...rows.map(({ value }) => value).filter(Number.isFinite), 0) * 5 - 1e-9),
  );
  const step = Math.max(1, Math.ceil(fifths / 10));
  const most = Math.ceil(fifths / step) * step;
  return {
    ticks: Array.from({ length: most / step + 1 }, (_, i) => (i * step) / 5),
    at: (value) => between((value * 5) / most),
  };
}

/** Whole powers of ten around all times. */
function timeScale({ rows }) {
  const times = rows.flatMap(({ p50, p99 }) => [p50, p99]).filter((time) => Number.isFinite(time) && time > 0);
  const first = Math.floor(Math.log10(Math.min(...times, 1)));
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(...times, 1))));
  return {
    ticks: Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i)),
    at: (time) => between((Math.log10(Math.max(time, 10 ** first)) - first) / (last - first)),
  };
}

function between(share) {
  return round(PLOT.left + (PLOT.right - PLOT.left) * share);
}

function round(number) {
  return Math.round(number * 10) / 10;
}

/** A number on an axis, without the tail that floating point leaves. */
function grouped10(number) {
  return number >= 10 ? grouped(number) : `${Number(number.toPrecision(3))}`;
}

function milliseconds(time) {
  return time < 10 ? time.toFixed(1) : grouped(time);
}

function text(x, y, content, { anchor = 'start', fill = COLOURS.ink, size, weight } = {}) {
  const more = [size && ` font-size="${size}"`, weight && ` font-weight="${weight}"`].filter(Boolean).join('');
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="${fill}"${more}>${escaped(content)}</text>`;
}

function escaped(content) {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
