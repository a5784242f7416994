import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { AppModule } from '../app.module.js';
import { accountFor, FATES, isPosting, type Account, type PostingHandler } from '../accounting/account-for.js';
import { loadDatabaseUrl, loadKafka } from '../config/config.js';
import type { Span } from '../ledger/find-postings.sql.js';
import { counted } from '../platform/counted.js';
import { declaredHandlers } from '../platform/kafka/declared-handlers.js';
import { forTerminal } from './database-fault.js';
import { Given, timeOf } from './given.js';
import { INTERRUPTED, interrupted } from './interrupted.js';
import { Progress, writeLine } from './output.js';

const OPTIONS = ['from', 'to', 'json'];
/** Named in words; `--json` names all. */
const MOST_NAMED = 100;

/**
 * Holds each record of a topic against the ledger and the dead letters, and says what became of them.
 *
 * @returns the exit code: 0 when every record is accounted for and none was posted twice, 1 when not, 130 when interrupted
 * @throws UsageError
 */
export async function accountForTopic(args: readonly string[]): Promise<number> {
  const given = new Given('account-for', args, OPTIONS, ['json']);
  const handler = handlerOf(given);
  const span = spanOf(given);
  // What the platform has to say is meant for a running Worker's log.
  Logger.overrideLogger(false);
  const [kafka, databaseUrl] = [loadKafka(), loadDatabaseUrl()];
  const [progress, signal] = [new Progress(), interrupted()];
  try {
    const account = await accountFor(handler, {
      ...{ kafka, databaseUrl, span, signal },
      progress: (done, all) => {
        progress.say(`read ${done} of ${counted(all, 'record')}`);
      },
    });
    progress.end();
    if (account === undefined) return INTERRUPTED;
    if (given.has('json')) await writeLine(JSON.stringify(account));
    else for (const line of inWords(account)) await writeLine(line);
    return account.missing.length + account.twice.length === 0 ? 0 : 1;
  } catch (error) {
    progress.end();
    throw forTerminal(error);
  }
}

function spanOf(given: Given): Span {
  const [from, to] = [given.read('from', timeOf), given.read('to', timeOf)];
  if (from !== undefined && to !== undefined && from >= to) throw given.fault('--from must be before --to');
  return { from, to };
}

function handlerOf(given: Given): PostingHandler {
  const handlers = declaredHandlers(AppModule).filter(isPosting);
  const topics = handlers.map(({ topic }) => topic).join(', ');
  const [topic, another] = given.plain;
  if (topic === undefined) throw given.fault(`which topic? It takes ${topics}`);
  if (another !== undefined) throw given.fault(`unknown argument ${another}`);
  const handler = handlers.find((each) => each.topic === topic);
  if (handler === undefined)
    throw given.fault(`${topic} is no topic whose records become postings; it takes ${topics}`);
  return handler;
}

const MEANING = {
  posted: 'in the ledger',
  repeated: 'came before, in another record',
  skipped: 'nothing to post',
  dead: 'dead letters',
  pending: 'not committed yet',
  beforeStart: 'from before the group began',
} as const;

function* inWords(account: Account): Generator<string> {
  const { topic, group, missing, twice, removed } = account;
  yield `${topic}, as ${group} reads it`;
  const width = Math.max(...FATES.map((fate) => String(account[fate]).length));
  for (const fate of FATES) yield `  ${String(account[fate]).padStart(width)}  ${fate.padEnd(11)}  ${MEANING[fate]}`;
  for (const { partition, from, to } of removed) {
    yield `removed before this: ${topic}:${partition}, offsets ${from} to ${to - 1}: what became of them cannot be told`;
  }
  yield* named('missing: neither in the ledger nor a dead letter', missing);
  yield* named('posted twice', twice);
  const found = FATES.reduce((sum, fate) => sum + account[fate], missing.length + twice.length);
  if (found === 0) yield 'there are no records to account for';
  else
    yield missing.length + twice.length === 0 ? 'every record is accounted for' : 'NOT every record is accounted for';
}

function* named(title: string, places: readonly string[]): Generator<string> {
  if (places.length === 0) return;
  yield `${title}: ${places.length}`;
  for (const place of places.slice(0, MOST_NAMED)) yield `  ${place}`;
  if (places.length > MOST_NAMED) yield `  … and ${places.length - MOST_NAMED} more (--json names all)`;
}
