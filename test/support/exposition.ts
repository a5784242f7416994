/** A line of `/metrics`. */
interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric with all its series; those of a histogram end in `_bucket`, `_sum` and `_count`. */
export interface Family {
  readonly name: string;
  readonly type: string;
  readonly samples: Sample[];
}

/** Reads Prometheus' text format, as far as the Worker writes it. */
export function parseExposition(text: string): Family[] {
  const families: Family[] = [];
  for (const line of text.split('\n')) {
    const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (name !== undefined && type !== undefined) families.push({ name, type, samples: [] });
    if (line !== '' && !line.startsWith('#')) families.at(-1)?.samples.push(parseSample(line));
  }
  return families;
}

function parseSample(line: string): Sample {
  const { name, labels = '', value } = /^(?<name>\w+)(?:\{(?<labels>.*)\})? (?<value>\S+)$/.exec(line)?.groups ?? {};
  if (name === undefined) throw new Error(`no sample: ${line}`);
  const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, text]) => [label, text] as const);
  return { name, labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) };
}
