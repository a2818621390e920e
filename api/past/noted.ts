/** How far InfluxDB has come, asked of Kafka once for many questions. */
import type { Clock } from '../../devices/clock.ts';
import type { Position } from '../../ingest/log/log.ts';

/** By partition, the last batch that is wholly in InfluxDB. */
export type NotedPositions = ReadonlyMap<number, Position>;

export interface Noted {
  /** What was told to a question asked at that time of the monotonic clock or later. Rejects as `ask`. */
  since(askedAtMs: number): Promise<NotedPositions>;
}

export function shareNoted(
  ask: () => Promise<NotedPositions>,
  clock: Pick<Clock, 'monotonicMs'>,
): Noted {
  let toldAtMs = Number.NEGATIVE_INFINITY;
  let told: NotedPositions = new Map();
  let asking: Promise<void> | undefined;

  async function askNow(): Promise<void> {
    const askedAtMs = clock.monotonicMs();
    try {
      told = await ask();
      toldAtMs = askedAtMs;
    } finally {
      asking = undefined;
    }
  }

  return {
    async since(askedAtMs) {
      while (toldAtMs < askedAtMs) {
        asking ??= askNow();
        await asking;
      }
      return told;
    },
  };
}
