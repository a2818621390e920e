/** What the cluster is called in Kafka: topics, groups, transactional ids; all begin with the prefix. */
import type { TopicSpecification } from '../log/kafka/kafka.ts';
import type { ClusterConfig } from './config.ts';

export interface ClusterNames {
  readonly topics: {
    readonly readings: string;
    readonly observations: string;
    readonly registry: string;
  };
  readonly groups: {
    /** Members share the deciding of partitions. */
    readonly ingest: string;
    /** Members share the writing into InfluxDB. */
    readonly sink: string;
    /** Has no members: what is noted of how far InfluxDB has come. */
    readonly sinkNotes: string;
  };
  readonly registryWriter: string;
  batchWriterOf(partition: number): string;
}

export function namesOf(prefix: string): ClusterNames {
  return {
    topics: {
      readings: `${prefix}readings`,
      observations: `${prefix}observations`,
      registry: `${prefix}registry`,
    },
    groups: {
      ingest: `${prefix}ingest`,
      sink: `${prefix}sink`,
      sinkNotes: `${prefix}sink-notes`,
    },
    registryWriter: `${prefix}registry`,
    batchWriterOf: (partition) => `${prefix}observations-${partition}`,
  };
}

const dayMs = 86_400_000;
const forEver = -1;

export function topicsOf(config: ClusterConfig): TopicSpecification[] {
  const { topics } = namesOf(config.kafka.topicPrefix);
  const { replicationFactor, minInsyncReplicas, messageBytesMax } = config.kafka;
  const common = { replicationFactor, minInsyncReplicas, messageBytesMax };
  return [
    {
      ...common,
      topic: topics.readings,
      partitions: config.partitions,
      cleanupPolicy: 'delete',
      retentionMs: config.kafka.readingsRetentionDays * dayMs,
    },
    {
      ...common,
      topic: topics.observations,
      partitions: config.partitions,
      cleanupPolicy: 'delete',
      retentionMs: forEver,
    },
    {
      ...common,
      topic: topics.registry,
      partitions: 1,
      cleanupPolicy: 'compact',
      retentionMs: forEver,
    },
  ];
}
