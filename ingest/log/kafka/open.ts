/** The port to Kafka over kafkajs. */
import type Cluster from 'kafkajs/src/cluster/index.js';
import type { Admin } from 'kafkajs';
import type { Clock } from '../../../devices/clock.ts';
import type { Logger } from '../../../devices/telemetry.ts';
import type { ClockSeen } from './clock-difference.ts';
import type { KafkaConfig } from './config.ts';
import type { Kafka } from './kafka.ts';
import { createClient, type ClientParts } from './client.ts';
import { createConnections } from './connections.ts';
import { kafkaErrorOf } from './errors-of.ts';
import { createFetcher } from './fetcher.ts';
import { groupOffsets, noteGroupOffsets } from './group-offsets.ts';
import { openMembership } from './membership.ts';
import { partitionEnds } from './partition-ends.ts';
import { createProducer } from './idempotent-producer.ts';
import { ensureTopics } from './topics.ts';
import { openTransactions } from './transactions.ts';

export interface KafkaOptions {
  readonly config: KafkaConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly clientId: string;
  readonly secrets: ClientParts['secrets'];
  readonly clockSeen?: ClockSeen;
}

/** Opens nothing yet: each part connects when it is first asked. */
export function openKafka(options: KafkaOptions): Kafka {
  const { config, clock, clockSeen } = options;
  const client = createClient(options);
  const fetcher = createFetcher({ clock, config, openCluster: client.openCluster });
  const asking = createAsking(client.openCluster);

  return {
    openProducer: async () => {
      const { requestTimeoutMs } = config;
      const { openCluster } = client;
      return createProducer({ openCluster, clock, requestTimeoutMs, clockSeen });
    },
    openTransactions: (transactionalId) =>
      openTransactions({ client, config, clock, clockSeen }, transactionalId),
    openReader: (topic, partition, offset) => fetcher.openReader(topic, partition, offset),
    ends: (topic) =>
      asking.ask({ topic }, async (cluster) =>
        partitionEnds(cluster, topic, await partitionsOf(cluster, topic)),
      ),
    ensureTopics: (topics) =>
      withAdmin(client.kafkajs.admin(), (admin) => ensureTopics(admin, topics)),
    join: (membership) => openMembership({ client, clock, config }, membership),
    groupOffsets: (group, topic) =>
      asking.ask({ group, topic }, async (cluster) =>
        groupOffsets(cluster, { group, topic }, await partitionsOf(cluster, topic)),
      ),
    noteGroupOffsets: (group, topic, offsets) =>
      asking.ask({ group, topic }, (cluster) =>
        noteGroupOffsets(cluster, { group, topic }, offsets),
      ),
    async close() {
      await fetcher.close();
      await asking.close();
    },
  };
}

/** One connection for questions; after an error the next question opens another. */
function createAsking(openCluster: () => Cluster) {
  const connections = createConnections(openCluster);
  return {
    async ask<Answer>(
      fields: Readonly<Record<string, unknown>>,
      work: (cluster: Cluster) => Promise<Answer>,
    ): Promise<Answer> {
      try {
        return await work(await connections.opened());
      } catch (error) {
        await connections.drop();
        throw kafkaErrorOf(error, fields);
      }
    },
    close: connections.close,
  };
}

async function partitionsOf(cluster: Cluster, topic: string): Promise<number[]> {
  await cluster.addMultipleTargetTopics([topic]);
  return cluster
    .findTopicPartitionMetadata(topic)
    .map(({ partitionId }) => partitionId)
    .sort((a, b) => a - b);
}

async function withAdmin<Answer>(
  admin: Admin,
  work: (admin: Admin) => Promise<Answer>,
): Promise<Answer> {
  try {
    await admin.connect();
    return await work(admin);
  } catch (error) {
    throw kafkaErrorOf(error);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}
