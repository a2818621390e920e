import type { Clock } from '../../devices/clock.ts';
import { sleep } from '../../devices/clock.ts';
import type { DurableEnd, LogReader, Position } from '../log/log.ts';
import { decodeBatch } from '../observations/batch-codec.ts';
import type { Batch } from '../observations/batch.ts';
import type { StoreFollower } from './store.ts';

export interface FollowOptions {
  /** Of `observations`; it is moved behind what the store holds. */
  readonly reader: LogReader;
  readonly durableEnd: DurableEnd;
  readonly store: Pick<StoreFollower, 'position' | 'apply' | 'refresh' | 'saturated'>;
  /** Bytes of the log taken at once. */
  readonly bytesMax: number;
  readonly clock: Clock;
  /** Awaited before the store takes the batch, where the batch must wait for something. */
  readonly whenReady?: (batch: Batch) => Promise<void> | undefined;
  /** Called after the store has it, in order, each batch once; awaited before the next. */
  readonly onBatch?: (position: Position, batch: Batch) => void | Promise<void>;
  readonly signal: AbortSignal;
}

/** While the tail is full there is nothing to do but to see, this often, whether a flush made room. */
const saturatedWaitMs = 20;
/** Batches between two looks at the database's position. */
const refreshBatches = 256;

/**
 * Feeds a store with `observations` from what it holds on, until the signal aborts. Rejects with the
 * log's or the codec's error (LOG_…, INGEST_BATCH_…): what cannot be read must not be skipped here.
 */
export async function followObservations(options: FollowOptions): Promise<void> {
  const { reader, durableEnd, store, clock, signal } = options;
  reader.seek(store.position + 1);
  while (!signal.aborted) {
    const records = await reader.read(options.bytesMax);
    if (records.length === 0) {
      store.refresh();
      await durableEnd.waitBeyond(reader.next - 1, signal);
      continue;
    }
    let sinceRefresh = 0;
    for (const { position, body } of records) {
      const batch = decodeBatch(position, body);
      const waiting = options.whenReady?.(batch);
      if (waiting !== undefined) await waiting;
      if (signal.aborted) return;
      store.apply(position, batch);
      await options.onBatch?.(position, batch);
      sinceRefresh++;
      if (sinceRefresh % refreshBatches === 0) store.refresh();
      while (store.saturated && !signal.aborted) {
        store.refresh();
        if (store.saturated) await sleep(clock, saturatedWaitMs);
      }
    }
  }
}
