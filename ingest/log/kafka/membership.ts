/**
 * Membership of a consumer group, and nothing else of it: all partitions are paused, so kafkajs
 * fetches nothing and only keeps the member alive; the partitions are read by `fetcher.ts` from the
 * positions that `observations` holds. A member whose consumer gave up joins anew.
 */
import type { Consumer } from 'kafkajs';
import { sleep, type Clock } from '../../../devices/clock.ts';
import type { KafkaConfig } from './config.ts';
import type { Membership, MembershipOptions } from './kafka.ts';
import { createAssigner } from './assigner.ts';
import type { Client } from './client.ts';
import { kafkaErrorOf } from './errors-of.ts';

export interface MembershipParts {
  readonly client: Client;
  readonly clock: Clock;
  readonly config: Pick<KafkaConfig, 'sessionTimeoutMs' | 'fetchWaitMs'>;
}

const rejoinMs = 1_000;
/** A member that is alive answers a rebalance within one heartbeat. */
const heartbeatsInSession = 6;

export async function openMembership(
  parts: MembershipParts,
  options: MembershipOptions,
): Promise<Membership> {
  const startedAt = parts.clock.now();
  let consumer: Consumer | undefined;
  let isClosed = false;
  let crashed = Promise.withResolvers<unknown>();

  async function join(): Promise<void> {
    consumer = createConsumer(parts, options, startedAt);
    const own = consumer;
    own.on(own.events.GROUP_JOIN, ({ payload }) => {
      if (!isClosed) options.assigned(payload.memberAssignment[options.topic] ?? []);
    });
    own.on(own.events.CRASH, ({ payload }) => crashed.resolve(payload.error));
    await own.connect();
    await own.subscribe({ topics: [options.topic] });
    await own.run({ autoCommit: false, eachBatch: async () => undefined });
    own.pause([{ topic: options.topic }]);
  }

  async function stay(): Promise<void> {
    while (!isClosed) {
      crashed = Promise.withResolvers();
      try {
        await join();
        const error = await crashed.promise;
        if (isClosed) return;
        options.lost(kafkaErrorOf(error, { group: options.group }));
      } catch (error) {
        options.lost(kafkaErrorOf(error, { group: options.group }));
      }
      // It has left already, or cannot: the session's end tells the others.
      await consumer?.disconnect().catch(() => undefined);
      await sleep(parts.clock, rejoinMs);
    }
  }

  const staying = stay();
  return {
    async close() {
      isClosed = true;
      crashed.resolve(undefined);
      // Where Kafka is away nobody can be told; the session ends by itself.
      await consumer?.disconnect().catch(() => undefined);
      await staying;
    },
  };
}

function createConsumer(
  { client, config }: MembershipParts,
  options: MembershipOptions,
  startedAt: number,
): Consumer {
  const { sessionTimeoutMs } = config;
  const standing = () => ({
    node: options.node,
    startedAt,
    working: options.working?.() ?? [],
    held: options.held(),
  });
  return client.kafkajs.consumer({
    groupId: options.group,
    partitionAssigners: [createAssigner(standing, options.topic)],
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: sessionTimeoutMs,
    heartbeatInterval: Math.floor(sessionTimeoutMs / heartbeatsInSession),
    maxWaitTimeInMs: config.fetchWaitMs,
    allowAutoTopicCreation: false,
    // A consumer that gives up is made anew here, not by kafkajs beside it.
    retry: { retries: 5, restartOnFailure: async () => false },
  });
}
