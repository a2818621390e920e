/**
 * Whether this machine's clock is Kafka's. A node's clock says when a reading came and when a row was
 * published: one that is wrong loses nothing, but makes what is right look implausible (CLOCK).
 */
import type { Telemetry } from '../../devices/telemetry.ts';
import type { ClockSeen } from '../log/kafka/clock-difference.ts';

/**
 * Beyond it the clocks differ: clocks that are kept by NTP are not. An api that is ahead by more than
 * a batch may take (`cluster.settleMs`, 5 s) tells of a moment before all of it is there.
 */
const differenceMsMax = 2_000;
const secondMs = 1_000;

/** `thread`: which of the node's threads asks. */
export function openClockWatch({ logger, metrics }: Telemetry, thread: string): ClockSeen {
  const ahead = metrics.gauge(
    'quantrac_kafka_clock_ahead_seconds',
    'By how much the clock of this node is ahead of that of Kafka; negative where it is behind.',
    ['thread'],
  );
  let isWrong = false;
  return (aheadMs) => {
    ahead.set(aheadMs / secondMs, { thread });
    const wasWrong = isWrong;
    isWrong = Math.abs(aheadMs) > differenceMsMax;
    const fields = { aheadSeconds: Math.round(aheadMs / secondMs) };
    if (isWrong && !wasWrong) {
      logger.error(fields, 'The clocks of this node and of Kafka differ: one of them is wrong.');
    }
    if (wasWrong && !isWrong) logger.info(fields, 'The clocks of this node and of Kafka agree.');
  };
}
