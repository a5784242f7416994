import { until } from './polling.mjs';

const TOPIC_MS = 30_000;

/** The few questions the stack has for its broker. */
export class KafkaClient {
  #port;

  /** @param {number} port */
  constructor(port) {
    this.#port = port;
  }

  /** Whether it answers, is this very cluster, and every partition can be written. @param {string} [clusterId] */
  async isReady(clusterId) {
    return this.#ask(async (admin) => {
      const cluster = await admin.describeCluster();
      if ((clusterId && cluster.clusterId !== clusterId) || cluster.brokers.length === 0) return false;
      const { topics } = await admin.fetchTopicMetadata();
      return topics.every((topic) => topic.partitions.every((partition) => partition.leader >= 0));
    });
  }

  /** @param {import('./stack.mjs').Topic[]} topics */
  async createTopics(topics) {
    if (topics.length === 0) return;
    const wanted = topics.map(({ topic, partitions, config = {} }) => ({
      topic,
      numPartitions: partitions,
      replicationFactor: 1,
      configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
    }));
    // A broker that has just come up may not be known to its controller yet. False means that they are there already.
    const create = () => this.#ask(async (admin) => (await admin.createTopics({ topics: wanted }), true));
    await until(create, { deadlineMs: TOPIC_MS, waitingFor: 'making the topics' });
  }

  /** A broker makes the topic of its groups when the first of them asks; clients would back off for seconds. */
  async warmUpGroups() {
    const look = () =>
      this.#ask(async (admin) => {
        await admin.fetchTopicMetadata(); // the client asks only brokers that it knows
        await admin.fetchOffsets({ groupId: 'stack' });
        return true;
      });
    await until(look, { deadlineMs: TOPIC_MS, waitingFor: 'the group coordinator' });
  }

  async #ask(question) {
    const { Kafka, logLevel } = (await import('kafkajs')).default; // installed by prepare(), perhaps just now
    const kafka = new Kafka({
      clientId: 'stack',
      brokers: [`127.0.0.1:${this.#port}`],
      logLevel: logLevel.NOTHING,
      connectionTimeout: 1_000,
      retry: { retries: 0 },
    });
    const admin = kafka.admin();
    try {
      await admin.connect();
      return await question(admin);
    } finally {
      await admin.disconnect();
    }
  }
}
