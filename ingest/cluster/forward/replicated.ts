/** Acknowledgement once Kafka has it (`cluster.ack`), on a node whose log of readings has no doors. */
import type { Clock } from '../../../devices/clock.ts';
import type { DurableEnd, Position } from '../../log/log.ts';
import { forwardError } from './errors.ts';

export interface ReplicatedOptions {
  /** How far Kafka has the log. */
  readonly forwardedEnd: DurableEnd;
  readonly clock: Clock;
  readonly waitMsMax: number;
}

/**
 * Resolves once every in-sync replica of Kafka has the log up to the position; rejects
 * FORWARD_NOT_REPLICATED where that takes too long: what is in the log goes to Kafka all the same.
 */
export async function untilReplicated(
  { forwardedEnd, clock, waitMsMax }: ReplicatedOptions,
  position: Position,
): Promise<void> {
  const late = new AbortController();
  const timer = clock.schedule(waitMsMax, () => late.abort());
  try {
    await forwardedEnd.waitBeyond(position - 1, late.signal);
  } finally {
    timer.cancel();
  }
  if (forwardedEnd.get() >= position) return;
  throw forwardError('FORWARD_NOT_REPLICATED', { position, waitMsMax });
}
