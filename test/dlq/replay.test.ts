// What somebody does about dead clicks: sees their causes, mends one, tries the replay out, replays. Money moves once, at the
// coordinates of the click that failed.
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Cli, runCli, type CliResult } from '../support/cli.js';
import { attemptsOf, inStatus, lettersAbout, type LetterRow } from '../support/dead-letters.js';
import { eventually } from '../support/eventually.js';
import { aClick, aCompensation } from '../support/fixtures.js';
import { TcpProxy } from '../../stack/tcp-proxy.mjs';
import { useWorker, type Advertiser, type TestCampaign } from '../support/world.js';

const DECIDED = ['--by', 'kim', '--reason', 'price entered'];

describe('dlq', () => {
  const world = useWorker();
  const cli = (...words: string[]): Promise<CliResult> => runCli(world.env, 'dlq', ...words);

  it('charges a mended click once, at its origin’s coordinates, and then it is resolved', async () => {
    const { advertiser, campaign, letters } = await unpriced(1);
    const [letter] = letters;
    await mend(campaign, '0.75');

    const dry = await replay(campaign, '--dry-run');
    const sent = await replay(campaign);
    const [resolved] = await inStatus(() => lettersAbout(world, campaign), 'RESOLVED');
    await cli('replay', '--id', letter?.id ?? '', ...DECIDED);

    expect(dry.stdout).toContain(
      '1 dead letter of ad-events, UNKNOWN_PRICE, 0.750000 not charged: campaignId #: neither',
    );
    expect(dry.stdout).toContain('  1 would be posted\n');
    expect(sent.code).toBe(0);
    expect(sent.stdout).toMatch(
      /^sent 1 of 1 dead letter\n {2}1 of ad-events, UNKNOWN_PRICE, 0.750000 to charge: campaignId #: neither Redis.*\n$/,
    );
    expect(resolved).toMatchObject({ attempts: 1, actor: 'kim', reason: 'price entered' });
    expect(await attemptsOf(world, resolved as LetterRow)).toMatchObject([{ attempt: 1, actor: 'kim' }]);
    expect(await world.balanceOf(advertiser)).toBe('999.250000');
    expect(await world.historyOf(advertiser)).toMatchObject([
      {
        amount: '0.750000',
        source_topic: 'ad-events',
        source_partition: letter?.partition,
        source_offset: letter?.offset,
      },
    ]);
  });

  it('makes one that was not mended NEW again, in the same row, with its first bytes', async () => {
    const { advertiser, campaign, letters } = await unpriced(2);
    const [first, second] = letters;

    const dry = await replay(campaign, '--dry-run', '--json');
    await replay(campaign);
    const again = await inStatus(
      async () => (await lettersAbout(world, campaign)).filter(({ attempts }) => attempts === 2),
      'NEW',
      2,
    );

    expect(JSON.parse(dry.stdout)).toMatchObject([
      { count: 2, posted: 0, failing: [{ code: 'UNKNOWN_PRICE', count: 2 }], waiting: [], unknown: [] },
    ]);
    expect(again.map(({ id, value }) => [id, value])).toEqual([first, second].map((row) => [row?.id, row?.value]));
    expect((await attemptsOf(world, first as LetterRow)).map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(await world.historyOf(advertiser)).toEqual([]);
    await eventually('each attempt has its alert', 30_000, async () => {
      const alerts = await world.alertsAbout(campaign);
      return new Set(alerts.map(({ alertId }) => alertId)).size === 4;
    });
  });

  it('changes nothing in a dry run, and tells the truth of each cause', async () => {
    const priced = await unpriced(3);
    await mend(priced.campaign, '0.50');
    const budgeted = await unpriced(1);
    await world.database.query('update campaigns set cpc = 20, daily_budget = 10 where id = $1', [
      budgeted.campaign.id,
    ]);
    await world.database.query('update advertisers set balance = 5, opening_balance = 5 where id = $1', [
      budgeted.advertiser.id,
    ]);
    const wrong = await unpriced(1, { advertiserId: 1n });
    await world.topics.settled('dlq-processor', 'ad-events.dlq'); // their own alerts are out
    const involved = [priced, budgeted, wrong].map(({ advertiser }) => advertiser);
    const before = await allOf(involved);

    const results = await Promise.all(
      [priced, budgeted, wrong].map(({ campaign: one }) => replay(one, '--dry-run', '--json')),
    );

    expect(results.map(({ code }) => code)).toEqual([0, 0, 0]);
    const [charged, over, failing] = results.map(({ stdout }) => (JSON.parse(stdout) as unknown[])[0]);
    expect(charged).toMatchObject({ count: 3, posted: 3, failing: [] });
    expect(over).toMatchObject({ count: 1, posted: 1, failing: [] });
    expect(failing).toMatchObject({ count: 1, posted: 0, failing: [{ code: 'UNKNOWN_PRICE' }] });
    expect(await allOf(involved)).toEqual(before);
    expect(await world.statusOf(budgeted.campaign)).toMatchObject({ status: 'ACTIVE' });
    expect(await world.alertsAbout(budgeted.advertiser)).toHaveLength(1); // of the dead letter itself
  });

  it('waits for the price of a slow Redis in a dry run: no click waits behind it', async () => {
    const { campaign } = await unpriced(1);
    await world.redis.set(`cpc:${campaign.id}`, '0.25');
    const { hostname, port } = new URL(world.env['REDIS_URL'] ?? '');
    const slow = await TcpProxy.open({ host: hostname, port: Number(port), delayMs: 60 });

    const env = { ...world.env, REDIS_URL: `redis://127.0.0.1:${slow.port}` };
    const dry = await runCli(env, 'dlq', 'replay', '--campaign', String(campaign.id), ...DECIDED, '--dry-run');
    await slow.close();

    expect(dry.stdout).toContain('1 would be posted');
  });

  it('charges once where two people replay at the same time', async () => {
    const { advertiser, campaign } = await unpriced(60);
    await mend(campaign, '1');

    const [one, two] = await Promise.all([
      replay(campaign, '--rate', '40', '--json'),
      replay(campaign, '--rate', '40', '--json'),
    ]);
    await inStatus(() => lettersAbout(world, campaign), 'RESOLVED', 60);

    expect([one.code, two.code]).toEqual([0, 0]);
    const reports = [one, two].map(({ stdout }) => JSON.parse(stdout) as { sent: number; chosen: number });
    expect(reports.reduce((sum, { sent }) => sum + sent, 0)).toBe(60);
    expect(await world.historyOf(advertiser)).toHaveLength(60);
    expect(await world.balanceOf(advertiser)).toBe('940.000000');
  });

  it('stops at Ctrl-C between records, says what was done, and leaves the rest NEW', async () => {
    const { campaign } = await unpriced(40);
    await mend(campaign, '1');

    const running = new Cli(world.env, [
      'dlq',
      'replay',
      '--campaign',
      String(campaign.id),
      '--rate',
      '4',
      ...DECIDED,
      '--json',
    ]);
    await eventually('some are sent', 20_000, async () => {
      const rows = await lettersAbout(world, campaign);
      return rows.filter(({ status }) => status !== 'NEW').length >= 3;
    });
    running.signal('SIGINT');
    const { code, stdout, stderr } = await running.result;

    const report = JSON.parse(stdout) as { sent: number };
    expect({ code, ...report }).toMatchObject({ code: 130, chosen: 40, stopped: true, notSent: 0 });
    expect(stderr).toContain('stopping after the records under way');
    await inStatus(() => lettersAbout(world, campaign), 'RESOLVED', report.sent);
    await inStatus(() => lettersAbout(world, campaign), 'NEW', 40 - report.sent);
  });

  it('keeps to its rate', async () => {
    const { campaign } = await unpriced(30);
    await mend(campaign, '1');
    const begin = performance.now();

    await replay(campaign, '--rate', '15');

    expect(performance.now() - begin).toBeGreaterThan(1_900);
    await inStatus(() => lettersAbout(world, campaign), 'RESOLVED', 30);
  });

  it('replays what has no outcome after ten minutes, and nothing that waits for one', async () => {
    const { advertiser, campaign, letters } = await unpriced(2);
    await mend(campaign, '1');
    const [stale, fresh] = letters;
    await world.database.query(
      `update dead_letters set status = 'REPLAYED', replayed_at = now() - make_interval(mins => 9 + 2 * (id = $1)::int)
       where id in ($1, $2)`,
      [stale?.id, fresh?.id],
    );

    const { stdout } = await replay(campaign);
    const resolved = await inStatus(() => lettersAbout(world, campaign), 'RESOLVED');

    expect(stdout).toMatch(/^sent 1 of 1 dead letter\n/);
    expect(resolved.map(({ status }) => status).sort()).toEqual(['REPLAYED', 'RESOLVED']);
    expect(await world.historyOf(advertiser)).toHaveLength(1);
  });

  it('discards, which nothing replays after', async () => {
    const { campaign } = await unpriced(2);

    const dry = await cli('discard', '--campaign', String(campaign.id), '--dry-run');
    const untouched = await lettersAbout(world, campaign);
    const done = await cli('discard', '--campaign', String(campaign.id), '--by', 'lee', '--reason', 'a test of theirs');

    expect(dry.stdout).toMatch(/^would be discarded:\ncount +topic.*\n2 +ad-events +UNKNOWN_PRICE/);
    expect(untouched.map(({ status }) => status)).toEqual(['NEW', 'NEW']);
    expect(done.code).toBe(0);
    expect(done.stdout).toMatch(/^discarded 2 of 2 dead letters\n {2}2 of ad-events, UNKNOWN_PRICE, money unknown: /);
    expect(await lettersAbout(world, campaign)).toMatchObject([
      { status: 'DISCARDED', actor: 'lee', reason: 'a test of theirs' },
      { status: 'DISCARDED' },
    ]);
    expect((await replay(campaign)).stdout).toBe('sent 0 of 0 dead letters\n');
  });

  it('groups by cause, with whom it touches and what was not charged', async () => {
    const one = await unpriced(3);
    const two = await unpriced(1, {}, one.advertiser);
    const unpricedFor = async () => {
      const { stdout } = await cli('groups', '--advertiser', String(one.advertiser.id), '--json');
      return (JSON.parse(stdout) as Record<string, unknown>[]).map(({ amount, pricedCount }) => [amount, pricedCount]);
    };

    const none = await unpricedFor();
    await mend(one.campaign, '0.25');
    const some = await unpricedFor();
    await world.redis.set(`cpc:${two.campaign.id}`, '2');
    const { stdout } = await cli('groups', '--advertiser', String(one.advertiser.id));

    expect([none, some]).toEqual([[[null, 0]], [['0.750000', 3]]]);
    expect(stdout.split('\n')).toHaveLength(3);
    expect(stdout).toMatch(
      /^4 +ad-events +UNKNOWN_PRICE +\S+ \S+Z +\S+ \S+Z +1 +2 +2.750000 not charged +campaignId #: neither/m,
    );
  });

  it('decides on one cause, as groups prints it, and says how much money that was', async () => {
    const { campaign, advertiser } = await unpriced(2);
    const refund = { advertiserId: advertiser.id, campaignId: campaign.id, compensationId: '' };
    const click = aClick({ campaignId: campaign.id, advertiserId: 0n });
    await world.produce('ad-events', [click]);
    await world.produce('compensation-events', [
      aCompensation({ ...refund, refundAmount: '1.25' }),
      aCompensation({ ...refund, refundAmount: '2' }),
    ]);
    await inStatus(() => lettersAbout(world, campaign), 'NEW', 5);
    await mend(campaign, '0.75');
    const filter = ['--campaign', String(campaign.id)];
    const grouped = await cli('groups', ...filter);
    const causeOf = (topic: string, code: string): string => {
      const [titles = '', ...rows] = grouped.stdout.split('\n');
      return rows.find((row) => row.includes(` ${topic} `) && row.includes(code))?.slice(titles.indexOf('cause')) ?? '';
    };
    const [unread, late] = [causeOf('ad-events', 'UNKNOWN_PRICE'), causeOf('compensation-events', 'INVALID_EVENT')];

    const listed = await cli('list', ...filter, '--cause', unread, '--json');
    const dry = await cli('discard', ...filter, '--cause', late, '--dry-run');
    const discarded = await cli('discard', ...filter, '--cause', late, '--by', 'lee', '--reason', 'of a test');
    const replayed = await cli('replay', ...filter, '--topic', 'ad-events', '--cause', unread, ...DECIDED, '--json');
    const rows = await inStatus(() => lettersAbout(world, campaign), 'RESOLVED', 2);

    expect((JSON.parse(listed.stdout) as { code: string }[]).map(({ code }) => code)).toEqual([
      'UNKNOWN_PRICE',
      'UNKNOWN_PRICE',
    ]);
    expect(dry.stdout).toMatch(
      /\n2 +compensation-events +INVALID_EVENT +\S+ \S+Z +3.250000 not refunded +compensationId/,
    );
    expect(discarded).toMatchObject({
      code: 0,
      stdout: `discarded 2 of 2 dead letters\n  2 of compensation-events, INVALID_EVENT, 3.250000 not refunded: ${late}\n`,
    });
    expect(JSON.parse(replayed.stdout)).toMatchObject({
      chosen: 2,
      causes: [
        { topic: 'ad-events', code: 'UNKNOWN_PRICE', cause: unread, count: 2, amount: '1.500000', pricedCount: 2 },
      ],
    });
    expect(rows.map(({ topic, error_code, status }) => [topic, error_code, status]).sort()).toEqual([
      ['ad-events', 'INVALID_EVENT', 'NEW'],
      ['ad-events', 'UNKNOWN_PRICE', 'RESOLVED'],
      ['ad-events', 'UNKNOWN_PRICE', 'RESOLVED'],
      ['compensation-events', 'INVALID_EVENT', 'DISCARDED'],
      ['compensation-events', 'INVALID_EVENT', 'DISCARDED'],
    ]);
  });

  it.each([['replay'], ['discard'], ['discard', '--dry-run'], ['replay', '--dry-run']])(
    'says that there is no such cause, instead of deciding on nothing: %s %s',
    async (...words) => {
      const { code, stderr } = await cli(...words, '--cause', 'campaignId #: is "blue"', ...DECIDED);

      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: `dlq ${words[0]}: --cause "campaignId #: is "blue"": there is no such cause; "dlq groups" prints those that there are\n`,
      });
    },
  );

  it('says what became of a cause of which none is left', async () => {
    const { campaign, letters } = await unpriced(1);
    const selected = ['--campaign', String(campaign.id), '--cause', letters[0]?.cause ?? ''];
    const decided = ['--by', 'lee', '--reason', 'of a test'];
    await cli('discard', ...selected, ...decided);

    const again = await cli('discard', ...selected, ...decided);
    const listed = await cli('list', ...selected, '--status', 'new');

    expect(again).toMatchObject({ code: 1, stdout: 'discarded 0 of 0 dead letters\n' });
    expect(again.stderr).toMatch(
      /^dlq discard: --cause "campaignId #: .*": none of its dead letters is chosen: .*\d DISCARDED/,
    );
    expect(listed).toMatchObject({ code: 0, stdout: 'there are none\n' });
    expect(listed.stderr).toMatch(/^dlq list: --cause ".*": none of its dead letters is chosen/);
  });

  it('lists and shows, for people and for programs', async () => {
    const { campaign, letters } = await unpriced(3);
    const [letter] = letters;
    const filter = ['--campaign', String(campaign.id)];

    const listed = await cli('list', ...filter);
    const page = await cli('list', ...filter, '--limit', '2', '--before', letters[2]?.id ?? '', '--json');
    const shown = await cli('show', letter?.id ?? '');
    const json = await cli('show', letter?.id ?? '', '--json');
    const atPlace = await cli('show', `ad-events:${letter?.partition}:${letter?.offset}`);

    expect(
      listed.stdout
        .split('\n')
        .slice(1, -1)
        .map((line) => line.split(' ')[0]),
    ).toEqual(letters.map(({ id }) => id).reverse());
    expect((JSON.parse(page.stdout) as { id: string }[]).map(({ id }) => id)).toEqual([letters[1]?.id, letter?.id]);
    expect(shown.stdout).toContain(
      `dead letter ${letter?.id}: NEW\n  record      ad-events, partition ${letter?.partition}`,
    );
    expect(shown.stdout).toContain(`\n  {\n    "eventType": "CLICK",\n`);
    expect(JSON.parse(json.stdout)).toMatchObject({
      id: letter?.id,
      code: 'UNKNOWN_PRICE',
      campaignId: String(campaign.id),
      value: { base64: letter?.value?.toString('base64'), text: letter?.value?.toString() },
      history: [{ attempt: 1, code: 'UNKNOWN_PRICE' }],
    });
    expect(atPlace).toEqual(shown);
    const none = await cli('list', '--campaign', '1', '--json');
    expect(JSON.parse(none.stdout)).toEqual([]);
    expect(await cli('show', '999999999')).toMatchObject({
      code: 1,
      stderr: 'dlq show: there is no dead letter 999999999\n',
    });
    expect(await cli('show', 'ad-events:0:999999999')).toMatchObject({
      code: 1,
      stderr: 'dlq show: there is no dead letter of ad-events:0:999999999\n',
    });
  });

  it('names the letters of a place where two groups failed, instead of showing one of them', async () => {
    const { letters } = await unpriced(1);
    const [{ id, topic, partition, offset } = letters[0] as LetterRow] = letters;
    const { rows } = await world.database.query<{ id: string }>(
      `insert into dead_letters (topic, partition, "offset", group_id, record_timestamp, error_code, error_message, failed_at)
       select topic, partition, "offset", 'another', record_timestamp, error_code, error_message, failed_at
       from dead_letters where id = $1 returning id`,
      [id],
    );

    const { code, stdout, stderr } = await cli('show', `${topic}:${partition}:${offset}`);

    await world.database.query('delete from dead_letters where id = $1', [rows[0]?.id]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(
      `dlq show: there are 2 dead letters of ${topic}:${partition}:${offset}; show one by its id:\n`,
    );
    expect(stderr).toContain(`  ${id} of click-balance-processor, failed `);
    expect(stderr).toContain(`  ${rows[0]?.id} of another, failed `);
  });

  it('counts them in a metric', async () => {
    const { campaign } = await unpriced(1);

    await eventually('the gauge counts the table', 40_000, async () => {
      const { rows } = await world.database.query<{ count: number }>(
        `select count(*)::int as count from dead_letters where topic = 'ad-events' and error_code = 'UNKNOWN_PRICE' and status = 'NEW'`,
      );
      const metrics = await (await fetch(`${world.workerUrl}/metrics`)).text();
      const line = `worker_dead_letters{topic="ad-events",code="UNKNOWN_PRICE",status="NEW"} ${rows[0]?.count}`;
      await pause(500);
      return metrics.includes(`${line}\n`) && metrics.includes('code="IDEMPOTENCY_CONFLICT",status="DISCARDED"} 0\n');
    });
    expect(await lettersAbout(world, campaign)).toHaveLength(1);
  });

  it.each([
    [['dlq'], 'dlq: what; there is list, groups, show, replay, discard'],
    [['dlq', 'replay', '--all'], 'dlq replay: --by NAME is missing: who decides this'],
    [['dlq', 'list', '--limits', '3'], 'dlq list: unknown option --limits'],
  ])('does nothing about %j, and says why', async (words, fault) => {
    const { code, stdout, stderr } = await runCli(world.env, ...words);

    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.split('\n')[0]).toBe(fault);
    expect(stderr).toContain(`npm run cli -- ${words.slice(0, 2).join(' ')} `);
    expect(stderr).not.toContain('account-for');
  });

  /** Clicks of a campaign without a price, dead by now. */
  async function unpriced(
    count: number,
    fields: Record<string, unknown> = {},
    owner?: Advertiser,
  ): Promise<{ advertiser: Advertiser; campaign: TestCampaign; letters: LetterRow[] }> {
    const advertiser = owner ?? (await world.advertiser());
    const campaign = await world.campaign(advertiser, { redisCpc: null });
    const click = () => aClick({ campaignId: campaign.id, advertiserId: advertiser.id, ...fields });
    await world.produce('ad-events', Array.from({ length: count }, click));
    const letters = await inStatus(() => lettersAbout(world, campaign), 'NEW', count);
    return { advertiser, campaign, letters };
  }

  const mend = (campaign: TestCampaign, cpc: string) =>
    world.database.query('update campaigns set cpc = $2 where id = $1', [campaign.id, cpc]);

  const replay = (campaign: TestCampaign, ...words: string[]): Promise<CliResult> =>
    cli('replay', '--campaign', String(campaign.id), ...DECIDED, ...words);

  /** All that a replay could change of these advertisers; others' tests go on meanwhile. */
  async function allOf(advertisers: readonly Advertiser[]): Promise<Record<string, unknown>> {
    const { rows } = await world.database.query<Record<string, unknown>>(
      `with mine as (select * from campaigns where advertiser_id = any ($1)),
            letters as (select d.* from dead_letters d join mine c on c.id = d.campaign_id)
       select (select count(*)::int from ad_balance_histories where advertiser_id = any ($1)) as histories,
              (select sum(balance)::text from advertisers where id = any ($1)) as balances,
              (select count(*)::int from campaign_transitions t join mine c on c.id = t.campaign_id) as transitions,
              (select md5(string_agg(c::text, ',' order by id)) from mine c) as campaigns,
              (select md5(string_agg(s::text, ',' order by s.campaign_id, day)) from daily_spend s join mine c on c.id = s.campaign_id) as spend,
              (select md5(string_agg(d::text, ',' order by id)) from letters d) as letters,
              (select md5(string_agg(a::text, ',' order by dead_letter_id, attempt)) from dead_letter_attempts a
               join letters d on d.id = a.dead_letter_id) as attempts`,
      [advertisers.map(({ id }) => id)],
    );
    const alerts = await Promise.all(advertisers.map((advertiser) => world.alertsAbout(advertiser)));
    return { ...rows[0], alerts: alerts.map(({ length }) => length) };
  }
});
