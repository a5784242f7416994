// The queries of a Grafana dashboard.

/** What Grafana puts in for its variables, for whoever only parses. */
const VARIABLES = { $__rate_interval: '5m', $__range: '1h', $job: 'click-worker' };

/** @returns {{ panel: string, expr: string }[]} */
export function queriesOf(dashboard) {
  const { panels, annotations } = dashboard;
  return [
    ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ panel: title, expr }))),
    ...annotations.list.map(({ name, expr }) => ({ panel: name, expr })),
  ];
}

/** A query as Prometheus gets it. @param {string} expr */
export function plainQuery(expr) {
  return Object.entries(VARIABLES).reduce((text, [name, value]) => text.replaceAll(name, value), expr);
}
