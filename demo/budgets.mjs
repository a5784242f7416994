import { until } from '../stack/polling.mjs';
import { campaigns } from './campaigns.mjs';
import { chapter, patiently, say, table } from './terminal.mjs';
import { clicksOf } from './traffic.mjs';

const TOMORROW = ['--import', './demo/tomorrow.mjs'];
const DEADLINE_MS = 30_000;

/** A campaign is warned about, paused, announced, and runs again the next day. @param {import('./demo.mjs').Demo} demo */
export async function budgets(demo) {
  const campaign = campaigns.find(({ dailyBudget }) => dailyBudget);
  chapter(`“${campaign.name}” has a daily budget of ${campaign.dailyBudget}; each click costs ${campaign.redis}`);
  const rows = [];
  for (const clicks of [17, 1, 2, 1]) {
    const sent = clicksOf(campaign, clicks, 'budget');
    demo.promises.sent(sent);
    await demo.topics.send(sent);
    await demo.topics.settled(demo.worker);
    rows.push(await demo.ledger.campaignToday(campaign));
  }
  const alerts = await alertsAbout(demo, campaign, ['BUDGET_WARNING', 'CAMPAIGN_PAUSED']);
  const after = ['85 %', '90 %: a warning', '100 %: paused at once', 'served before anybody knew: charged'];
  table(
    ['clicks', 'spent', 'campaign', ''],
    rows.map(({ clicks, spent, status }, at) => [`${clicks}`, spent, status, after[at]]),
  );
  say('On alert-events, and as a message of its own at a stand-in for Slack:');
  showAlerts(alerts);
  const promised = ['ACTIVE', 'ACTIVE', 'PAUSED', 'PAUSED'];
  demo.promises.check(
    'status of a campaign with a budget',
    rows.map(({ status }) => status),
    promised,
  );
  await theNextDay(demo, campaign);
}

async function theNextDay(demo, campaign) {
  demo.promises.check('exit status of the Worker after SIGTERM', await demo.worker.end('SIGTERM'), 0);
  demo.worker = await patiently('starting the Worker again', () => demo.startWorker(TOMORROW));
  const alerts = await alertsAbout(demo, campaign, ['BUDGET_WARNING', 'CAMPAIGN_PAUSED', 'CAMPAIGN_RESUMED']);
  const { status } = await demo.ledger.campaignToday(campaign);
  say('The Worker is started again, its clock set to tomorrow by a preload of this demo:');
  showAlerts(alerts.slice(-1));
  demo.promises.check('status the next day', status, 'ACTIVE');
  demo.promises.check(`messages to Slack about ${campaign.name}`, await messagesAbout(demo, campaign, 3), 3);
}

function showAlerts(alerts) {
  for (const { type, message } of alerts) say(`${type}: ${message}`);
}

/** Waits until Slack has so many messages about the campaign. */
async function messagesAbout({ slack, worker }, { id, name }, count) {
  const mine = () => slack.texts.filter((text) => text.includes(`campaign ${id} `)).length;
  await until(() => mine() >= count, {
    deadlineMs: DEADLINE_MS,
    waitingFor: `${count} messages to Slack about ${name}`,
    unless: () => worker.failure,
  });
  return mine();
}

/** Waits until these alerts, each once, are what `alert-events` has about the campaign. */
async function alertsAbout({ topics, promises, worker }, { id, name }, types) {
  let alerts = [];
  const arrived = async () => {
    const all = (await topics.read('alert-events')).map(({ value }) => JSON.parse(`${value}`));
    alerts = all.filter(({ subject }) => subject.campaignId === `${id}`);
    return alerts.length >= types.length;
  };
  await until(arrived, {
    deadlineMs: DEADLINE_MS,
    waitingFor: `the alerts about ${name}`,
    unless: () => worker.failure,
  });
  promises.check(
    `alerts about ${name}`,
    alerts.map(({ type }) => type),
    types,
  );
  return alerts;
}
