import { expect, test } from 'vitest';
import { clusterConfigSchema } from './config.ts';
import { namesOf, topicsOf } from './names.ts';

const config = clusterConfigSchema.parse({
  node: 1,
  partitions: 7,
  kafka: {
    brokers: ['127.0.0.1:1'],
    topicPrefix: 'test-',
    replicationFactor: 5,
    minInsyncReplicas: 3,
    readingsRetentionDays: 2,
    messageBytesMax: 2_000_000,
  },
});

test('all names in Kafka begin with the prefix, so that two clusters never meet', () => {
  const names = namesOf('a.');
  const { topics, groups } = names;
  const all = [
    ...Object.values(topics),
    ...Object.values(groups),
    names.registryWriter,
    names.batchWriterOf(0),
    names.batchWriterOf(11),
  ];
  for (const name of all) expect(name).toMatch(/^a\./);
  expect(new Set(Object.values(topics)).size).toBe(3);
  expect(new Set(Object.values(groups)).size).toBe(3);
  expect(names.batchWriterOf(1)).not.toBe(names.batchWriterOf(11));
});

test('readings are kept as long as set, observations and the registry for ever', () => {
  const [readings, observations, registry] = topicsOf(config);
  expect(readings).toMatchObject({
    topic: 'test-readings',
    partitions: 7,
    cleanupPolicy: 'delete',
  });
  expect(readings?.retentionMs).toBe(2 * 86_400_000);
  expect(observations).toMatchObject({
    topic: 'test-observations',
    partitions: 7,
    retentionMs: -1,
  });
  expect(observations?.cleanupPolicy).toBe('delete');
  expect(registry).toMatchObject({ topic: 'test-registry', partitions: 1, retentionMs: -1 });
  expect(registry?.cleanupPolicy).toBe('compact');
});

test('every topic is as safe, and takes records as large, as set', () => {
  for (const topic of topicsOf(config)) {
    expect(topic).toMatchObject({
      replicationFactor: 5,
      minInsyncReplicas: 3,
      messageBytesMax: 2_000_000,
    });
  }
});
