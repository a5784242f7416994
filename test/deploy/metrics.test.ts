// What Prometheus gets from the Worker is what docs/metrics.md says, and what rules and dashboard ask for.
import { beforeAll, describe, expect, it } from 'vitest';
import { parseExposition, type Family } from '../support/exposition.js';
import { documentedMetrics } from '../support/metrics-page.js';
import { allQueries } from '../support/monitoring.js';
import type { Matcher } from '../support/promql.js';
import { useWorker } from '../support/world.js';

/** Series are there for each configured channel, and the shared Worker has none; notification/delivery.test.ts has them. */
const NEEDS_A_CHANNEL = 'worker_alert_deliveries_total';

/** Prometheus' own: the target's labels, and whether it answers. */
const TARGET_LABELS = ['job', 'instance'];
const OF_PROMETHEUS = 'up';

const world = useWorker();

describe('/metrics', () => {
  let families: Family[] = [];
  beforeAll(async () => {
    families = parseExposition(await (await fetch(`${world.workerUrl}/metrics`)).text());
  });
  const own = (): Family[] => families.filter(({ name }) => name.startsWith('worker_'));

  it('has the metrics of docs/metrics.md, of the same types', () => {
    const named = (metrics: readonly { name: string; type: string }[]): string[] =>
      metrics.map(({ name, type }) => `${name} ${type}`).toSorted();

    expect(named(own())).toEqual(named(documentedMetrics()));
  });

  it('has their labels in each series', () => {
    const labelsOf = new Map(documentedMetrics().map(({ name, labels }) => [name, labels.toSorted().join()]));
    for (const { name, samples } of own()) {
      const found = samples.map(({ labels }) => Object.keys(labels).filter((label) => label !== 'le'));
      expect([...new Set(found.map((labels) => labels.toSorted().join()))], name).toEqual(
        name === NEEDS_A_CHANNEL ? [] : [labelsOf.get(name)],
      );
    }
  });

  it('has a bound at 50 ms for clicks and at 100 ms for pauses, which alerts go by', () => {
    const boundsOf = (name: string): string[] =>
      families
        .flatMap(({ samples }) => samples)
        .flatMap((each) => (each.name === name ? (each.labels['le'] ?? []) : []));

    expect(boundsOf('worker_record_latency_seconds_bucket')).toContain('0.05');
    expect(boundsOf('worker_pause_latency_seconds_bucket')).toContain('0.1');
  });

  it.each(allQueries())('has what "%s" looks for', (_where, { selectors }) => {
    const samples = families.flatMap((family) => family.samples);
    const matches = (value: string | undefined, { op, value: wanted }: Matcher): boolean =>
      op.startsWith('!')
        ? value !== undefined
        : op === '=~'
          ? new RegExp(`^(${wanted})$`).test(value ?? '')
          : value === wanted;
    for (const { metric, matchers } of selectors) {
      if (metric === OF_PROMETHEUS || metric === NEEDS_A_CHANNEL) continue;
      const mine = matchers.filter(({ label }) => !TARGET_LABELS.includes(label));
      const found = samples.some(
        ({ name, labels }) => name === metric && mine.every((matcher) => matches(labels[matcher.label], matcher)),
      );
      expect(found, `${metric}{${mine.map(({ label, value }) => `${label}=${value}`).join()}}`).toBe(true);
    }
  });

  it('says that the Worker is ready, and that the months to come have partitions', () => {
    const valuesOf = (name: string): number[] =>
      own()
        .find((family) => family.name === name)
        ?.samples.map(({ value }) => value) ?? [];

    expect(valuesOf('worker_ready')).toEqual([1, 1, 1]);
    const [end = 0] = valuesOf('worker_ledger_partitions_end_timestamp_seconds');
    expect(end * 1_000 - Date.now()).toBeGreaterThan(80 * 86_400_000);
  });
});
