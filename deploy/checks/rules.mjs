import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { once } from '../../stack/artefacts.mjs';
import { withLock } from '../../stack/lock.mjs';
import { cacheFolder, onPath } from '../../stack/places.mjs';
import { run, withProgress } from '../../stack/progress.mjs';
import { plainQuery, queriesOf } from './grafana-queries.mjs';
import { Unavailable } from './unavailable.mjs';

/**
 * Promtool's own look at the rules, their unit tests, and the dashboards' queries: unlike a mere parser it knows types.
 *
 * @param {string[]} rules @param {string[]} tests @param {string[]} dashboards @param {(line: string) => void} log
 */
export async function checkRules(rules, tests, dashboards, log) {
  const promtool = await getPromtool(log);
  await run(promtool, ['check', 'rules', ...rules]);
  await run(promtool, ['test', 'rules', ...tests]);
  const queries = dashboards.flatMap((file) => queriesOf(JSON.parse(readFileSync(file, 'utf8'))));
  await checkQueries(promtool, queries);
  return `${rules.map((file) => basename(file)).join(', ')} with their tests, and ${queries.length} queries of dashboards`;
}

/** As rules, since promtool checks no query by itself. */
async function checkQueries(promtool, queries) {
  const folder = mkdtempSync(join(tmpdir(), 'click-worker-queries-'));
  try {
    const file = join(folder, 'queries.json');
    const rules = queries.map(({ expr }, i) => ({ record: `query_${i}`, expr: plainQuery(expr) }));
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'queries', rules }] }));
    await run(promtool, ['check', 'rules', file]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The one on PATH, else Debian's, taken out of its package: nothing is installed. */
async function getPromtool(log) {
  const found = onPath('promtool');
  if (found) return found;
  if (!onPath('apt-get') || !onPath('dpkg-deb'))
    throw new Unavailable('there is no promtool on PATH, and this is no Debian');
  const folder = join(cacheFolder(), 'promtool-debian');
  if (!existsSync(folder)) await once('promtool', folder, log, (into) => takeFromDebian(into, log));
  return join(folder, 'promtool');
}

async function takeFromDebian(into, log) {
  const download = () => run('apt-get', ['download', 'prometheus'], { cwd: into });
  // The list of packages may be missing, or name one that is gone.
  const updateAndDownload = async () => {
    await run('apt-get', ['update']);
    await download();
  };
  await withLock('apt', () =>
    withProgress('fetching promtool', log, () => download().catch(updateAndDownload)).catch((error) => {
      throw new Unavailable(`there is no promtool on PATH, and Debian's cannot be had: ${error.message}`);
    }),
  );
  const [archive] = readdirSync(into).filter((name) => name.endsWith('.deb'));
  await run('dpkg-deb', ['--extract', archive, 'package'], { cwd: into });
  renameSync(join(into, 'package/usr/bin/promtool'), join(into, 'promtool'));
  for (const rest of ['package', archive]) rmSync(join(into, rest), { recursive: true });
}
