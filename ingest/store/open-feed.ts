/**
 * The public feed `open/v1/{stationId}/{slug}` over the view: the newest row of each datastream that
 * everybody may see, and each row that becomes the newest. It follows `observations` only while it
 * is asked to, with a tail of its own (`tailBytesMax`), so that many subscribers cost one follower.
 */
import type { Clock } from '../../devices/clock.ts';
import type { Datastream } from '../../devices/model.ts';
import type { Registry, RegistryReader } from '../../devices/registry.ts';
import { visible } from '../../devices/visible.ts';
import type { DurableEnd, LogReader } from '../log/log.ts';
import type { ObservationRow } from '../observation.ts';
import type { Batch } from '../observations/batch.ts';
import { openPublicRows, type PublicRows } from '../observations/public-row.ts';
import { followObservations } from './follow.ts';
import type { StoreFollower } from './store.ts';

export interface OpenFeedOptions {
  readonly registry: RegistryReader;
  readonly clock: Clock;
  /** Opened when the first subscriber comes, closed behind the last. */
  readonly openStore: () => StoreFollower & {
    refresh(): void;
    readonly saturated: boolean;
    readonly tailBytes: number;
  };
  readonly openReader: () => Promise<LogReader>;
  readonly durableEnd: DurableEnd;
  /** The feed cannot go on; it has stopped. */
  readonly failed: (error: unknown) => void;
}

export interface FeedMessage {
  readonly topic: string;
  /** One row as `/api/v1/latest` gives it; of no bytes where the datastream has no latest any more. */
  readonly payload: Uint8Array;
}

export interface FeedQuery {
  readonly station?: string;
  readonly slug?: string;
}

export interface FeedFollower {
  wants(station: string, slug: string): boolean;
  changed(messages: readonly FeedMessage[]): void;
}

export interface StoreOpenFeed {
  latest(query: FeedQuery): AsyncIterable<readonly FeedMessage[]>;
  follow(follower: FeedFollower): { stop(): void };
}

const noBytes = new Uint8Array(0);
const pageRows = 200;
const readBytesMax = 1_048_576;

type Store = ReturnType<OpenFeedOptions['openStore']>;

interface Following {
  readonly store: Store;
  /** Resolves once the store has reached the end that was durable when following began. */
  readonly ready: Promise<void>;
  readonly stop: () => void;
}

export function createOpenFeed(options: OpenFeedOptions): StoreOpenFeed {
  let following: Following | undefined;
  let rows: PublicRows | undefined;

  function publicRows(): PublicRows {
    const registry = options.registry.current();
    if (rows?.registry !== registry) rows = openPublicRows(registry);
    return rows;
  }

  function messageOf(row: ObservationRow, datastream: Datastream): FeedMessage | undefined {
    const text = publicRows().latestText(row, options.clock.now());
    return text === undefined
      ? undefined
      : { topic: topicOf(datastream), payload: Buffer.from(text) };
  }

  function openOnes(registry: Registry, query: FeedQuery): Datastream[] {
    const found: Datastream[] = [];
    for (const datastream of registry.datastreams.values()) {
      if (query.station !== undefined && datastream.station !== query.station) continue;
      if (query.slug !== undefined && datastream.slug !== query.slug) continue;
      if (visible('anonymous', datastream, registry)) found.push(datastream);
    }
    return found;
  }

  return {
    async *latest(query) {
      const current = following;
      if (current === undefined) return;
      await current.ready;
      const datastreams = openOnes(options.registry.current(), query);
      for (let from = 0; from < datastreams.length && following === current; from += pageRows) {
        const page: FeedMessage[] = [];
        for (const datastream of datastreams.slice(from, from + pageRows)) {
          const row = current.store.latest(datastream.series);
          const message = row === undefined ? undefined : messageOf(row, datastream);
          if (message !== undefined) page.push(message);
        }
        yield page;
      }
    },
    follow(follower) {
      const store = options.openStore();
      const onBatch = (batch: Batch): void => {
        const messages = newest(batch, store, follower);
        if (messages.length > 0) follower.changed(messages);
      };
      following = startFollowing(options, store, onBatch);
      return { stop: following.stop };
    },
  };

  function newest(batch: Batch, store: Store, follower: FeedFollower): FeedMessage[] {
    const registry = options.registry.current();
    const isTold = (datastream: Datastream): boolean =>
      follower.wants(datastream.station, datastream.slug) &&
      visible('anonymous', datastream, registry);
    const told = newestOf(batch, store, (series) => {
      const datastream = registry.bySeries[series];
      return datastream !== undefined && isTold(datastream) ? datastream : undefined;
    });
    return told
      .map(({ row, datastream }) =>
        row === undefined
          ? { topic: topicOf(datastream), payload: noBytes }
          : messageOf(row, datastream),
      )
      .filter((message) => message !== undefined);
  }
}

interface Newest {
  readonly datastream: Datastream;
  /** None: what was the latest is deleted, and there is no other. */
  readonly row: ObservationRow | undefined;
}

/** What the batch, which the store has, made the newest of its series; behind it what deletions left so. */
function newestOf(
  batch: Batch,
  store: Store,
  datastreamOf: (series: number) => Datastream | undefined,
): Newest[] {
  const told: Newest[] = [];
  const left = new Map<number, Newest>();
  for (const row of batch.rows) {
    const datastream = row.current ? datastreamOf(row.series) : undefined;
    if (datastream === undefined) continue;
    const latest = store.latest(row.series);
    if (row.type !== 'deletion') {
      if (latest?.endAt === row.endAt && latest.revision === row.revision)
        told.push({ datastream, row });
    } else if (latest === undefined || latest.endAt <= row.endAt) {
      left.set(row.series, { datastream, row: latest });
    }
  }
  return [...told, ...left.values()];
}

function topicOf({ station, slug }: Datastream): string {
  return `open/v1/${station}/${slug}`;
}

function startFollowing(
  options: OpenFeedOptions,
  store: Store,
  onBatch: (batch: Batch) => void,
): Following {
  const stopping = new AbortController();
  const target = options.durableEnd.get();
  let reached = (): void => {};
  const ready = new Promise<void>((resolve) => {
    reached = resolve;
  });
  if (store.position >= target) reached();
  const run = async (): Promise<void> => {
    const reader = await options.openReader();
    try {
      await followObservations({
        reader,
        durableEnd: options.durableEnd,
        store,
        bytesMax: readBytesMax,
        clock: options.clock,
        signal: stopping.signal,
        onBatch(position, batch) {
          if (position > target) onBatch(batch);
          else if (position === target) reached();
        },
      });
    } finally {
      reached();
      await reader.close();
      store.close();
    }
  };
  run().catch(options.failed);
  return { store, ready, stop: () => stopping.abort() };
}
