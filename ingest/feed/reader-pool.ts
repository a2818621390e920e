/**
 * Readers of the change feed that wait where a page ended, so that whoever asks for the next page
 * goes on at once. A reader holds copies of a few records: it is not used again after `keepMs`, so
 * that what a lawful erasure has taken out of the log does not outlive it here.
 */
import type { Clock } from '../../devices/clock.ts';
import type { FeedPlace, FeedPlaces } from './places/places.ts';
import type { LogSource } from './feed.ts';
import { openChangeReader, type ChangeReader } from './reading.ts';

export interface ReaderPool {
  /** A reader at this place, kept or new. */
  take(place: FeedPlace): Promise<ChangeReader>;
  /** Keeps the reader where it stands; the oldest goes when there are too many. */
  give(reader: ChangeReader): Promise<void>;
  close(): Promise<void>;
}

const keepMs = 10_000;

export interface ReaderPoolOptions {
  readonly source: LogSource;
  readonly places: FeedPlaces;
  readonly clock: Clock;
  readonly readersMax: number;
}

export function createReaderPool(options: ReaderPoolOptions): ReaderPool {
  const { source, places, clock, readersMax } = options;
  const kept: { readonly reader: ChangeReader; readonly untilMs: number }[] = [];

  async function dropOld(): Promise<void> {
    const nowMs = clock.monotonicMs();
    const old = kept.filter(({ untilMs }) => untilMs < nowMs);
    for (const entry of old) kept.splice(kept.indexOf(entry), 1);
    await Promise.all(old.map(({ reader }) => reader.close()));
  }

  return {
    async take(place) {
      await dropOld();
      const index = kept.findIndex(({ reader }) => places.isSame(reader.place, place));
      const [found] = index < 0 ? [] : kept.splice(index, 1);
      return found?.reader ?? openChangeReader(source, places, place);
    },
    async give(reader) {
      kept.push({ reader, untilMs: clock.monotonicMs() + keepMs });
      if (kept.length > readersMax) await kept.shift()?.reader.close();
    },
    async close() {
      await Promise.all(kept.splice(0).map(({ reader }) => reader.close()));
    },
  };
}
