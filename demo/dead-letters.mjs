import { groupBy } from './group-by.mjs';
import { chapter, count, patiently, table } from './terminal.mjs';
import { AD_EVENTS } from './topics.mjs';

/**
 * What could never be charged, as it stands in the dead-letter topic.
 *
 * @param {import('./demo.mjs').Demo} demo @param {import('./traffic.mjs').Sent[]} sent
 */
export async function deadLetters({ topics, promises }, sent) {
  const topic = `${AD_EVENTS}.dlq`;
  const letters = await patiently(`reading ${topic}`, () => topics.read(topic));
  chapter(`${count(letters.length)} dead letters in ${topic}, byte for byte as they came`);
  const kinds = new Map(sent.map(({ value, kind }) => [value?.toString('base64'), kind]));
  const found = groupBy(letters, ({ headers, value }) => {
    const kind = kinds.get(value?.toString('base64')) ?? 'a value that nobody sent';
    return `${headers['dlq-error-code']}, ${kind}`;
  });
  const rows = [...found.values()].map((group) => {
    const [{ headers }] = group;
    return [`${headers['dlq-error-code']}`, count(group.length), `${headers['dlq-error-message']}`];
  });
  rows.sort((a, b) => a.join().localeCompare(b.join()));
  table(['code', 'records', 'for example'], rows);

  const poison = sent.filter(({ code }) => code);
  const promised = groupBy(poison, ({ code, kind }) => `${code}, ${kind}`);
  promises.check('dead letters', sizes(found), sizes(promised));
}

/** @param {Map<string, unknown[]>} groups */
function sizes(groups) {
  return Object.fromEntries([...groups].sort().map(([group, members]) => [group, members.length]));
}
