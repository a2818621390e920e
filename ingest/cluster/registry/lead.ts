import { CodedError } from '../../../devices/coded-error.ts';
import { sleep, type Clock } from '../../../devices/clock.ts';
import type { Random } from '../../../devices/random.ts';
import type { RegistryCopy } from '../../../devices/registry-copy.ts';
import type { Kafka, OutgoingRecord, TransactionalProducer } from '../../log/kafka/kafka.ts';
import { clusterRegistryError } from './errors.ts';
import type { RegistryEvents } from './events.ts';
import type { RegistryFollower } from './follow.ts';

/**
 * Writes to the registry of the cluster, one writer at a time: opens the transactional id, which ends
 * whoever wrote before; reads the topic to its end; decides; commits. Whoever is ended in this way
 * begins anew, on what the other wrote.
 */
export interface RegistryLead {
  /**
   * Runs `decide` on the newest state; what it asks for is written once, or not at all. It may run
   * more than once: only the last run counts. Rejects with what it throws; else
   * CLUSTER_REGISTRY_AWAY, …_BUSY or …_UNCERTAIN.
   */
  write<Result>(decide: () => Promise<Decision<Result>>): Promise<Result>;
}

export interface Decision<Result> {
  readonly result: Result;
  /** All or none become visible. Empty: there is nothing to write. */
  readonly records: readonly OutgoingRecord[];
  /** Whether the copy holds what the records say. */
  readonly isHeld: () => boolean;
  /** What it may have changed, for an error that leaves it open. */
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface LeadOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly transactionalId: string;
  readonly copy: RegistryCopy;
  readonly follower: RegistryFollower;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: RegistryEvents;
}

/** For the copy to come to the end of the topic, and for what is written to come back. */
const followMs = 10_000;
/** For one change with all its tries. */
const changeMs = 30_000;
const triesMax = 30;
const pauseMsMax = 1_000;

export function createRegistryLead(options: LeadOptions): RegistryLead {
  let last: Promise<unknown> = Promise.resolve();
  return {
    write(decide) {
      // Two writers of one process would only end each other.
      const written = last.then(() => writeOne(options, decide));
      last = written.then(
        () => undefined,
        () => undefined,
      );
      return written;
    },
  };
}

async function writeOne<Result>(
  options: LeadOptions,
  decide: () => Promise<Decision<Result>>,
): Promise<Result> {
  const { clock, random, events } = options;
  const until = clock.monotonicMs() + changeMs;
  /** Offered to Kafka, with no answer yet whether it is there. */
  let open: Decision<Result> | undefined;
  for (let tries = 1; ; tries++) {
    // The last time only looks what became of the one before.
    const isLast = tries > triesMax || clock.monotonicMs() >= until;
    try {
      const producer = await takeLead(options);
      try {
        if (open?.isHeld() === true) return open.result;
        open = undefined;
        if (isLast) throw clusterRegistryError('CLUSTER_REGISTRY_BUSY', { tries });
        const decision = await decide();
        if (decision.records.length === 0) return decision.result;
        open = decision;
        await commit(options, producer, decision);
        return decision.result;
      } finally {
        await producer.close();
      }
    } catch (error) {
      if (isLast || !isRepeated(error, open !== undefined)) throw finalError(error, open);
      events.changeRepeated({ tries, error });
    }
    // Those who end each other must not do so in step.
    await sleep(clock, random.next() * Math.min(pauseMsMax, 10 * 2 ** tries));
  }
}

/** From here on nobody else's commit passes, and the copy holds all that did. */
async function takeLead(options: LeadOptions): Promise<TransactionalProducer> {
  const { kafka, topic, copy, follower } = options;
  const producer = await kafka.openTransactions(options.transactionalId);
  try {
    const [ends] = await kafka.ends(topic);
    const end = ends?.end ?? 0;
    if (copy.next > end) {
      const fields = { topic, held: copy.next, end };
      throw clusterRegistryError('CLUSTER_REGISTRY_OTHER', fields);
    }
    await follower.until((next) => next >= end, followMs);
    return producer;
  } catch (error) {
    await producer.close();
    throw error;
  }
}

async function commit<Result>(
  { follower }: LeadOptions,
  producer: TransactionalProducer,
  { records, isHeld }: Decision<Result>,
): Promise<void> {
  await producer.commit(records);
  // It is committed. Where this node cannot see that yet, its follower says why, and takes nothing back.
  await follower.until(isHeld, followMs).catch(() => undefined);
}

/** Somebody else wrote, or it must be seen what became of what was written. */
function isRepeated(error: unknown, isOpen: boolean): boolean {
  if (!(error instanceof CodedError)) return false;
  if (error.code === 'KAFKA_FENCED' || error.code === 'KAFKA_OUTCOME_UNKNOWN') return true;
  return isOpen && error.canRetry;
}

function finalError(error: unknown, open: Decision<unknown> | undefined): unknown {
  if (!(error instanceof CodedError)) return error;
  if (open !== undefined && (error.canRetry || error.code === 'KAFKA_FENCED')) {
    return clusterRegistryError('CLUSTER_REGISTRY_UNCERTAIN', open.fields, error);
  }
  if (error.code === 'KAFKA_FENCED') {
    return clusterRegistryError('CLUSTER_REGISTRY_BUSY', {}, error);
  }
  const isAway = error.canRetry && error.code.startsWith('KAFKA_');
  return isAway ? clusterRegistryError('CLUSTER_REGISTRY_AWAY', {}, error) : error;
}
