// Alert rules, their runbook and the dashboard fit together, and to docs/metrics.md. That promtool takes them and that each
// alert fires when it should is for `npm run check:deploy`; that the Worker has what they ask for, for metrics.test.ts.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { documentedMetrics, documentedSeries } from '../support/metrics-page.js';
import { alertRules, allQueries, dashboard, ruleCases } from '../support/monitoring.js';
import { parseQuery } from '../support/promql.js';

const names = alertRules().map(({ alert }) => alert);
/** What Prometheus adds to each series. */
const TARGET_LABELS = ['job', 'instance'];
/** prom-client's own and Prometheus' own. */
const OTHERS_METRICS = /^(up|process_|nodejs_)/;

describe('an alert rule', () => {
  it.each(alertRules())('$alert says what it is about, how bad it is, and where to read on', (rule) => {
    expect(rule.labels['severity']).toMatch(/^(warning|critical)$/);
    expect(rule.annotations).toEqual({
      summary: expect.stringMatching(/\S/) as string,
      description: expect.stringMatching(/\S/) as string,
      runbook: `docs/runbook.md#${rule.alert.toLowerCase()}`,
    });
  });

  it.each(names)('%s is tried out both ways', (name) => {
    const cases = ruleCases().filter(({ alertname }) => alertname === name);

    expect(cases.some(({ exp_alerts: expected }) => expected.length > 0)).toBe(true);
    expect(cases.some(({ exp_alerts: expected }) => expected.length === 0)).toBe(true);
  });

  it('has its section in the runbook, and each section there its rule', () => {
    const runbook = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8');
    const sections = [...runbook.matchAll(/^### (\S+)$/gm)].map(([, title]) => title);

    expect(sections.toSorted()).toEqual(names.toSorted());
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('the runbook', () => {
  const runbook = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8');
  const src = new URL('../../src/', import.meta.url);
  const sources = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'))
    .map((name) => readFileSync(new URL(name, src), 'utf8'))
    .join('\n');
  /** What stands in backticks, has a blank and is no command; `…` stands for what differs. */
  const quoted = [...runbook.matchAll(/`([^`\n]+)`/g)]
    .map(([, text = '']) => text)
    .filter(
      (text) => text.includes(' ') && !/^(kubectl|kafka-\S+|dlq|select|update|redis-cli|create|"msg")/.test(text),
    );

  it('quotes the Worker as it speaks', () => {
    const wrong = quoted.filter((text) => !text.split('…').every((part) => sources.includes(part.trim())));

    expect(quoted.length).toBeGreaterThan(20);
    expect(wrong).toEqual([]);
  });
});

describe('a query', () => {
  it('that is no PromQL is refused', () => {
    expect(() => parseQuery('sum(rate(up[5m])')).toThrow('no PromQL');
    expect(() => parseQuery('{job="click-worker"}')).toThrow('no metric');
  });

  it.each(allQueries())('of "%s" names metrics and labels that there are', (_where, { selectors, grouping }) => {
    const series = documentedSeries();
    const own = selectors.filter(({ metric }) => !OTHERS_METRICS.test(metric));
    for (const { metric, matchers } of own) {
      const labels = [...(series.get(metric) ?? ['no such metric']), ...TARGET_LABELS];
      expect(labels, metric).toEqual(expect.arrayContaining(matchers.map(({ label }) => label)));
      expect(series.has(metric), metric).toBe(true);
    }
    const labels = [...own.flatMap(({ metric }) => series.get(metric) ?? []), ...TARGET_LABELS];
    expect(labels).toEqual(expect.arrayContaining([...grouping]));
  });

  it.each(allQueries())('of "%s" asks for the Worker alone', (_where, { selectors }) => {
    for (const { matchers } of selectors) expect(matchers.map(({ label }) => label)).toContain('job');
  });
});

describe('the dashboard', () => {
  it('shows every metric of the Worker', () => {
    const shown = allQueries()
      .slice(names.length)
      .flatMap(([, { selectors }]) => selectors.map(({ metric }) => metric.replace(/_(bucket|sum|count)$/, '')));

    expect(documentedMetrics().filter(({ name }) => !shown.includes(name))).toEqual([]);
  });

  it('has no two panels with one number, or in one place', () => {
    const { panels } = dashboard();
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)}:${y + Math.floor(i / w)}`),
    );

    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24);
  });
});
