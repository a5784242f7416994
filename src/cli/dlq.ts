import { setTimeout as pause } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import pg from 'pg';
import { priceKey } from '../campaigns/redis-keys.js';
import { findRedisUrl, loadConfig, loadDatabaseUrl, loadKafka } from '../config/config.js';
import { discardLetters } from '../dlq/discard-letters.js';
import type { CachedPrices } from '../dlq/click-charges.js';
import { countsOfCause, findAt, findLetter, findLetters, whyNot, type RecordPlace } from '../dlq/find-letters.sql.js';
import { groupLetters } from '../dlq/group-letters.js';
import type { LetterLine } from '../dlq/letter-row.js';
import { rehearseLetters } from '../dlq/rehearse-letters.js';
import { replayLetters } from '../dlq/replay-letters.js';
import { ReplayPublisher } from '../platform/kafka/replay-publisher.js';
import { RedisCacheService } from '../platform/redis/redis-cache.service.js';
import { forTerminal } from './database-fault.js';
import { parseDlq, type DecideCommand, type DlqCommand } from './dlq-arguments.js';
import {
  causeFault,
  discardTable,
  discardWords,
  groupTable,
  letterJson,
  letterWords,
  listTable,
  placeFault,
  rehearsalWords,
  replayWords,
} from './dlq-words.js';
import { INTERRUPTED, interrupted } from './interrupted.js';
import { Progress, terminalWidth, writeLine } from './output.js';

/** Long enough for a count over a million rows on a slow disk. */
const STATEMENT_TIMEOUT_MS = 120_000;
/** Somebody's session may hold a row; the Worker itself holds none for longer than a statement. */
const LOCK_TIMEOUT_MS = 10_000;
const LINES_OF_A_TABLE = 100;
const GOODBYE_MS = 500;

/**
 * Looks at dead letters, and decides on them.
 *
 * @returns the exit code: 0 when all was done, 1 when not, 130 when it was interrupted
 * @throws UsageError
 */
export async function dlq(args: string[]): Promise<number> {
  const command = parseDlq(args);
  // What the platform has to say is meant for a running Worker's log.
  Logger.overrideLogger(false);
  const client = new pg.Client({
    connectionString: loadDatabaseUrl(),
    application_name: 'worker-dlq-cli',
    connectionTimeoutMillis: 10_000,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    lock_timeout: LOCK_TIMEOUT_MS,
  });
  client.on('error', () => undefined); // the statement under way says it too
  try {
    await client.connect();
    return await run(client, command);
  } catch (error) {
    throw forTerminal(error);
  } finally {
    // A stopped server never says goodbye.
    await Promise.race([client.end().catch(() => undefined), pause(GOODBYE_MS, undefined, { ref: false })]);
  }
}

function run(client: pg.Client, command: DlqCommand): Promise<number> {
  switch (command.name) {
    case 'list':
      return list(client, command);
    case 'groups':
      return groups(client, command);
    case 'show':
      return show(client, command);
    case 'replay':
      return command.dryRun ? rehearse(client, command) : replay(client, command);
    case 'discard':
      return command.dryRun ? countDiscards(client, command) : discard(client, command);
  }
}

async function list(client: pg.Client, command: DlqCommand & { name: 'list' }): Promise<number> {
  const found = findLetters(client, command.selection, command);
  if (command.json) return listJson(client, command, found);
  let page: LetterLine[] = [];
  let count = 0;
  const show = async (): Promise<void> => {
    for (const line of listTable(page, terminalWidth())) await writeLine(line);
  };
  for await (const letter of found) {
    page.push(letter);
    if (++count % LINES_OF_A_TABLE !== 0) continue;
    await show();
    if (count === command.limit) await writeLine(`older ones: --before ${letter.id}; all: --limit 0`);
    page = [];
  }
  if (page.length > 0) await show();
  if (count === 0) {
    await sayWhyNone(client, command);
    await writeLine('there are none');
  }
  return 0;
}

/** One array, an element a line. */
async function listJson(
  client: pg.Client,
  command: DlqCommand & { name: 'list' },
  found: AsyncGenerator<LetterLine>,
): Promise<number> {
  let before = '[';
  for await (const letter of found) {
    await writeLine(before + JSON.stringify(letter));
    before = ',';
  }
  if (before === '[') await sayWhyNone(client, command);
  await writeLine(before === '[' ? '[]' : ']');
  return 0;
}

async function groups(client: pg.Client, command: DlqCommand & { name: 'groups' }): Promise<number> {
  const { selection, json } = command;
  const causes = await withPrices((cachedPrices) => groupLetters(client, selection, cachedPrices));
  if (causes.length === 0) await sayWhyNone(client, command);
  if (json) await writeLine(JSON.stringify(causes));
  else if (causes.length === 0) await writeLine('there are none');
  else for (const line of groupTable(causes)) await writeLine(line);
  return 0;
}

/** Without Redis, prices are those of the database. */
async function withPrices<T>(use: (cachedPrices: CachedPrices) => Promise<T>): Promise<T> {
  const url = findRedisUrl();
  if (url === undefined) return use(() => Promise.resolve([]));
  const cache = new RedisCacheService(url);
  cache.waitLonger();
  await cache.onModuleInit();
  try {
    return await use((ids) => cache.read(ids.map(priceKey)));
  } finally {
    cache.onApplicationShutdown();
  }
}

async function show(client: pg.Client, { json, ...shown }: DlqCommand & { name: 'show' }): Promise<number> {
  const id = 'id' in shown ? shown.id : await onlyIdAt(client, shown.place);
  const letter = id === undefined ? undefined : await findLetter(client, id);
  if (letter === undefined) {
    if (id !== undefined) process.stderr.write(`dlq show: there is no dead letter ${id}\n`);
    return 1;
  }
  if (json) await writeLine(JSON.stringify(letterJson(letter)));
  else for (const line of letterWords(letter)) await writeLine(line);
  return 0;
}

/** The id of the one letter whose record stood there; that there are none or several is said. */
async function onlyIdAt(client: pg.Client, place: RecordPlace): Promise<bigint | undefined> {
  const [letter, ...others] = await findAt(client, place);
  if (letter !== undefined && others.length === 0) return BigInt(letter.id);
  for (const line of placeFault(place, letter === undefined ? [] : [letter, ...others])) {
    process.stderr.write(`dlq show: ${line}\n`);
  }
  return undefined;
}

async function replay(client: pg.Client, command: DecideCommand): Promise<number> {
  const unfit = await unfitIds(client, command);
  const publisher = new ReplayPublisher(loadKafka());
  await publisher.connect();
  const [progress, signal] = [new Progress(), interrupted()];
  try {
    const report = await withPrices((cachedPrices) =>
      replayLetters(client, publisher, command, {
        cachedPrices,
        ratePerSecond: command.ratePerSecond ?? Infinity,
        signal,
        progress: (done, chosen) => {
          progress.say(`replayed ${done} of ${chosen}`);
        },
      }),
    );
    progress.end();
    const hasNone = report.chosen === 0 && (await sayWhyNone(client, command));
    if (command.json) await writeLine(JSON.stringify({ ...report, unfit }));
    else for (const line of replayWords(report)) await writeLine(line);
    if (report.stopped) return INTERRUPTED;
    const isWhole = report.notSent + report.foreign + unfit.length === 0 && report.gaveUp === undefined;
    return isWhole && !hasNone ? 0 : 1;
  } finally {
    await publisher.close();
  }
}

async function discard(client: pg.Client, command: DecideCommand): Promise<number> {
  const unfit = await unfitIds(client, command);
  const [progress, signal] = [new Progress(), interrupted()];
  const report = await withPrices((cachedPrices) =>
    discardLetters(client, command, {
      cachedPrices,
      ratePerSecond: command.ratePerSecond,
      signal,
      progress: (done, chosen) => {
        progress.say(`discarded ${done} of ${chosen}`);
      },
    }),
  );
  progress.end();
  const hasNone = report.chosen === 0 && (await sayWhyNone(client, command));
  if (command.json) await writeLine(JSON.stringify({ ...report, unfit }));
  else for (const line of discardWords(report)) await writeLine(line);
  if (report.stopped) return INTERRUPTED;
  return unfit.length === 0 && !hasNone ? 0 : 1;
}

/** Letters that were named and are not to be decided on; each is said. */
async function unfitIds(client: pg.Client, { name, selection }: DecideCommand): Promise<{ id: string; why: string }[]> {
  if (selection.ids === undefined) return [];
  const unfit = await whyNot(client, selection.ids, name);
  for (const { id, why } of unfit) process.stderr.write(`dlq ${name}: ${id}: ${why}\n`);
  return unfit;
}

/** Says of a cause that was named, and of which nothing was chosen, why not: most often it was typed wrong. */
async function sayWhyNone(
  client: pg.Client,
  { name, selection: { cause } }: Exclude<DlqCommand, { name: 'show' }>,
): Promise<boolean> {
  if (cause === undefined) return false;
  process.stderr.write(`dlq ${name}: ${causeFault(cause, await countsOfCause(client, cause))}\n`);
  return true;
}

async function rehearse(client: pg.Client, command: DecideCommand): Promise<number> {
  loadConfig(); // all of it is needed: what is wrong is said before anything starts
  await unfitIds(client, command);
  const { handlersOnly } = await import('./rehearsal-application.js'); // the whole Worker: only who needs it waits for it
  const { transport, takesPostings } = await handlersOnly();
  const [progress, signal] = [new Progress(), interrupted()];
  const causes = await withPrices((cachedPrices) =>
    rehearseLetters(client, transport, command.selection, {
      cachedPrices,
      signal,
      takesPostings,
      progress: (done) => {
        progress.say(`tried ${done}`);
      },
    }),
  );
  progress.end();
  const hasNone = causes.length === 0 && !signal.aborted && (await sayWhyNone(client, command));
  if (command.json) await writeLine(JSON.stringify(causes));
  else for (const line of rehearsalWords(causes)) await writeLine(line);
  if (signal.aborted) return INTERRUPTED;
  return hasNone ? 1 : 0;
}

async function countDiscards(client: pg.Client, command: DecideCommand): Promise<number> {
  const causes = await withPrices((cachedPrices) =>
    groupLetters(client, { ...command.selection, status: 'NEW' }, cachedPrices),
  );
  const hasNone = causes.length === 0 && (await sayWhyNone(client, command));
  if (command.json) {
    await writeLine(JSON.stringify(causes));
  } else {
    await writeLine(causes.length === 0 ? 'there is nothing to discard' : 'would be discarded:');
    if (causes.length > 0) for (const line of discardTable(causes)) await writeLine(line);
  }
  return hasNone ? 1 : 0;
}
