import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { plainQuery, queriesOf } from '../../deploy/checks/grafana-queries.mjs';
import { parseQuery, type Query } from './promql.js';

const deploy = new URL('../../deploy/', import.meta.url);

export interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A case of `promtool test rules`: an alert at a time, firing or not. */
export interface RuleCase {
  readonly alertname: string;
  readonly exp_alerts: readonly unknown[];
}

export interface Panel {
  readonly id: number;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
}

function yamlIn(folder: string): unknown[] {
  const url = new URL(folder, deploy);
  return readdirSync(url).map((name): unknown => parse(readFileSync(new URL(name, url), 'utf8')));
}

export function alertRules(): Rule[] {
  const files = yamlIn('prometheus/rules/') as { groups: { rules: Rule[] }[] }[];
  return files.flatMap(({ groups }) => groups).flatMap(({ rules }) => rules);
}

export function ruleCases(): RuleCase[] {
  const files = yamlIn('prometheus/tests/') as { tests: { alert_rule_test: RuleCase[] }[] }[];
  return files.flatMap(({ tests }) => tests).flatMap(({ alert_rule_test: cases }) => cases);
}

export function dashboard(): { panels: Panel[] } {
  return JSON.parse(readFileSync(new URL('grafana/click-worker.json', deploy), 'utf8')) as { panels: Panel[] };
}

/** Every query that somebody puts to Prometheus, with where it stands. */
export function allQueries(): [where: string, query: Query][] {
  const ofRules = alertRules().map(({ alert, expr }): [string, Query] => [alert, parseQuery(expr)]);
  const ofPanels = queriesOf(dashboard()).map(({ panel, expr }): [string, Query] => [
    panel,
    parseQuery(plainQuery(expr)),
  ]);
  return [...ofRules, ...ofPanels];
}
