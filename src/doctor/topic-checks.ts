import { counted } from '../platform/counted.js';
import type { ClusterSurvey, TopicFacts } from '../platform/kafka/cluster-survey.js';
import { DEAD_LETTER_SUFFIX, RETRY_SUFFIX } from '../platform/kafka/dead-letter.js';
import { TRANSPORT_LIMITS } from '../platform/kafka/limits.js';
import { isCompanion } from '../platform/kafka/topics.js';
import { failed, ok, some, warning, type Check } from './check.js';

interface Consumed {
  readonly origins: readonly string[];
  readonly ownTopics: readonly string[];
}

/** What the settings of the topics mean for the Worker. */
export function checkTopics(survey: ClusterSurvey, { origins, ownTopics }: Consumed): Check[] {
  const foreign = origins.filter((topic) => !ownTopics.includes(topic));
  const checks = [
    existence(survey, foreign),
    ownExistence(survey, origins, ownTopics),
    partitions(survey.topics, origins),
    replication(survey),
  ];
  // The other checks are of settings; that these cannot be read is said with the rights.
  if (survey.settingsRefused !== undefined) return checks;
  return [
    ...checks,
    inSync(survey.topics),
    recordSize(survey.topics, origins),
    retention(survey.topics),
    compaction(survey.topics),
    recordTimes(survey.topics, foreign),
  ];
}

type Topics = ClusterSurvey['topics'];

function existence({ topics }: ClusterSurvey, foreign: readonly string[]): Check {
  const missing = foreign.filter((topic) => !topics.has(topic));
  if (missing.length > 0) {
    const remedy = "make it, or grant Describe on it: the Worker waits for a topic that is its writer's to make";
    return failed('topics', `there is no ${missing.join(' and no ')} that this user may see`, remedy);
  }
  const sizes = foreign.map((topic) => `${topic} (${counted(topics.get(topic)?.partitions ?? 0, 'partition')})`);
  return ok('topics', `there are ${sizes.join(' and ')}`);
}

function ownExistence(
  { topics, notCreatable }: ClusterSurvey,
  origins: readonly string[],
  own: readonly string[],
): Check {
  const name = "the Worker's topics";
  if (notCreatable.size > 0) {
    const refused = [...notCreatable].map(([topic, reason]) => `${topic} (${reason})`);
    const remedy = 'grant Create on them, or make them: as many partitions as their origin, retention.ms=-1';
    return failed(name, `missing, and this user may not make them: ${some(refused)}`, remedy);
  }
  const wanted = origins.flatMap((topic) => [
    ...(own.includes(topic) ? [topic] : []),
    topic + DEAD_LETTER_SUFFIX,
    topic + RETRY_SUFFIX,
  ]);
  const missing = wanted.filter((topic) => !topics.has(topic));
  if (missing.length === 0) return ok(name, `all ${wanted.length} are there`);
  const [are, them] = missing.length === 1 ? ['is', 'it'] : ['are', 'them'];
  return ok(
    name,
    `${missing.length} of ${wanted.length} ${are} missing; the Worker may make ${them}, and does at its start`,
  );
}

function partitions(topics: Topics, origins: readonly string[]): Check {
  const name = 'partitions';
  const leaderless = [...topics].filter(([, { withoutLeader }]) => withoutLeader > 0).map(([topic]) => topic);
  if (leaderless.length > 0) {
    return failed(name, `partitions without a leader in ${some(leaderless)}`, 'bring their brokers back');
  }
  const fewer = pairs(topics, origins).filter(({ companion, origin }) => companion.partitions < origin.partitions);
  if (fewer.length === 0) return ok(name, 'no .dlq or .retry has fewer than its origin');
  const found = fewer.map(
    ({ topic, companion, origin }) => `${topic} has ${companion.partitions} of ${origin.partitions}`,
  );
  const commands = fewer.map(
    ({ topic, origin }) => `kafka-topics.sh --alter --topic ${topic} --partitions ${origin.partitions}`,
  );
  return warning(name, `${some(found)}: several partitions of the origin share one`, commands.join('; '));
}

function replication({ brokers, topics }: ClusterSurvey): Check {
  const name = 'replication';
  const single = [...topics].filter(([, { replicas }]) => replicas < 2).map(([topic]) => topic);
  if (single.length === 0) return ok(name, 'every topic has two copies or more');
  if (brokers === 1) return ok(name, 'a single broker, so a single copy: what it loses is lost');
  const remedy = 'kafka-reassign-partitions.sh with three replicas; set default.replication.factor for new topics';
  return warning(name, `a single copy of ${some(single)}: with its broker it is away, or lost`, remedy);
}

function inSync(topics: Topics): Check {
  const name = 'min.insync.replicas';
  const facts = [...topics].map(([topic, each]) => ({ topic, ...each, least: numberOf(each, name) ?? 1 }));
  const unwritable = facts.filter(({ least, replicas }) => least > replicas);
  if (unwritable.length > 0) {
    const found = unwritable.map(({ topic, least, replicas }) => `${topic} wants ${least} of ${replicas}`);
    return failed(name, `${some(found)}: nothing can be written there`, `more replicas, or a lower ${name}`);
  }
  const weak = facts.filter(({ least, replicas }) => replicas > 1 && least < 2).map(({ topic }) => topic);
  if (weak.length === 0) return ok(name, 'it fits the number of copies');
  const found = `1 for ${some(weak)}: a record may be acknowledged and be lost with one broker`;
  return warning(name, found, `kafka-configs.sh --alter --add-config ${name}=2`);
}

function recordSize(topics: Topics, origins: readonly string[]): Check {
  const name = 'max.message.bytes';
  const small = pairs(topics, origins).flatMap(({ topic, companion, origin }) => {
    const [has, takes] = [numberOf(companion, name), numberOf(origin, name)];
    if (has === undefined || takes === undefined) return [];
    const wanted = takes + TRANSPORT_LIMITS.deadLetterHeadroomBytes;
    return has < wanted ? [{ topic, has, wanted }] : [];
  });
  if (small.length === 0) return ok(name, 'each .dlq and .retry takes what its origin takes, and the headers on top');
  const found = small.map(({ topic, has, wanted }) => `${topic} takes ${has}, and ${wanted} are needed`);
  const commands = small.map(
    ({ topic, wanted }) =>
      `kafka-configs.sh --alter --entity-type topics --entity-name ${topic} --add-config ${name}=${wanted}`,
  );
  const means =
    'larger dead letters are kept in the table dead_letters alone, and cannot be replayed where .retry is too small';
  return warning(name, `${some(found)}: ${means}`, commands.join('; '));
}

function retention(topics: Topics): Check {
  const name = 'retention';
  const limited = [...topics].flatMap(([topic, facts]) =>
    ['retention.ms', 'retention.bytes']
      .filter((setting) => isCompanion(topic) && (numberOf(facts, setting) ?? -1) >= 0)
      .map((setting) => ({ topic, setting, value: numberOf(facts, setting) ?? 0 })),
  );
  if (limited.length === 0) return ok(name, 'every .dlq and .retry that is there is kept for ever');
  const found = limited.map(({ topic, setting, value }) => `${topic} has ${setting}=${value}`);
  const remedy = 'kafka-configs.sh --alter --add-config retention.ms=-1,retention.bytes=-1 for each of them';
  return warning(name, `${some(found)}: what is not read in time is gone`, remedy);
}

function compaction(topics: Topics): Check {
  const name = 'cleanup.policy';
  const compacted = [...topics]
    .filter(([, { settings }]) => settings.get(name)?.includes('compact') === true)
    .map(([topic]) => topic);
  if (compacted.length === 0) return ok(name, 'no topic is compacted');
  const found = `${some(compacted)} ${compacted.length === 1 ? 'is' : 'are'} compacted`;
  const remedy = `kafka-configs.sh --alter --add-config ${name}=delete`;
  return failed(name, `${found}: of the records with one key only the last is kept, charged or not`, remedy);
}

const TIMES: Readonly<Record<string, string>> = {
  CreateTime: 'the writer sets the time, which decides the budget day, and what it writes twice is two records',
  LogAppendTime: 'the broker sets the time, so a click counts for the day on which it arrived',
};

/** The time is a part of the idempotency key; either kind stays with a record for good. */
function recordTimes(topics: Topics, foreign: readonly string[]): Check {
  const name = 'message.timestamp.type';
  const types = foreign.flatMap((topic) => {
    const type = topics.get(topic)?.settings.get(name);
    return type === undefined ? [] : [{ topic, type }];
  });
  const distinct = new Set(types.map(({ type }) => type));
  if (distinct.size <= 1) {
    const [type = ''] = distinct;
    return ok(name, type === '' ? 'no topic to read it from' : `${type}: ${TIMES[type] ?? 'a kind that is not known'}`);
  }
  const found = types.map(({ topic, type }) => `${topic} has ${type}`).join(', ');
  const means = 'a click and its refund are dated by different clocks, and near midnight count for different days';
  return warning(name, `${found}: ${means}`, 'give both the same; records that are there already keep their time');
}

function pairs(topics: Topics, origins: readonly string[]) {
  return origins.flatMap((name) =>
    [name + DEAD_LETTER_SUFFIX, name + RETRY_SUFFIX].flatMap((topic) => {
      const [companion, origin] = [topics.get(topic), topics.get(name)];
      return companion === undefined || origin === undefined ? [] : [{ topic, companion, origin }];
    }),
  );
}

function numberOf({ settings }: TopicFacts, name: string): number | undefined {
  const text = settings.get(name);
  return text === undefined ? undefined : Number(text);
}
