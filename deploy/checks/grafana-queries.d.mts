export function queriesOf(dashboard: unknown): { panel: string; expr: string }[];
export function plainQuery(expr: string): string;
