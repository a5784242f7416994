import { describe, expect, it } from 'vitest';
import { parseDlq } from './dlq-arguments.js';
import { UsageError } from './usage-error.js';

const parse = (line: string) => parseDlq(line.split(' ').filter((word) => word !== ''));
const DECIDED = '--by kim --reason mended';

describe('parseDlq', () => {
  it('reads filters, in either form', () => {
    const from = new Date('2026-01-31T00:00:00Z');

    expect(parse('list --topic ad-events --code unknown_price --campaign=7 --from 2026-01-31 --json')).toEqual({
      name: 'list',
      json: true,
      before: 2n ** 63n - 1n,
      limit: 100,
      selection: { topic: 'ad-events', code: 'UNKNOWN_PRICE', campaignId: 7n, from },
    });
    expect(parseDlq(['list', '--cause', ' field … or #: is missing '])).toMatchObject({
      selection: { cause: 'field … or #: is missing' },
    });
    expect(parse(`groups --to ${from.getTime()}`)).toMatchObject({ selection: { status: 'NEW', to: from } });
    expect(parse('groups --status resolved')).toMatchObject({ selection: { status: 'RESOLVED' } });
    expect(parse('list --limit 0 --before 12')).toMatchObject({ limit: Number.MAX_SAFE_INTEGER, before: 12n });
  });

  it('reads which letters to decide on, by whom and why', () => {
    expect(parse(`replay --id 1 --id 2 ${DECIDED}`)).toEqual({
      name: 'replay',
      selection: { ids: [1n, 2n] },
      by: 'kim',
      reason: 'mended',
      dryRun: false,
      json: false,
      ratePerSecond: 200,
    });
    expect(parse(`replay --all --rate 5 ${DECIDED}`)).toMatchObject({ selection: {}, ratePerSecond: 5 });
    expect(parse(`discard --advertiser 8 ${DECIDED}`)).toMatchObject({ ratePerSecond: undefined });
    expect(parse('replay --all --dry-run')).toMatchObject({ dryRun: true, by: '' });
  });

  it.each(['show 7', 'show --id 7', 'show --id=7'])('reads %s', (line) => {
    expect(parse(line)).toEqual({ name: 'show', id: 7n, json: false });
  });

  it('reads where a record stood, as list and alerts write it', () => {
    const place = { topic: 'ad-events', partition: 3, offset: 9007199254740993n };

    expect(parse('show ad-events:3:9007199254740993 --json')).toEqual({ name: 'show', place, json: true });
  });

  it.each([
    ['', 'dlq: what; there is list, groups, show, replay, discard'],
    ['lst', 'dlq: unknown lst; there is'],
    ['list --nope', 'dlq list: unknown option --nope'],
    ['list --dry-run', 'dlq list: unknown option --dry-run'],
    ['list 7', 'dlq list: unknown argument 7'],
    ['list --json=1', 'dlq list: --json takes no value'],
    ['list --limit -1', 'dlq list: --limit "-1": must be a whole number'],
    ['list --campaign x', 'dlq list: --campaign "x": must be a whole number above zero'],
    ['list --campaign 0', 'dlq list: --campaign "0": must be a whole number above zero'],
    ['list --code NO_PRICE', 'dlq list: --code "NO_PRICE": must be one of INVALID_JSON,'],
    ['list --from yesterday', 'dlq list: --from "yesterday": must be a time'],
    ['list --cause a --cause b', 'dlq list: --cause is given twice'],
    ['list --topic a --topic b', 'dlq list: --topic is given twice'],
    ['list --topic', 'dlq list: --topic wants a value'],
    ['list --topic --json', 'dlq list: --topic wants a value'],
    ['list --all --topic a', 'dlq list: --all goes with no filter'],
    ['show', 'dlq show: wants one id'],
    ['show 1 2', 'dlq show: wants one id'],
    ['show a:2147483648:1', 'must be a whole number above zero, or TOPIC:PARTITION:OFFSET'],
    ['show a:1:9223372036854775808', 'must be a whole number above zero, or TOPIC:PARTITION:OFFSET'],
    ['show a:1:-1', 'must be a whole number above zero, or TOPIC:PARTITION:OFFSET'],
    ['show x', 'dlq show: --id "x": must be a whole number above zero'],
    [`replay ${DECIDED}`, 'dlq replay: which ones?'],
    ['replay --all --reason mended', 'dlq replay: --by NAME is missing'],
    ['discard --all --by kim', 'dlq discard: --reason TEXT is missing'],
    [`replay --id 1 --topic a ${DECIDED}`, 'dlq replay: --id names the letters'],
    [`replay --all --rate 0 ${DECIDED}`, 'dlq replay: --rate "0": must be a whole number from 1 to 100000'],
  ])('says in a line what is wrong with %j', (line, fault) => {
    expect(() => parse(line)).toThrow(UsageError);
    expect(() => parse(line)).toThrow(fault);
  });

  it('takes no blank name for one', () => {
    expect(() => parseDlq(['replay', '--all', '--by', ' ', '--reason', 'x'])).toThrow('--by " ": must be text');
  });
});
