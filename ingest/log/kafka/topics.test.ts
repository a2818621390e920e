import type { Admin } from 'kafkajs';
import { expect, it } from 'vitest';
import type { TopicSpecification } from './kafka.ts';
import { ensureTopics } from './topics.ts';

const wanted: TopicSpecification = {
  topic: 'readings',
  partitions: 2,
  replicationFactor: 3,
  minInsyncReplicas: 2,
  cleanupPolicy: 'delete',
  retentionMs: 1_000,
  messageBytesMax: 1_000,
};

const right = {
  'min.insync.replicas': '2',
  'cleanup.policy': 'delete',
  'retention.ms': '1000',
  'retention.bytes': '-1',
  'max.message.bytes': '1000',
  'message.timestamp.type': 'LogAppendTime',
  'unclean.leader.election.enable': 'false',
  'compression.type': 'producer',
};

interface Present {
  readonly replicas?: number;
  readonly settings?: Partial<typeof right>;
}

/** A cluster of three that has the topic already. */
function adminOf({ replicas = 3, settings = {} }: Present): Admin {
  const partition = { replicas: Array.from({ length: replicas }, (_, server) => server) };
  const admin: Partial<Record<keyof Admin, unknown>> = {
    listTopics: async () => [wanted.topic],
    fetchTopicMetadata: async () => ({
      topics: [{ name: wanted.topic, partitions: [partition, partition] }],
    }),
    describeConfigs: async () => ({
      resources: [
        {
          configEntries: Object.entries({ ...right, ...settings }).map(
            ([configName, configValue]) => ({ configName, configValue }),
          ),
        },
      ],
    }),
  };
  return admin as Admin;
}

it('a topic that is as it must be, or better, is taken', async () => {
  await ensureTopics(adminOf({}), [wanted]);
  const better = { 'min.insync.replicas': '3', 'retention.ms': '-1', 'max.message.bytes': '2000' };
  await ensureTopics(adminOf({ replicas: 4, settings: better }), [wanted]);
});

it.each<[string, Present, unknown, unknown]>([
  ['replication.factor', { replicas: 2 }, 2, '3 or more'],
  ['min.insync.replicas', { settings: { 'min.insync.replicas': '1' } }, '1', '2 or more'],
  ['cleanup.policy', { settings: { 'cleanup.policy': 'compact' } }, 'compact', 'delete'],
  ['retention.ms', { settings: { 'retention.ms': '999' } }, 999, 1_000],
  ['retention.bytes', { settings: { 'retention.bytes': '5' } }, 5, -1],
  ['max.message.bytes', { settings: { 'max.message.bytes': '999' } }, '999', '1000 or more'],
  [
    'message.timestamp.type',
    { settings: { 'message.timestamp.type': 'CreateTime' } },
    'CreateTime',
    'LogAppendTime',
  ],
  [
    'unclean.leader.election.enable',
    { settings: { 'unclean.leader.election.enable': 'true' } },
    'true',
    'false',
  ],
  ['compression.type', { settings: { 'compression.type': 'zstd' } }, 'zstd', 'producer'],
])('a topic is refused by its %s', async (setting, present, is, mustBe) => {
  await expect(ensureTopics(adminOf(present), [wanted])).rejects.toMatchObject({
    code: 'KAFKA_TOPIC_WRONG',
    fields: { topic: 'readings', setting, is, mustBe },
  });
});

it('a topic that is missing is made as it must be', async () => {
  const made: { readonly topic: string; readonly configEntries: readonly object[] }[] = [];
  const admin = {
    ...adminOf({}),
    listTopics: async () => [],
    createTopics: async ({ topics }: { readonly topics: typeof made }) => {
      made.push(...topics);
      return true;
    },
  } as unknown as Admin;
  await ensureTopics(admin, [wanted]);
  expect(made).toMatchObject([{ topic: 'readings', numPartitions: 2, replicationFactor: 3 }]);
  const settings = Object.entries(right).map(([name, value]) => ({ name, value }));
  expect(made[0]?.configEntries).toHaveLength(settings.length);
  expect(made[0]?.configEntries).toEqual(expect.arrayContaining(settings));
});

it('more copies than there are servers are told by the key, and any other refusal as it is', async () => {
  const refusing = (type: string): Admin => ({
    ...adminOf({}),
    listTopics: async () => [],
    createTopics: async () => {
      throw Object.assign(new Error('Topic creation errors'), { errors: [{ type }] });
    },
  });
  await expect(
    ensureTopics(refusing('INVALID_REPLICATION_FACTOR'), [wanted]),
  ).rejects.toMatchObject({
    code: 'KAFKA_SERVERS_TOO_FEW',
    canRetry: true,
    fields: { key: 'cluster.kafka.replicationFactor', is: 3 },
  });
  await expect(ensureTopics(refusing('POLICY_VIOLATION'), [wanted])).rejects.toThrow(
    'Topic creation errors',
  );
});
