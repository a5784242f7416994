import { get } from 'node:http';
import { loadAddress } from '../config/config.js';

const ANSWER_MS = 4_000;

// `node dist/src/cli/health.js [live|ready]`, for the health check of a container, in whose image there is no curl: it asks the
// Worker beside it and exits with 0 where that says 200. By `node:http`, since `fetch` refuses ports that browsers do.
const [what = 'live', ...more] = process.argv.slice(2);
if ((what !== 'live' && what !== 'ready') || more.length > 0) end(1, 'one word is known: live or ready');
else ask(`/health/${what}`);

function ask(path: string): void {
  const { host, port } = loadAddress();
  const signal = AbortSignal.timeout(ANSWER_MS);
  get({ host, port, path, signal }, (answer) => {
    answer.setEncoding('utf8');
    let body = '';
    answer.on('data', (text: string) => (body += text));
    answer.once('end', () => {
      end(answer.statusCode === 200 ? 0 : 1, body);
    });
    answer.once('error', () => {
      end(1, 'the answer broke off');
    });
  }).once('error', ({ message }) => {
    end(1, message);
  });
}

function end(exitCode: number, words: string): void {
  process.stdout.write(`${words}\n`);
  process.exitCode = exitCode;
}
