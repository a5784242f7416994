import { ConfigError, loadDatabaseUrl } from '../config/config.js';
import { reconcile } from '../ledger/reconcile.js';

/** What a command needs of the outside; returns the exit code. */
type Command = (args: string[]) => Promise<number>;

const COMMANDS: Readonly<Record<string, { readonly usage: string; readonly run: Command }>> = {
  reconcile: {
    usage: 'reconcile [--json]        proves that every balance follows from its history',
    run: (args) => {
      const [json, unknown] = [args.includes('--json'), args.find((arg) => arg !== '--json')];
      if (unknown !== undefined) return Promise.resolve(usage(`reconcile: unknown argument ${unknown}`));
      return reconcile({ databaseUrl: loadDatabaseUrl(), json, write: (line) => process.stdout.write(`${line}\n`) });
    },
  },
};

const HELP = ['help', '--help', '-h'];

function help(): string {
  const lines = Object.values(COMMANDS).map(({ usage: line }) => `  npm run cli -- ${line}`);
  return `Usage:\n${lines.join('\n')}\n`;
}

function usage(fault: string): number {
  process.stderr.write(`${fault}\n\n${help()}`);
  return 2;
}

async function run([name = '', ...args]: string[]): Promise<number> {
  if ([name, args[0] ?? ''].some((word) => HELP.includes(word))) {
    process.stdout.write(help());
    return 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) return usage(name === '' ? 'which command?' : `unknown command ${name}`);
  try {
    return await command.run(args);
  } catch (error) {
    process.stderr.write(`${error instanceof ConfigError ? '' : `${name}: `}${(error as Error).message}\n`);
    return 1;
  }
}

process.exitCode = await run(process.argv.slice(2));
