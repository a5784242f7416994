// `npm run cli -- doctor` against a broker whose topics are set up in every wrong way, and a Postgres with few connections.
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findings, type Findings } from '../support/doctor.js';
import { OwnWorld } from '../support/own-world.js';

const own = new OwnWorld({
  topics: [],
  postgresSettings: { max_connections: '18' },
  kafkaSettings: {
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'allow.everyone.if.no.acl.found': 'true',
  },
});
beforeAll(() => own.open());
afterAll(() => own.close());

const look = (): Promise<Findings> => findings({ ...own.stack.env });
const settings = (of: Record<string, string>) => Object.entries(of).map(([name, value]) => ({ name, value }));

describe('doctor, of Kafka', () => {
  it('misses the topics that their writers make, and none that the Worker makes itself', async () => {
    const { of } = await look();

    expect(of('topics')).toMatchObject({ outcome: 'failed' });
    expect(of('topics')?.found).toContain('there is no ad-events and no compensation-events');
    expect(of("the Worker's topics")).toMatchObject({ outcome: 'ok' });
    expect(of("the Worker's topics")?.found).toContain('the Worker may make them');
  });

  describe('where topics were made by hand', () => {
    let found: Findings;
    beforeAll(async () => {
      const { topics } = own.world;
      const wrong = { 'cleanup.policy': 'compact', 'message.timestamp.type': 'LogAppendTime' };
      await topics.create('ad-events', 3, settings({ 'max.message.bytes': '2000000' }));
      await topics.create('compensation-events', 2, settings({ ...wrong, 'min.insync.replicas': '2' }));
      await topics.create('ad-events.dlq', 1, settings({ 'max.message.bytes': '2000001', 'retention.ms': '-1' }));
      await topics.create(
        'ad-events.retry',
        3,
        settings({ 'max.message.bytes': '2065536', 'retention.ms': '3600000' }),
      );
      found = await look();
    });

    it.each([
      ['topics', 'ok', 'ad-events (3 partitions) and compensation-events (2 partitions)'],
      ["the Worker's topics", 'ok', '5 of 7 are missing'],
      ['partitions', 'warning', 'ad-events.dlq has 1 of 3'],
      ['replication', 'ok', 'a single broker'],
      ['min.insync.replicas', 'failed', 'compensation-events wants 2 of 1'],
      ['max.message.bytes', 'warning', 'ad-events.dlq takes 2000001, and 2065536 are needed'],
      ['retention', 'warning', 'ad-events.retry has retention.ms=3600000'],
      ['cleanup.policy', 'failed', 'compensation-events is compacted'],
      ['message.timestamp.type', 'warning', 'ad-events has CreateTime, compensation-events has LogAppendTime'],
      ['kafka rights', 'ok', 'whether they can be read and written is unknown'],
    ])('%s: %s', (name, outcome, text) => {
      expect(found.of(name)?.outcome).toBe(outcome);
      expect(found.of(name)?.found).toContain(text);
    });
  });

  it('says that Postgres has no connections left for a Worker, and how many it needs', async () => {
    const { of } = await look();

    expect(of('connections')).toMatchObject({ outcome: 'warning' });
    expect(of('connections')?.found).toMatch(/^\d+ of 15 connections of the server are in use.* one takes up to 16$/);
    expect(of('connections')?.remedy).toContain('raise max_connections (16 for each replica');
  });

  it('names the group whose offsets it may not ask for', async () => {
    const admin = own.world.topics.kafka.admin();
    await admin.connect();
    const denied = {
      resourceType: AclResourceTypes.GROUP,
      resourceName: 'compensation-processor',
      resourcePatternType: ResourcePatternTypes.LITERAL,
      principal: 'User:ANONYMOUS',
      host: '*',
      operation: AclOperationTypes.ALL,
      permissionType: AclPermissionTypes.DENY,
    };
    try {
      await admin.createAcls({ acl: [denied] });
    } finally {
      await admin.disconnect();
    }

    const { of } = await look();
    expect(of('kafka rights')).toMatchObject({ outcome: 'failed' });
    expect(of('kafka rights')?.found).toContain('group compensation-processor: ');
    expect(of('kafka rights')?.found).not.toContain('click-balance-processor');
  });
});
