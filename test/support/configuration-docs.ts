import { format, resolveConfig } from 'prettier';
import { VARIABLES, type Variable } from '../../src/config/variables.js';

const ABOUT = `
# Configuration

Environment variables, read and checked once, at the start: a missing or wrong one stops it with one line that names it and never
shows its value. Empty is the same as not set. This page and \`.env.example\` are made from \`src/config/variables.ts\` by
\`npm run docs\`; \`npm test\` fails where they differ.
`;

const AFTER = `
## What a command needs

| command                                       | variables                                                                   |
| --------------------------------------------- | --------------------------------------------------------------------------- |
| \`npm start\`, \`cli -- doctor\`                  | all that are required, and what else is wanted                              |
| \`npm run migrate\`                             | \`MIGRATION_DATABASE_URL\`, else \`DATABASE_URL\`                               |
| \`cli -- reconcile\`, \`dlq list\`, \`show\`, \`discard\` | \`DATABASE_URL\`                                                              |
| \`cli -- dlq groups\`                           | \`DATABASE_URL\`; with \`REDIS_URL\` also the prices that stand there           |
| \`cli -- dlq replay\`                           | \`DATABASE_URL\`, \`KAFKA_…\`; with \`--dry-run\` the same as the Worker          |

## Read by others in the process

| variable | by |
| --- | --- |
| \`NODE_EXTRA_CA_CERTS\` | Node.js, when the process starts: so not from a file that \`--env-file\` names ([SECURITY.md](../SECURITY.md)) |
| \`NODE_ENV\` | the logger: with \`production\` log lines are JSON in a terminal too |
| \`PGSSLMODE\` | the driver of Postgres, where the URL has no \`sslmode\` |

In Kubernetes secrets (and the SASL user with its password) stand in two Secrets, and all others in
\`deploy/kubernetes/base/click-worker.env\`; a test holds both to this list.
`;

/** Of what is said of a variable: what is longer has its type on the next line. */
const MOST_ON_A_LINE = 80;

/** Names of variables and paths stand in backticks in Markdown, and plainly in a comment. */
const marked = (about: string): string =>
  about
    .replaceAll('`', '')
    .replaceAll(/\b(?:[A-Z]+_[A-Z_]+|PORT|npm run migrate)\b|\?sslmode=\S+\w|rediss:\/\//g, '`$&`');

const sections = (): [section: string, variables: [name: string, variable: Variable<unknown>][]][] => {
  const variables = Object.entries<Variable<unknown>>(VARIABLES);
  const names = [...new Set(variables.map(([, { section }]) => section))];
  return names.map((name) => [name, variables.filter(([, { section }]) => section === name)]);
};

/** `docs/configuration.md`. */
export async function configurationPage(): Promise<string> {
  const tables = sections().map(([section, variables]) => {
    const rows = variables.map(([name, { about, type, fallback, required, secret }]) => {
      const standsIn = required === true ? '**required**' : fallback === undefined ? '' : `\`${fallback}\``;
      return `| \`${name}\` | ${marked(about)} | ${type}${secret === true ? '; a secret' : ''} | ${standsIn} |`;
    });
    return `## ${section}\n\n| variable | what it says | type | default |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
  });
  const markdown = [ABOUT, ...tables, AFTER].join('\n');
  return format(markdown, { ...(await resolveConfig('docs/configuration.md')), parser: 'markdown' });
}

/** `.env.example`. */
export function envExample(): string {
  const parts = sections().map(([, variables]) => {
    const lines = variables.flatMap(([name, { about, type, fallback = '', required, secret, example = fallback }]) => {
      const notes = [type, required === true ? ['required'] : [], secret === true ? ['a secret'] : []].flat();
      const comment = `# ${about.charAt(0).toUpperCase()}${about.slice(1)}${about.length > MOST_ON_A_LINE ? '\n# ' : ' '}`;
      return [`${comment}(${notes.join('; ')})`, `${name}=${example}`];
    });
    return `${lines.join('\n')}\n`;
  });
  return ['# Copy to .env, fill in, and start with: node --env-file=.env dist/src/main.js\n', ...parts].join('\n');
}
