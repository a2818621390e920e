/**
 * The answers of a view at the end of its log, for who only reads: the view's file with what it lacks
 * in a tail, or, where the file is missing, damaged or far behind, one built anew in a scratch folder.
 */
import type { Clock } from '../../devices/clock.ts';
import type { Telemetry } from '../../devices/telemetry.ts';
import { CodedError } from '../../devices/coded-error.ts';
import { decodeBatch } from '../observations/batch-codec.ts';
import type { StoreConfig } from '../store/config.ts';
import { openStoreFollower } from '../store/follower.ts';
import type { StoreFollower, StoreReader } from '../store/store.ts';
import { openStoreWriter } from '../store/writer.ts';
import type { MaintainProgress } from './findings.ts';
import { walkLog, type LogPlace } from './log-place.ts';

export interface ViewAtOptions {
  readonly path: string;
  readonly observations: LogPlace;
  readonly config: StoreConfig;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly isCircular: (series: number) => boolean;
  /** Makes an empty folder; it is called only where a view must be built. */
  readonly makeScratch: () => string;
  readonly onProgress: MaintainProgress;
}

export interface ViewAt {
  readonly store: StoreReader;
  close(): void;
}

/** Rejects with LOG_… or INGEST_BATCH_… where the observations cannot be read whole. */
export async function openViewAt(options: ViewAtOptions): Promise<ViewAt> {
  const followed = await followToEnd(options);
  return followed ?? buildView(options);
}

/** Null where the file is of no use, or more than a tail behind. */
async function followToEnd(options: ViewAtOptions): Promise<ViewAt | null> {
  let store: StoreFollower;
  try {
    store = openStoreFollower(options);
  } catch (error) {
    if (error instanceof CodedError) return null;
    throw error;
  }
  try {
    await apply(options, store, () => store.saturated);
    if (store.position === options.observations.durableEnd.get()) {
      return { store, close: () => store.close() };
    }
  } catch (error) {
    store.close();
    throw error;
  }
  store.close();
  return null;
}

async function buildView(options: ViewAtOptions): Promise<ViewAt> {
  const { config, clock, telemetry, isCircular, observations } = options;
  const store = openStoreWriter({
    path: `${options.makeScratch()}/view.db`,
    config,
    clock,
    telemetry,
    isCircular,
    storeId: 'scratch',
    logEnd: observations.durableEnd.get(),
  });
  try {
    await apply(options, store, () => {
      while (store.wantsFlush) store.flushSlice(Number.POSITIVE_INFINITY);
      return false;
    });
    return { store, close: () => store.close() };
  } catch (error) {
    store.close();
    throw error;
  }
}

/** Feeds the store from where it stands to the end of the log, or until `isEnough`. */
async function apply(
  { observations, onProgress }: ViewAtOptions,
  store: StoreFollower,
  isEnough: () => boolean,
): Promise<void> {
  await walkLog({
    log: observations,
    from: store.position + 1,
    damage: 'reject',
    onRecords(records) {
      for (const { position, body } of records) {
        store.apply(position, decodeBatch(position, body));
        if (isEnough()) return 'stop';
      }
      onProgress('view: batches', store.position, observations.durableEnd.get());
      return undefined;
    },
  });
}
