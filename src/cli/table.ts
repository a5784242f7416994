import { printable, shortened } from './printable.js';

const GAP = '  ';

/** Columns as wide as their widest cell; the last one is cut where a terminal would wrap it. */
export function* table(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  width = Infinity,
): Generator<string> {
  const cells = [titles, ...rows].map((row) => row.map(printable));
  const widths = titles.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  for (const row of cells) {
    yield shortened(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join(GAP)
        .trimEnd(),
      width,
    );
  }
}
