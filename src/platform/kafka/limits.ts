/** Every bound of the transport in one place; tests shorten some of them. */
export const TRANSPORT_LIMITS = {
  /** Records whose handlers are started together. */
  chunkRecords: 100,
  /** Records of a partition under way: ten chunks at most, less where many partitions share what the group may have. */
  underWayRecords: 1_000,
  /** Records of a group under way. More bring no throughput: Postgres is busy by then, and each costs memory. */
  underWayOfGroup: 1_800,
  /** The same for a group that goes behind live records: it is slowed down, and what waits meanwhile is better left in Kafka. */
  underWayOfBackground: 600,
  /** Records of a partition that wait, for a retry or as their handler said, or take long, on top of those under way. Some 25 MB a partition. */
  parkedRecords: 10_000,
  /** Records of a partition from the lowest unsettled to the newest started; remembering them takes some 50 MB. */
  uncommittedRecords: 1_000_000,
  /** From then on a record counts as parked if it did not say before that it waits: it no longer holds up the others. */
  parkAfterMs: 1_000,
  /** Records of a partition that may still wait for room when its next batch is fetched. */
  queuedRecords: 1_000,
  /** How long a batch may wait for room; longer would starve the other partitions of its fetch, so it pauses instead. */
  holdMs: 300,
  /** So many records fail for the first time with none settled between, and it is an outage: no new ones are tried. */
  outageAfter: 5,
  /** First and longest pause before a transient failure is tried again. */
  retryFirstMs: 200,
  retryMaxMs: 5_000,
  /** An error that nobody classified is tried so often, then the record is poison. */
  unclassifiedAttempts: 3,
  /** So many poisoned like that in a row, and the consumer halts rather than drain its topic. */
  haltAfter: 20,
  /** A halted consumer tries one record so often. */
  probeEveryMs: 60_000,
  /** Settled offsets are committed so often. */
  commitEveryMs: 100,
  /** What is in hand gets so long when the process stops; the orchestrator's patience is 10 s. */
  drainMs: 6_000,
  /** A partition that comes back after a rebalance first lets its records under way end. */
  handOverMs: 1_000,
  sessionTimeoutMs: 30_000,
  /** So often a member hears whether its group is shared out anew. */
  heartbeatMs: 1_000,
  /** The same where live records wait: all members stop until the last one has heard. */
  heartbeatOfLiveMs: 100,
  /** Time without a fetch until a consumer counts as stuck, and until it is built anew. */
  stuckAfterMs: 30_000,
  rebuildAfterMs: 90_000,
  /** Pauses between new consumers after kafkajs gave one up, and how many faults that no outage explains are too many. */
  rebuildFirstMs: 500,
  rebuildMaxMs: 15_000,
  rebuildAttempts: 10,
  /** A consumer that ran so long was sound: the faults before it are forgotten. */
  soundAfterMs: 30_000,
  /** Several times a second, since stop, resume and rebalance wait for a fetch to end. */
  fetchWaitMs: 250,
  /** The same where live records wait: an assignment begins with one such pause, since nothing may be fetched before it is taken over. */
  fetchWaitOfLiveMs: 50,
  fetchBytesPerPartition: 512 * 1024,
  partitionsAtOnce: 3,
  /** Partitions added to a topic are seen after so long. */
  metadataMaxAgeMs: 30_000,
  /** The records of one send; well under the smallest `max.message.bytes` in use. */
  sendBytes: 512 * 1024,
  deadLetterMessageChars: 1_000,
  /** What a `.dlq` topic takes above its origin: the headers that are added. */
  deadLetterHeadroomBytes: 64 * 1024,
} as const;

export type TransportLimits = { readonly [K in keyof typeof TRANSPORT_LIMITS]: number };
