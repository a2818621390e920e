import { sleep, type Clock } from '../devices/clock.ts';
import type { IngestConfig } from './config.ts';
import { ingestError } from './errors.ts';
import type { LogReader, Position } from './log/log.ts';
import { decodeBatch } from './observations/batch-codec.ts';
import type { StoreWriter } from './store/store.ts';

export interface CatchUpParts {
  /** Of `observations`; it is moved behind what the store holds. */
  readonly reader: LogReader;
  /** Durable end of `observations`. */
  readonly end: Position;
  /** Durable end of `readings`. */
  readonly readingsEnd: Position;
  readonly store: StoreWriter;
  readonly clock: Clock;
  readonly config: IngestConfig;
}

/**
 * Gives the store every batch that it does not hold yet; how many they were. A view that was removed
 * is built again so. Rejects INGEST_OBSERVATIONS_MISSING where a batch is not there,
 * INGEST_READINGS_SHORTENED where the observations know readings that the log of readings does not
 * have, and with the log's error where a batch cannot be read: what would be missing from every answer
 * must not be skipped.
 */
export async function catchUp(parts: CatchUpParts): Promise<number> {
  const { reader, end, store, config } = parts;
  let batches = 0;
  reader.seek(store.position + 1);
  while (store.position < end) {
    const records = await reader.read(config.store.followBytesMax);
    if (records.length === 0) break;
    for (const { position, body } of records) {
      // Behind the end writes somebody who took this partition over meanwhile.
      if (position > end) break;
      requireNext(store.position, position);
      store.apply(position, decodeBatch(position, body));
      batches++;
    }
    await flush(parts);
  }
  if (store.position < end) requireNext(store.position, end + 1);
  if (store.consumed > parts.readingsEnd) {
    const { consumed } = store;
    throw ingestError('INGEST_READINGS_SHORTENED', { consumed, readingsEnd: parts.readingsEnd });
  }
  return batches;
}

/** Whoever decides by a view with a hole repeats what is in the hole. */
function requireNext(held: Position, found: Position): void {
  if (found <= held + 1) return;
  throw ingestError('INGEST_OBSERVATIONS_MISSING', { held, found });
}

async function flush({ store, clock, config }: CatchUpParts): Promise<void> {
  if (store.wantsFlush) store.flushSlice(config.store.flushSliceMs);
  while (store.saturated) {
    store.flushSlice(config.store.flushSliceMs);
    await sleep(clock, 0);
  }
}
