import type { Config } from '../config/config.js';
import { counted } from '../platform/counted.js';
import { surveyCluster, type ClusterSurvey } from '../platform/kafka/cluster-survey.js';
import { DEAD_LETTER_SUFFIX, RETRY_SUFFIX } from '../platform/kafka/dead-letter.js';
import type { DeclaredHandler } from '../platform/kafka/declared-handlers.js';
import { describeKafkaError } from '../platform/kafka/describe-kafka-error.js';
import { OWN_TOPICS } from '../platform/kafka/kafka.module.js';
import { failed, ok, some, within, type Check } from './check.js';
import { checkTopics } from './topic-checks.js';

const ANSWER_WITHIN_MS = 15_000;

/** The brokers, the topics of `handlers` with what the Worker makes beside them, and the rights on all that. */
export async function checkKafka(kafka: Config['kafka'], handlers: readonly DeclaredHandler[]): Promise<Check[]> {
  const origins = [...new Set(handlers.map(({ topic }) => topic))];
  const companions = origins.flatMap((topic) => [topic + DEAD_LETTER_SUFFIX, topic + RETRY_SUFFIX]);
  const groups = [...new Set(handlers.map(({ group }) => group))];
  try {
    const asked = {
      topics: [...origins, ...companions],
      creatable: [...origins.filter((topic) => OWN_TOPICS.includes(topic)), ...companions],
      groups,
    };
    const survey = await within(ANSWER_WITHIN_MS, surveyCluster(kafka, asked));
    return [
      ok('kafka', `${survey.brokers} ${survey.brokers === 1 ? 'broker answers' : 'brokers answer'}`),
      ...checkTopics(survey, { origins, ownTopics: OWN_TOPICS }),
      checkRights(survey, groups),
    ];
  } catch (error) {
    const reason = describeKafkaError(error).replaceAll(kafka.sasl?.password ?? '\0', '***');
    const login =
      kafka.sasl === undefined ? 'KAFKA_SSL' : 'KAFKA_SSL, KAFKA_SASL_MECHANISM and the user with its password';
    return [failed('kafka', `Kafka cannot be asked: ${reason}`, `look at KAFKA_BROKERS, ${login}, and at the brokers`)];
  }
}

function checkRights(
  { refusedGroups, settingsRefused, hasAuthorizer }: ClusterSurvey,
  groups: readonly string[],
): Check {
  const name = 'kafka rights';
  const refused = [...refusedGroups].map(([group, reason]) => `group ${group}: ${reason}`);
  if (settingsRefused !== undefined) refused.push(`settings of topics: ${settingsRefused}`);
  if (refused.length > 0) {
    return failed(
      name,
      `refused: ${some(refused)}`,
      'grant Read on the groups and topics, Write and Create on alert-events and each .dlq and .retry, DescribeConfigs on all topics',
    );
  }
  if (hasAuthorizer === false) return ok(name, 'the brokers have no authorizer: everybody may do everything');
  return ok(
    name,
    `topics and ${counted(groups.length, 'group')} can be described; whether they can be read and written is unknown, since only doing it tells`,
  );
}
