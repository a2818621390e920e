/** Takes all partitions of a group whose members have all stopped, so that nobody works meanwhile. */
import { sleep, type Clock } from '../../devices/clock.ts';
import type { Kafka, Membership } from '../log/kafka/kafka.ts';

export interface AloneOptions {
  readonly kafka: Kafka;
  readonly clock: Clock;
  readonly group: string;
  readonly topic: string;
  readonly partitions: number;
  /** A member that died is missed by its group only then. */
  readonly sessionTimeoutMs: number;
}

/** The number of no node: those begin at 1. */
const nobody = 0;
const lookMs = 50;
/** To come in, and to be given what a dead member is no longer missed for. */
const sessions = 3;

/** Undefined where others are in the group still: they go on with what they have. */
export async function joinAlone(options: AloneOptions): Promise<Membership | undefined> {
  const { kafka, clock, group, topic, partitions, sessionTimeoutMs } = options;
  let assigned = 0;
  const membership = await kafka.join({
    group,
    topic,
    node: nobody,
    held: () => [],
    lost: () => undefined,
    assigned(given) {
      assigned = given.length;
    },
  });
  const until = clock.monotonicMs() + sessions * sessionTimeoutMs;
  while (clock.monotonicMs() < until) {
    if (assigned === partitions) return membership;
    await sleep(clock, lookMs);
  }
  await membership.close();
  return undefined;
}
