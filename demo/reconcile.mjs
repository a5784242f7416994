import { join } from 'node:path';
import { projectFolder } from '../stack/places.mjs';
import { run } from '../stack/progress.mjs';
import { chapter, patiently, say } from './terminal.mjs';

const LINES_SHOWN = 8;

/** The operator's proof that the books are right, as a user would ask for it. */
export async function reconcile({ stack, promises }) {
  chapter('npm run cli -- reconcile');
  const command = [join('dist', 'src', 'cli', 'main.js'), 'reconcile'];
  const env = { PATH: process.env.PATH, DATABASE_URL: stack.env.DATABASE_URL };
  const answer = await patiently('reconciling', () => {
    return run(process.execPath, command, { cwd: projectFolder, env }).catch((error) => error);
  });
  const failed = answer instanceof Error;
  const lines = `${failed ? answer.message : answer}`.trim().split('\n');
  for (const line of lines.slice(0, LINES_SHOWN)) say(line);
  promises.check('reconcile succeeds', !failed, true);
}
