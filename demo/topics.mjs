// The topics as the other systems see them.
import { until } from '../stack/polling.mjs';
import { removeMember } from '../stack/remove-member.mjs';

const DEADLINE_MS = 30_000;
const USERS = 500;
let readers = 0;

/** What the ad server writes and the group that reads it. */
export const AD_EVENTS = 'ad-events';
export const CLICK_GROUP = 'click-balance-processor';
/** What Flink writes and the group that reads it. */
export const COMPENSATION_EVENTS = 'compensation-events';
export const REFUND_GROUP = 'compensation-processor';

export class Topics {
  #kafka;
  #admin;
  #producer;
  #brokers;

  /** @param {string} brokers */
  async connect(brokers) {
    const { Kafka, logLevel } = (await import('kafkajs')).default;
    this.#brokers = brokers;
    this.#kafka = new Kafka({ clientId: 'demo', brokers: [brokers], logLevel: logLevel.NOTHING });
    this.#admin = this.#kafka.admin();
    this.#producer = this.#kafka.producer({ allowAutoTopicCreation: false });
    await Promise.all([this.#admin.connect(), this.#producer.connect()]);
    await this.#groupsWork();
  }

  /**
   * The first question about a group makes a new Kafka lay out its offsets, which takes half a second. Asked often here,
   * so that the Worker, whose client waits longer after each attempt, need not ask for it.
   */
  async #groupsWork() {
    const { Kafka, logLevel } = (await import('kafkajs')).default;
    const once = { clientId: 'demo', brokers: [this.#brokers], logLevel: logLevel.NOTHING, retry: { retries: 0 } };
    const admin = new Kafka(once).admin();
    await admin.connect();
    const ask = async () => (await admin.fetchOffsets({ groupId: CLICK_GROUP, topics: [AD_EVENTS] })).length > 0;
    await until(ask, { deadlineMs: DEADLINE_MS, waitingFor: 'Kafka’s group coordinator' });
    await admin.disconnect();
  }

  /** In one go, by the user who caused them, which spreads them over the partitions. */
  async send(records, topic = AD_EVENTS) {
    const messages = records.map(({ value }) => ({ key: `user-${Math.floor(Math.random() * USERS)}`, value }));
    await this.#producer.send({ topic, messages });
  }

  /** How many records each partition has had. @returns {Promise<Map<number, number>>} */
  async ends(topic = AD_EVENTS) {
    const offsets = await this.#admin.fetchTopicOffsets(topic);
    return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]));
  }

  async committed(groupId = CLICK_GROUP, topic = AD_EVENTS) {
    const [{ partitions }] = await this.#admin.fetchOffsets({ groupId, topics: [topic] });
    return new Map(partitions.map(({ partition, offset }) => [partition, Number(offset)]));
  }

  /**
   * Every record that stands in the topic now is settled: the group has committed the end.
   *
   * @param {import('../stack/worker-process.mjs').WorkerProcess} worker
   */
  async settled(worker, group = CLICK_GROUP, topic = AD_EVENTS) {
    const ends = await this.ends(topic);
    await until(
      async () => {
        const committed = await this.committed(group, topic);
        const open = [...ends].filter(([partition, end]) => (committed.get(partition) ?? -1) < end);
        const places = open.map(
          ([partition, end]) => `partition ${partition} at ${committed.get(partition)} of ${end}`,
        );
        if (open.length > 0) throw new Error(places.join(', '));
        return true;
      },
      {
        deadlineMs: DEADLINE_MS,
        waitingFor: `the commit of the end of ${topic} by ${group}`,
        unless: () => worker.failure,
      },
    );
  }

  /** All that a topic holds now. @param {string} topic */
  async read(topic) {
    const left = new Map([...(await this.ends(topic))].filter(([, end]) => end > 0));
    const records = [];
    if (left.size === 0) return records;
    const consumer = this.#kafka.consumer({ groupId: `demo-reader-${++readers}`, maxWaitTimeInMs: 50 });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ partition, message }) => {
        if (left.has(partition)) records.push(message);
        if (Number(message.offset) + 1 >= left.get(partition)) left.delete(partition);
      },
    });
    await until(() => left.size === 0, { deadlineMs: DEADLINE_MS, waitingFor: `reading ${topic}` });
    await consumer.disconnect();
    return records;
  }

  /** Tells the broker that the members of all groups are dead, as it would find out itself after their time-outs. */
  async removeMembers() {
    const { groups } = await this.#admin.listGroups();
    const described = await this.#admin.describeGroups(groups.map(({ groupId }) => groupId));
    for (const { groupId, members } of described.groups) {
      for (const { memberId } of members) await removeMember(this.#brokers, groupId, memberId);
    }
  }
}
