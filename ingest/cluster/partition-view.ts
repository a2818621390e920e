/** The view of a partition: the one in the folder, or a new one, which begins at the horizon. */
import { existsSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../devices/clock.ts';
import { CodedError } from '../../devices/coded-error.ts';
import type { Telemetry } from '../../devices/telemetry.ts';
import type { IngestConfig } from '../config.ts';
import type { OldRows } from '../adopt.ts';
import type { Kafka } from '../log/kafka/kafka.ts';
import type { Position } from '../log/log.ts';
import { decodeBatch } from '../observations/batch-codec.ts';
import type { Batch } from '../observations/batch.ts';
import { readViewState } from '../store/adopt-view.ts';
import { storeError, type StoreErrorCode } from '../store/errors.ts';
import { removeView } from '../store/schema.ts';
import type { StoreWriter } from '../store/store.ts';
import { openStoreWriter, type ViewBeginning } from '../store/writer.ts';
import { batchNumbered, type BatchPlaceInTopic } from './batches.ts';
import { beginningOf, lastBatchBefore } from './beginning.ts';
import { repeatForgetting } from './forgetting.ts';
import type { PartitionEvents } from './partition-events.ts';

/** What a view need not hold is asked of InfluxDB. */
export interface PartitionHorizon {
  /** A new view reaches back so far at least. */
  readonly lengthMs: number;
  /** Last batch of the partition that InfluxDB holds wholly, as of now. */
  readonly notedPosition: () => Promise<Position>;
  readonly oldRows: OldRows;
  /** Between two rounds of forgetting; absent: the usual time. */
  readonly forgetEveryMs?: number;
}

export interface PartitionViewOptions {
  readonly kafka: Kafka;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly events: PartitionEvents;
  readonly config: IngestConfig;
  readonly partition: number;
  readonly topics: { readonly observations: string };
  readonly storeId: string;
  readonly directory: string;
  readonly isCircular: (series: number) => boolean;
  /** Absent: the view holds everything. */
  readonly horizon?: PartitionHorizon | undefined;
}

/**
 * A view that knows more than Kafka holds, or another batch where it stands, is of a history that is
 * gone: it is built anew. `last`: the last batch of the partition.
 */
export async function openPartitionView(
  options: PartitionViewOptions,
  last: BatchPlaceInTopic | undefined,
): Promise<StoreWriter> {
  const { directory, events, partition, horizon } = options;
  const path = `${directory}/view.db`;
  const open = async (): Promise<StoreWriter> =>
    openStoreWriter({
      path,
      logEnd: last?.position ?? 0,
      clock: options.clock,
      telemetry: options.telemetry,
      config: options.config.store,
      isCircular: options.isCircular,
      storeId: `${options.storeId}/${partition}`,
      begin: horizon && (await beginning(options, horizon, path)),
    });
  try {
    const store = await open();
    try {
      await requireSameHistory(options, store, last);
    } catch (error) {
      store.close();
      throw error;
    }
    return store;
  } catch (error) {
    if (!(error instanceof CodedError) || !ofOtherHistory.has(error.code)) throw error;
    events.viewDropped({ partition, error });
    removeView(path);
    return open();
  }
}

const ofOtherHistory: ReadonlySet<string> = new Set<StoreErrorCode>([
  'STORE_AHEAD_OF_LOG',
  'STORE_OTHER_LOG',
  'STORE_OTHER_HISTORY',
]);

/** Kafka may have lost its end, and others have written on meanwhile. Rejects STORE_OTHER_HISTORY. */
async function requireSameHistory(
  { kafka, topics, partition }: PartitionViewOptions,
  store: StoreWriter,
  last: BatchPlaceInTopic | undefined,
): Promise<void> {
  const { position } = store;
  if (position === 0) return;
  const place = { kafka, topic: topics.observations, partition };
  const found = await batchNumbered(place, position, last);
  if (found === undefined) return;
  const batch = decodeBatch(position, found.value);
  if (isDeepStrictEqual(standingOf(batch), standingOf(store))) return;
  throw storeError('STORE_OTHER_HISTORY', { position, publishedAt: store.publishedAt });
}

/** What each batch tells anew. */
function standingOf({
  publishedAt,
  consumed,
  totals,
}: Pick<Batch, 'publishedAt' | 'consumed' | 'totals'>) {
  return { publishedAt, consumed, totals: { ...totals } };
}

/** Undefined: with the first batch, or where the view in the folder stands. */
async function beginning(
  options: PartitionViewOptions,
  horizon: PartitionHorizon,
  path: string,
): Promise<ViewBeginning | undefined> {
  const { kafka, clock, config, topics, partition, events } = options;
  const at = clock.now() - horizon.lengthMs;
  const held = existsSync(path) ? readViewState(path) : undefined;
  if (held !== undefined && held.publishedAt >= at) return undefined;
  const place = { kafka, topic: topics.observations, partition };
  const found = await lastBatchBefore(place, { at, upTo: await horizon.notedPosition() });
  const begin = beginningOf(found, { futureMsMax: config.normalise.futureMaxMs });
  if (begin === undefined || begin.position <= (held?.position ?? 0)) return undefined;
  // All that it holds lies before the horizon: what follows is sooner read without it.
  removeView(path);
  events.viewBegun({ partition, position: begin.position, ...begin.horizon });
  return begin;
}

/** Keeps the view no longer than its horizon. */
export function keepToHorizon(
  { horizon, clock, config, events, partition }: PartitionViewOptions,
  store: StoreWriter,
): { close(): Promise<void> } {
  if (horizon === undefined) return { close: async () => undefined };
  const { lengthMs, notedPosition, forgetEveryMs } = horizon;
  return repeatForgetting({
    store,
    clock,
    lengthMs,
    sliceMs: config.store.flushSliceMs,
    ...(forgetEveryMs === undefined ? {} : { roundMs: forgetEveryMs }),
    noted: async () => [await notedPosition()],
    events: {
      forgotten: (fields) => events.forgotten({ partition, ...fields }),
      forgettingFailed: (error) => events.forgettingFailed({ partition, error }),
    },
  });
}
