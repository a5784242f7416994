import { ConfigError, loadDatabaseUrl } from '../config/config.js';
import { reconcile } from '../ledger/reconcile.js';
import { redact } from '../platform/logging/redact.js';
import { DLQ_USAGE } from './dlq-arguments.js';
import { endWhenNobodyReads } from './output.js';
import { UsageError } from './usage-error.js';

/** What a command needs of the outside; returns the exit code. */
type Command = (args: string[]) => Promise<number>;

const COMMANDS: Readonly<Record<string, { readonly usage: readonly string[]; readonly run: Command }>> = {
  reconcile: {
    usage: ['reconcile [--json]        proves that every balance follows from its history'],
    run: (args) => {
      const [json, unknown] = [args.includes('--json'), args.find((arg) => arg !== '--json')];
      if (unknown !== undefined) throw new UsageError('reconcile', `unknown argument ${unknown}`);
      return reconcile({ databaseUrl: loadDatabaseUrl(), json, write: (line) => process.stdout.write(`${line}\n`) });
    },
  },
  dlq: {
    usage: DLQ_USAGE,
    // It brings the clients of Kafka and Redis along, which take a second to load.
    run: async (args) => (await import('./dlq.js')).dlq(args),
  },
  'account-for': {
    usage: [
      'account-for TOPIC [--from TIME] [--to TIME] [--json]    finds each record in the ledger or among the dead letters',
    ],
    run: async (args) => (await import('./account-for.js')).accountForTopic(args),
  },
  doctor: {
    usage: ['doctor [--json]           looks whether all that the Worker needs is there, and says what to do'],
    run: async (args) => (await import('./doctor.js')).doctor(args),
  },
};

const HELP = ['help', '--help', '-h'];

/** Usage of a command, or of one of its words (`dlq replay`), with what explains it; of all where there is no such one. */
function help(command = ''): string {
  const known = COMMANDS[command.split(' ', 1)[0] ?? '']?.usage ?? [];
  const own = known.filter((line) => line.startsWith(`${command} `));
  const explained = own.some((line) => line.includes('FILTER')) ? known.filter((line) => line.startsWith(' ')) : [];
  const all = Object.values(COMMANDS).flatMap(({ usage: words }) => words);
  const lines = own.length > 0 ? [...own, ...explained] : all;
  return `Usage:\n${lines.map((line) => (line.startsWith(' ') ? line : `  npm run cli -- ${line}`)).join('\n')}\n`;
}

function usage(fault: string, command?: string): number {
  process.stderr.write(`${fault}\n\n${help(command)}`);
  return 2;
}

async function run([name = '', ...args]: string[]): Promise<number> {
  const first = [name, ...args.slice(0, 2)];
  if (first.some((word) => HELP.includes(word))) {
    process.stdout.write(help(first.filter((word) => !HELP.includes(word)).join(' ')));
    return 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) return usage(name === '' ? 'which command?' : `unknown command ${name}`);
  try {
    return await command.run(args);
  } catch (error) {
    if (error instanceof UsageError) return usage(error.message, error.command);
    process.stderr.write(`${error instanceof ConfigError ? '' : `${name}: `}${redact((error as Error).message)}\n`);
    return 1;
  }
}

endWhenNobodyReads();
const exitCode = await run(process.argv.slice(2));
// What a command has opened and cannot close (a rehearsed Worker) must not keep it from ending.
process.stdout.write('', () => process.exit(exitCode));
