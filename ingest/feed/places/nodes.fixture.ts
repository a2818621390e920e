/**
 * Nodes of a network for tests, in one thread and without HTTP: each has a copy of the partitions in
 * an order of its own, follows it, and is read as `/changes` and `/live` read it.
 */
import { createFeedEvents } from '../events.ts';
import { hubConfig, seriesOfPartitions } from '../batch.fixture.ts';
import { eventFraming } from '../framing.ts';
import { Hub, type HubConfig } from '../hub.ts';
import type { ManualClock } from '../../../devices/clock-manual.ts';
import type { Registry } from '../../../devices/registry.ts';
import { createRecordedTelemetry } from '../../../devices/telemetry-silent.ts';
import type { Batch } from '../../observations/batch.ts';
import type { Partitions, PartitionsCopy } from '../../observations/partitions.fixture.ts';
import { openPublicRows } from '../../observations/public-row.ts';
import { noHorizon } from '../../store/horizon.ts';
import type { StoreFollower } from '../../store/store.ts';
import { createTailPublications } from '../../store/tail-publications.ts';
import type { Sink } from '../client.ts';
import { openFeed, type Feed } from '../feed.ts';
import { readChangePage } from '../change-page.ts';
import { createReaderPool, type ReaderPool } from '../reader-pool.ts';
import { createCopyPlaces } from './copy-places.ts';
import type { Places } from './places.ts';

export interface Change {
  readonly cursor: string;
  readonly datastream: string;
  /** Of the observation; undefined in a change of a datastream. */
  readonly result: number | undefined;
}

export interface ChangesPage {
  readonly changes: readonly Change[];
  readonly next: string;
  readonly atEnd: boolean;
}

export interface SimulatedNode {
  readonly copy: PartitionsCopy;
  readonly places: Places;
  readonly feed: Feed;
  /** Takes the next batch of a partition, follows it, and says whether there was one. */
  take(partition: number): Promise<boolean>;
  /** A page as `/changes` gives it, of a client that does not wait. */
  page(after: string | undefined, limit: number, until?: string): Promise<ChangesPage>;
  /** Connects as `/live` does. */
  connect(after: string): Promise<LiveClient>;
  /** Closes everything but the copy's log, and begins again over that. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export interface LiveClient {
  readonly changes: readonly Change[];
  /** As the stream's last id says. */
  readonly lastId: string;
  leave(): void;
}

export interface NodeOptions {
  readonly partitions: Partitions;
  readonly clock: ManualClock;
  readonly config?: Partial<HubConfig & { readonly feedHorizonMs: number }>;
  readonly levelAt?: (partition: number) => number;
  readonly registryAt?: (version: number) => Registry;
}

const storeId = 'network';
const none = { changes: [], atEnd: true };

/** Lets everything run that waits for nothing outside. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export async function openSimulatedNode(options: NodeOptions): Promise<SimulatedNode> {
  const copy = options.partitions.openCopy();
  let life = await openLife(options, copy);
  return {
    copy,
    get places() {
      return life.places;
    },
    get feed() {
      return life.feed;
    },
    async take(partition) {
      const taken = copy.take(partition);
      if (taken !== undefined) await life.feed.waitFor(taken.position);
      return taken !== undefined;
    },
    page: (after, limit, until) => readPage(life, after, { limit, until }),
    connect: (after) => connect(life, after),
    async restart() {
      await life.close();
      life = await openLife(options, copy);
    },
    close: () => life.close(),
  };
}

interface Life {
  readonly clock: ManualClock;
  readonly feed: Feed;
  readonly places: Places;
  readonly readers: ReaderPool;
  readonly hub: Hub;
  readonly registry: Registry;
  readonly registryAt: (version: number) => Registry;
  close(): Promise<void>;
}

async function openLife(options: NodeOptions, copy: PartitionsCopy): Promise<Life> {
  const { clock, partitions } = options;
  const registry = seriesOfPartitions(partitions.count);
  const registryAt = options.registryAt ?? (() => registry);
  const events = createFeedEvents(createRecordedTelemetry());
  const config = { ...hubConfig, feedHorizonMs: 0, ...options.config };
  const store = createHolder(copy, partitions);
  const source = copy;
  const feed = openFeed({ source, store, clock, events, stepBytesMax: 400 });
  const places = createCopyPlaces({
    storeId,
    copy: {
      partitions: partitions.count,
      levelAt: options.levelAt ?? (() => clock.now()),
      settleMs: 1_000,
    },
    feed,
    store,
    source,
    registry: { current: () => registry },
    clock,
    config,
  });
  const readers = createReaderPool({ source, places, clock, readersMax: 2 });
  const hub = new Hub({ feed, source, places, registryAt, clock, events, config });
  // The record that the store holds is read first.
  await settle();
  return {
    clock,
    feed,
    places,
    readers,
    hub,
    registry,
    registryAt,
    async close() {
      hub.close();
      await readers.close();
      const closing = feed.close();
      await settle();
      await closing;
    },
  };
}

/** A store that holds nothing but when batches were published; it begins with all that is there. */
export function createHolder(copy: PartitionsCopy, partitions: Partitions): StoreFollower {
  const publications = createTailPublications();
  let position = 0;
  const holder = {
    get position() {
      return position;
    },
    apply(at: number, batch: Batch) {
      if (at <= position) return;
      publications.add(at, batch);
      position = at;
    },
    refresh: () => undefined,
    saturated: false,
    horizon: noHorizon,
    tailBytes: 0,
    publishedBy: (publishedAt: number, partition: number) =>
      publications.of(partition).findLast((each) => each.publishedAt <= publishedAt),
    numberedUpTo: (number: number, partition: number) =>
      publications.of(partition).findLast((each) => each.number <= number),
  };
  for (const { position: at, place } of copy.places()) {
    holder.apply(at, {
      ...partitions.batch(place.partition, place.positions[place.partition]!),
      place,
    });
  }
  return holder as unknown as StoreFollower;
}

function interestOf({ bySeries }: Registry) {
  const mask = Uint8Array.from(bySeries, () => 1);
  return { principal: 'anonymous', mask, wants: () => true } as const;
}

async function readPage(
  life: Life,
  after: string | undefined,
  { limit, until: end }: { readonly limit: number; readonly until?: string | undefined },
): Promise<ChangesPage> {
  const { places, registry } = life;
  const from = await places.read(after, 'after');
  const until =
    end === undefined ? undefined : { place: places.readEnd(end, 'until'), cursor: end };
  const isCovered = until === undefined || places.isCovered(until.place);
  if (!places.isCovered(from) || !isCovered) return { ...none, next: places.cursorOf(from) };
  const view = { rows: openPublicRows(registry), interest: interestOf(registry) };
  const config = { changesScanBytesMax: 300 };
  const page = await readChangePage({ ...life, config }, { from, until, limit, view });
  return { changes: page.texts.map(changeOf), next: page.next, atEnd: page.atEnd };
}

async function connect(life: Life, after: string): Promise<LiveClient> {
  const { places, hub, registry } = life;
  const from = await places.read(after, 'after');
  const view = { rows: openPublicRows(registry), interest: interestOf(registry) };
  const changes: Change[] = [];
  let lastId = after;
  const sink: Sink = {
    pendingBytes: 0,
    write(chunk) {
      for (const block of chunk.toString().split('\n\n')) {
        lastId = /^id: (.*)$/m.exec(block)?.[1] ?? lastId;
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (data !== undefined) changes.push(changeOf(data));
      }
      return true;
    },
    onDrain: () => undefined,
    end: () => undefined,
    destroy: () => undefined,
  };
  const group = 'all';
  const leave = hub.connect({
    group,
    framing: eventFraming,
    view: () => view,
    sink,
    from,
    isAllowed: () => true,
  });
  return {
    changes,
    get lastId() {
      return lastId;
    },
    leave,
  };
}

function changeOf(text: string): Change {
  const { cursor, observation, datastream } = JSON.parse(text) as {
    readonly cursor: string;
    readonly datastream?: string;
    readonly observation?: { readonly datastream: string; readonly result: number };
  };
  return {
    cursor,
    datastream: observation?.datastream ?? datastream ?? '',
    result: observation?.result,
  };
}
