/**
 * Membership of a consumer group, and nothing else of it: all partitions are paused, so kafkajs
 * fetches nothing and only keeps the member alive; the partitions are read by `fetcher.ts` from the
 * positions that `observations` holds. A member whose consumer gave up joins anew, and so does one
 * whose consumer has fallen silent: kafkajs can wait for ever for a server that hangs, and what the
 * member takes for its own is somebody else's meanwhile.
 */
import type { Consumer } from 'kafkajs';
import { sleep, type Clock } from '../../../devices/clock.ts';
import type { KafkaConfig } from './config.ts';
import type { Membership, MembershipOptions } from './kafka.ts';
import { createAssigner } from './assigner.ts';
import type { Client } from './client.ts';
import { kafkaErrorOf } from './errors-of.ts';
import { kafkaError } from './errors.ts';

export interface MembershipParts {
  readonly client: Pick<Client, 'kafkajs'>;
  readonly clock: Clock;
  readonly config: Pick<KafkaConfig, 'sessionTimeoutMs' | 'requestTimeoutMs' | 'fetchWaitMs'>;
}

const rejoinMs = 1_000;
/** A member that is alive answers a rebalance within one heartbeat. */
const heartbeatsInSession = 6;
/** How long leaving may take; behind it the session's end tells the others. */
const leaveMsMax = 2_000;

export async function openMembership(
  parts: MembershipParts,
  options: MembershipOptions,
): Promise<Membership> {
  const closing = Promise.withResolvers<void>();
  let isClosed = false;

  async function stay(): Promise<void> {
    while (!isClosed) {
      const member = join(parts, options);
      const error = await Promise.race([member.over, closing.promise]);
      if (!isClosed) options.lost(kafkaErrorOf(error, { group: options.group }));
      await member.leave();
      if (!isClosed) await Promise.race([sleep(parts.clock, rejoinMs), closing.promise]);
    }
  }

  const staying = stay();
  return {
    async close() {
      isClosed = true;
      closing.resolve();
      await staying;
    },
  };
}

interface Member {
  /** Resolves with the reason why it is no member any more, or never was. */
  readonly over: Promise<unknown>;
  /** Nothing is assigned any more. Resolves once the group knows, or cannot be told in time. */
  leave(): Promise<void>;
}

function join(parts: MembershipParts, options: MembershipOptions): Member {
  const { clock, config } = parts;
  const consumer = createConsumer(parts, options);
  const over = Promise.withResolvers<unknown>();
  const silence = watchSilence(clock, config, over.resolve);
  let hasLeft = false;
  consumer.on(consumer.events.HEARTBEAT, silence.broken);
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    silence.broken();
    if (!hasLeft) options.assigned(payload.memberAssignment[options.topic] ?? []);
  });
  consumer.on(consumer.events.CRASH, ({ payload }) => over.resolve(payload.error));
  const joining = runPaused(consumer, options.topic);
  joining.catch(over.resolve);
  return {
    over: over.promise,
    async leave() {
      hasLeft = true;
      silence.stop();
      // One that is still joining is disconnected at once, and again when it has joined after all.
      const left = Promise.allSettled([
        consumer.disconnect(),
        joining.then(() => consumer.disconnect()),
      ]);
      await Promise.race([left, sleep(clock, leaveMsMax)]);
    },
  };
}

async function runPaused(consumer: Consumer, topic: string): Promise<void> {
  await consumer.connect();
  await consumer.subscribe({ topics: [topic] });
  await consumer.run({ autoCommit: false, eachBatch: async () => undefined });
  consumer.pause([{ topic }]);
}

/** Tells when nothing was heard for longer than the group waits and one request may take. */
function watchSilence(
  clock: Clock,
  { sessionTimeoutMs, requestTimeoutMs }: MembershipParts['config'],
  tell: (error: unknown) => void,
) {
  const silentMsMax = sessionTimeoutMs + requestTimeoutMs;
  const say = (): void =>
    tell(kafkaError('KAFKA_UNREACHABLE', { reason: `no heartbeat in ${silentMsMax} ms` }));
  let timer = clock.schedule(silentMsMax, say);
  return {
    broken: (): void => {
      timer.cancel();
      timer = clock.schedule(silentMsMax, say);
    },
    stop: (): void => timer.cancel(),
  };
}

function createConsumer(
  { client, clock, config }: MembershipParts,
  options: MembershipOptions,
): Consumer {
  const { sessionTimeoutMs } = config;
  // Of each consumer: one that was given up, and that the group has not missed yet, is the earlier.
  const startedAt = clock.now();
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
