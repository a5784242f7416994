import { describe, expect, it } from 'vitest';
import type { ClusterSurvey, TopicFacts } from '../platform/kafka/cluster-survey.js';
import type { Check } from './check.js';
import { checkTopics } from './topic-checks.js';

// What takes several brokers, or rights that a test's broker does not look at.
const SOUND = { 'min.insync.replicas': '2', 'max.message.bytes': '1048588', 'retention.ms': '604800000' };

const topic = (settings: Record<string, string> = {}, more: Partial<TopicFacts> = {}): TopicFacts => ({
  partitions: 3,
  replicas: 3,
  withoutLeader: 0,
  settings: new Map(Object.entries({ ...SOUND, ...settings })),
  ...more,
});

function check(name: string, topics: Record<string, TopicFacts>, more: Partial<ClusterSurvey> = {}): Check | undefined {
  const survey: ClusterSurvey = {
    brokers: 3,
    topics: new Map(Object.entries(topics)),
    settingsRefused: undefined,
    notCreatable: new Map(),
    refusedGroups: new Map(),
    hasAuthorizer: false,
    ...more,
  };
  const checks = checkTopics(survey, { origins: ['clicks', 'alerts'], ownTopics: ['alerts'] });
  return checks.find((each) => each.name === name);
}

describe('checkTopics', () => {
  it('is content with three replicas of which two must have a record', () => {
    expect(check('replication', { clicks: topic() })?.outcome).toBe('ok');
    expect(check('min.insync.replicas', { clicks: topic() })?.outcome).toBe('ok');
  });

  it('warns of a single copy where there are several brokers', () => {
    const found = check('replication', { clicks: topic({}, { replicas: 1 }) });

    expect(found).toMatchObject({ outcome: 'warning' });
    expect(found?.found).toContain('a single copy of clicks');
    expect(check('replication', { clicks: topic({}, { replicas: 1 }) }, { brokers: 1 })?.outcome).toBe('ok');
  });

  it('warns where one replica alone may acknowledge', () => {
    const found = check('min.insync.replicas', { clicks: topic({ 'min.insync.replicas': '1' }) });

    expect(found).toMatchObject({ outcome: 'warning' });
  });

  it('fails where a partition has no leader', () => {
    expect(check('partitions', { clicks: topic({}, { withoutLeader: 1 }) })).toMatchObject({
      outcome: 'failed',
      found: 'partitions without a leader in clicks',
    });
  });

  it('fails where the Worker may not make what is missing', () => {
    const notCreatable = new Map([['clicks.dlq', 'Topic authorization failed']]);
    const found = check("the Worker's topics", { clicks: topic() }, { notCreatable });

    expect(found).toMatchObject({ outcome: 'failed' });
    expect(found?.found).toContain('clicks.dlq (Topic authorization failed)');
  });

  it('says nothing of settings that it could not read', () => {
    const compacted = { clicks: topic({ 'cleanup.policy': 'compact' }) };

    expect(check('cleanup.policy', compacted)?.outcome).toBe('failed');
    expect(check('cleanup.policy', compacted, { settingsRefused: 'refused' })).toBeUndefined();
  });
});
