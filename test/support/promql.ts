import { parser } from '@prometheus-io/lezer-promql';

export interface Matcher {
  readonly label: string;
  readonly op: string;
  readonly value: string;
}

interface Selector {
  readonly metric: string;
  readonly matchers: readonly Matcher[];
}

/** What a query names. */
export interface Query {
  readonly selectors: readonly Selector[];
  /** Labels of `by`, `without`, `on`, `ignoring`, `group_left` and `group_right`. */
  readonly grouping: readonly string[];
}

type Node = ReturnType<typeof parser.parse>['topNode'];

/** @throws Error where the query is no PromQL */
export function parseQuery(text: string): Query {
  const selectors: Selector[] = [];
  const grouping: string[] = [];
  const textOf = ({ from, to }: Node): string => text.slice(from, to);
  parser.parse(text).iterate({
    enter: ({ node }) => {
      if (node.type.isError) throw new Error(`no PromQL from character ${node.from} on: ${text}`);
      if (node.name === 'GroupingLabels') grouping.push(...node.getChildren('LabelName').map(textOf));
      if (node.name === 'VectorSelector') selectors.push(selectorOf(node, textOf));
    },
  });
  return { selectors, grouping };
}

function selectorOf(node: Node, textOf: (node: Node) => string): Selector {
  const name = node.getChild('Identifier');
  if (name === null) throw new Error(`no metric is named: ${textOf(node)}`);
  const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [];
  const part = (matcher: Node, type: string): string => {
    const child = matcher.getChild(type);
    return child === null ? '' : textOf(child);
  };
  return {
    metric: textOf(name),
    matchers: matchers.map((matcher) => ({
      label: part(matcher, 'LabelName'),
      op: part(matcher, 'MatchOp'),
      value: part(matcher, 'StringLiteral').slice(1, -1),
    })),
  };
}
