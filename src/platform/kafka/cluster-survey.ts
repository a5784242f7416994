import kafkajs, { type Admin } from 'kafkajs';
import { createKafka, withAdmin, type KafkaConnection } from './kafka-client.js';

/** A topic as it is set up. */
export interface TopicFacts {
  readonly partitions: number;
  /** Copies of the partition that has the fewest. */
  readonly replicas: number;
  readonly withoutLeader: number;
  /** Empty where this user may not read it. */
  readonly settings: ReadonlyMap<string, string>;
}

export interface ClusterSurvey {
  readonly brokers: number;
  /** Those of the topics asked for that there are, or that this user may see. */
  readonly topics: ReadonlyMap<string, TopicFacts>;
  /** Why settings cannot be read. */
  readonly settingsRefused: string | undefined;
  /** Of the topics that are missing: why they could not be made, by name. */
  readonly notCreatable: ReadonlyMap<string, string>;
  /** Of the groups asked for: why this user may not ask for their offsets. */
  readonly refusedGroups: ReadonlyMap<string, string>;
  /** Whether the brokers look at rights at all; undefined where they do not tell. */
  readonly hasAuthorizer: boolean | undefined;
}

interface Asked {
  readonly topics: readonly string[];
  /** Those of `topics` that the Worker makes where they are missing. */
  readonly creatable: readonly string[];
  readonly groups: readonly string[];
}

const SETTINGS = [
  'min.insync.replicas',
  'max.message.bytes',
  'retention.ms',
  'retention.bytes',
  'cleanup.policy',
  'message.timestamp.type',
];

/**
 * Looks at a cluster without changing anything in it.
 *
 * @throws the client's error when no broker answers, or none lets this user in
 */
export function surveyCluster(connection: KafkaConnection, asked: Asked): Promise<ClusterSurvey> {
  return withAdmin(createKafka(connection, 'click-worker-doctor'), async (admin) => {
    const { brokers } = await admin.describeCluster();
    const visible = new Set(await admin.listTopics());
    const present = asked.topics.filter((topic) => visible.has(topic));
    const settings = await settingsOf(admin, present);
    return {
      brokers: brokers.length,
      topics: await topicsOf(admin, present, settings.byTopic),
      settingsRefused: settings.refused,
      notCreatable: await reasons(
        asked.creatable.filter((topic) => !visible.has(topic)),
        (topic) => admin.createTopics({ validateOnly: true, waitForLeaders: false, topics: [{ topic }] }),
      ),
      refusedGroups: await reasons(asked.groups, (groupId) => admin.fetchOffsets({ groupId })),
      hasAuthorizer: await hasAuthorizer(admin),
    };
  });
}

async function topicsOf(
  admin: Admin,
  names: readonly string[],
  settings: ReadonlyMap<string, ReadonlyMap<string, string>>,
): Promise<Map<string, TopicFacts>> {
  // With no names it would be asked for all topics.
  if (names.length === 0) return new Map();
  const { topics } = await admin.fetchTopicMetadata({ topics: [...names] });
  return new Map(
    topics.map(({ name, partitions }) => [
      name,
      {
        partitions: partitions.length,
        replicas: Math.min(...partitions.map(({ replicas }) => replicas.length)),
        withoutLeader: partitions.filter(({ leader }) => leader < 0).length,
        settings: settings.get(name) ?? new Map<string, string>(),
      },
    ]),
  );
}

async function settingsOf(
  admin: Admin,
  names: readonly string[],
): Promise<{ byTopic: Map<string, ReadonlyMap<string, string>>; refused: string | undefined }> {
  const byTopic = new Map<string, ReadonlyMap<string, string>>();
  if (names.length === 0) return { byTopic, refused: undefined };
  try {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: names.map((name) => ({
        type: kafkajs.ConfigResourceTypes.TOPIC,
        name,
        configNames: SETTINGS,
      })),
    });
    for (const { resourceName, configEntries } of resources) {
      byTopic.set(resourceName, new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])));
    }
    return { byTopic, refused: undefined };
  } catch (error) {
    return { byTopic, refused: (error as Error).message };
  }
}

/** Why `ask` fails, of each for which it does. */
async function reasons(
  names: readonly string[],
  ask: (name: string) => Promise<unknown>,
): Promise<Map<string, string>> {
  const answers = await Promise.allSettled(names.map(ask));
  return new Map(
    answers.flatMap((answer, place) =>
      answer.status === 'fulfilled' ? [] : [[names[place] ?? '', reasonOf(answer.reason)] as const],
    ),
  );
}

function reasonOf(error: unknown): string {
  const { errors, message } = error as Error & { errors?: unknown[] };
  return errors?.[0] instanceof Error ? errors[0].message : message;
}

async function hasAuthorizer(admin: Admin): Promise<boolean | undefined> {
  const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;
  try {
    await admin.describeAcls({
      resourceType: AclResourceTypes.ANY,
      resourcePatternType: ResourcePatternTypes.ANY,
      operation: AclOperationTypes.ANY,
      permissionType: AclPermissionTypes.ANY,
    });
    return true;
  } catch (error) {
    const { type } = error as { type?: unknown };
    if (type === 'SECURITY_DISABLED') return false;
    return type === 'CLUSTER_AUTHORIZATION_FAILED' ? true : undefined;
  }
}
