import { readFileSync } from 'node:fs';

/** A metric as `docs/metrics.md` has it. */
export interface DocumentedMetric {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
}

export function documentedMetrics(): DocumentedMetric[] {
  const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  return [...page.matchAll(/^\| `(\w+)` +\| (\w+) +\| ([^|]*) \|/gm)].map(([, name = '', type = '', labels = '']) => ({
    name,
    type,
    labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label),
  }));
}

/** The names that a query may use, each with its labels: those of a histogram are its series. */
export function documentedSeries(): Map<string, readonly string[]> {
  const series = documentedMetrics().flatMap(({ name, type, labels }): [string, readonly string[]][] => {
    if (type !== 'histogram') return [[name, labels]];
    return [
      [`${name}_bucket`, [...labels, 'le']],
      [`${name}_sum`, labels],
      [`${name}_count`, labels],
    ];
  });
  return new Map(series);
}
