/**
 * A log that is read no faster than so many bytes a second, by all its readers together: subscribers
 * that ask for the whole archive again and again share this thread with what devices wait for.
 */
import { sleep, type Clock } from '../../devices/clock.ts';
import type { DurableEnd, LogReader, Position } from '../../ingest/log/log.ts';

/** A log, as those who follow it open it. */
interface LogSource {
  readonly durableEnd: DurableEnd;
  openReader(position: Position): LogReader | Promise<LogReader>;
}

/** What opening a reader counts, since its place must be looked for. */
const openBytes = 16_384;

export function createPacedSource(
  source: LogSource,
  clock: Clock,
  bytesPerSecond: number,
): LogSource {
  let freeAtMs = 0;

  function charge(bytes: number): void {
    freeAtMs = Math.max(freeAtMs, clock.monotonicMs()) + (bytes / bytesPerSecond) * 1_000;
  }

  /** Until what was read before is paid for. */
  async function turn(): Promise<void> {
    for (;;) {
      const waitMs = freeAtMs - clock.monotonicMs();
      if (waitMs <= 0) return;
      await sleep(clock, waitMs);
    }
  }

  return {
    durableEnd: source.durableEnd,
    async openReader(position) {
      await turn();
      charge(openBytes);
      const reader = await source.openReader(position);
      return {
        get next() {
          return reader.next;
        },
        async read(bytesMax) {
          await turn();
          const records = await reader.read(bytesMax);
          charge(records.reduce((sum, { body }) => sum + body.length, 0));
          return records;
        },
        skipDamaged: () => reader.skipDamaged(),
        seek: (to) => reader.seek(to),
        close: () => reader.close(),
      };
    },
  };
}
