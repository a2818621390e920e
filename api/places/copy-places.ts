/**
 * Places on a node of a network, which holds all partitions of `observations` one behind another in
 * a log of its own, in an order of its own. What leaves the node names batches of partitions, which
 * are the same everywhere; what comes back is found in this log again, and what a reader has had of
 * other partitions already is passed over by number.
 */
import type { Clock } from '../../devices/clock.ts';
import type { Registry } from '../../devices/registry.ts';
import { partitionOf } from '../../ingest/cluster/partition-of.ts';
import type { Position } from '../../ingest/log/log.ts';
import type { BatchPlace } from '../../ingest/observations/batch.ts';
import type { StoreFollower } from '../../ingest/store/store.ts';
import { comesTrue } from '../as-of.ts';
import type { ApiConfig } from '../config.ts';
import { apiError } from '../errors.ts';
import type { Feed, LogSource } from '../live/feed.ts';
import { createCopyCursors, positionsOfTag, tagOfPositions } from './copy-cursor.ts';
import { createCopyIndex } from './copy-index.ts';
import type { FeedPlace, Moment, Passage, Pins, Places } from './places.ts';
import { hasAll, hasMet, reachBefore, reachOf, withBatch, withBegun, type Reach } from './reach.ts';

/** What a node knows of the network whose `observations` it copies. */
export interface CopyOptions {
  /** Of the topic: fixed when that was created, at most `partitionsMax`. */
  readonly partitions: number;
  /**
   * The latest instant of which it is known that whatever the partition held then is durable in this
   * node's log; −Infinity before the first. Settled moments (`asOf`) wait for it.
   */
  readonly levelAt: (partition: number) => number;
}

export interface CopyPlacesOptions {
  readonly storeId: string;
  readonly copy: CopyOptions;
  readonly feed: Pick<Feed, 'position' | 'head' | 'listen'>;
  readonly store: Pick<StoreFollower, 'publishedBy' | 'numberedUpTo'>;
  readonly source: LogSource;
  readonly registry: { current(): Registry };
  readonly clock: Clock;
  readonly config: Pick<ApiConfig, 'feedHorizonMs' | 'asOfSettleMs'>;
}

/** Beyond, a cursor could be longer than interfaces allow. */
export const partitionsMax = 64;

/** The copy is behind another node's by no more than this when a page or a moment is asked for. */
const waitMaxMs = 10_000;
/** Places whose position in the log is remembered, for whoever goes on from them. */
const placesMax = 1_024;

export function createCopyPlaces(options: CopyPlacesOptions): Places {
  const { copy, feed, store, source, clock, config } = options;
  const { partitions } = copy;
  const cursors = createCopyCursors(options.storeId, partitions);
  const index = createCopyIndex(source, partitions);
  const known = new Map<string, Position>();
  let latest: { readonly position: Position; readonly moment: Moment } | undefined;
  const stop = feed.listen((position, { place }) => {
    if (place !== undefined) index.note(position, place);
  });

  /** What has been followed here; null while that is not known. */
  function followed(): readonly Position[] | null {
    if (feed.position === 0) return Array.from({ length: partitions }, () => 0);
    return feed.head?.place?.positions ?? null;
  }

  async function positionsAt(position: Position): Promise<readonly Position[]> {
    const { head } = feed;
    const held = head?.position === position ? head.place?.positions : undefined;
    const positions = held ?? (await index.positionsAt(position));
    if (positions === undefined) throw apiError('API_UNAVAILABLE');
    return positions;
  }

  async function endPlace(): Promise<FeedPlace> {
    const { position } = feed;
    return { position: position + 1, index: 0, reach: reachOf(await positionsAt(position)) };
  }

  function cursorOf(place: FeedPlace): string {
    const text = cursors.encode(reachIn(place));
    known.delete(text);
    known.set(text, place.position);
    const [oldest] = known.keys();
    if (known.size > placesMax && oldest !== undefined) known.delete(oldest);
    return text;
  }

  /** What is behind the oldest change that can be followed. */
  async function oldestReach(): Promise<Reach> {
    const { before } = await index.begin();
    if (config.feedHorizonMs === 0) return reachOf(before);
    const at = clock.now() - config.feedHorizonMs;
    const numberOf = (partition: number) => store.publishedBy(at, partition)?.number ?? 0;
    return reachOf(before.map((number, partition) => Math.max(number, numberOf(partition))));
  }

  async function read(after: string | undefined, parameter: string): Promise<FeedPlace> {
    if (after === 'now') return endPlace();
    const isBounded = after === undefined || config.feedHorizonMs > 0;
    const oldest = isBounded ? await oldestReach() : undefined;
    const reach = after === undefined ? oldest : decodeCursor(after, parameter);
    if (reach === undefined) throw apiError('API_CURSOR_INVALID', { parameter });
    const isTooOld = oldest !== undefined && !hasAll(oldest.positions, reach.positions);
    const position = known.get(after ?? '') ?? (await index.locate(reach.positions));
    if (isTooOld || position === undefined) throw apiError('API_CURSOR_EXPIRED', { parameter });
    return { position, index: 0, reach };
  }

  function decodeCursor(text: string, parameter: string): Reach {
    const reach = cursors.decode(text);
    if (reach === 'invalid') throw apiError('API_CURSOR_INVALID', { parameter });
    if (reach === 'unknown') throw apiError('API_CURSOR_STORE_UNKNOWN', { parameter });
    return reach;
  }

  function isCovered(place: FeedPlace): boolean {
    const positions = followed();
    return positions !== null && hasMet(reachIn(place), positions);
  }

  function pass(from: FeedPlace | null, position: Position, place?: BatchPlace): Passage {
    if (place === undefined) throw new Error(`record ${position} of a copy has no place`);
    const { partition } = place;
    const number = place.positions[partition] ?? 0;
    const reach = from === null ? reachBefore(place) : reachIn(from);
    const last = reach.positions[partition] ?? 0;
    if (number <= last) return passOver({ position: position + 1, index: 0, reach });
    const isNext = number === last + 1;
    const begun = isNext ? reach.begun.find((each) => each.partition === partition) : undefined;
    const whole = withBatch(reach, partition, number);
    const end = { position: position + 1, index: 0, reach: whole };
    // Behind damage the batch is not the next one: what is before it then counts as read.
    const before = isNext ? reach : withBatch(reach, partition, number - 1);
    let within: ((left: number) => string) | undefined;
    return {
      end,
      isBehind: false,
      behindOf: (items) => (begun === undefined ? 0 : Math.max(0, items - begun.left)),
      cursorBehind(at, items) {
        if (at + 1 === items) return cursors.encode(whole);
        within ??= cursors.within(before, partition);
        return within(items - at - 1);
      },
      placeBehind: (at, items) =>
        at + 1 === items
          ? end
          : { position, index: 0, reach: withBegun(before, partition, items - at - 1) },
    };
  }

  function pinsOf(positions: readonly Position[]): Pins {
    return pinsBy(
      (partition) => store.numberedUpTo(positions[partition] ?? 0, partition)?.position ?? 0,
    );
  }

  /** Rows of a series are in batches of its station's partition alone. */
  function pinsBy(pinOfPartition: (partition: number) => Position): Pins {
    const pins: (Position | undefined)[] = [];
    return {
      pinOf(series) {
        const station = options.registry.current().bySeries[series]?.station;
        if (station === undefined) return 0;
        const partition = partitionOf(station, partitions);
        return (pins[partition] ??= pinOfPartition(partition));
      },
    };
  }

  function momentOf(positions: readonly Position[], { pinOf }: Pins): Moment {
    const cursor = cursors.encode(reachOf(positions));
    return { cursor, tag: tagOfPositions(positions), pin: cursor, pinOf };
  }

  async function at(position: Position): Promise<Moment> {
    if (latest?.position === position) return latest.moment;
    const moment = momentOf(await positionsAt(position), { pinOf: () => position });
    latest = { position, moment };
    return moment;
  }

  /**
   * The last batch of each partition that was published by then. One stamped before the moment may
   * still be on its way, so it waits until a later one of the partition is followed, or until what
   * the partition held `asOfSettleMs` after the moment is.
   */
  async function asOf(moment: number): Promise<Moment> {
    let open = Array.from({ length: partitions }, (_each, partition) => partition);
    let settledEnd: Position | undefined;
    const isKnown = await comesTrue(clock, config.asOfSettleMs + waitMaxMs, () => {
      open = open.filter((partition) => !isPassed(moment, partition));
      if (open.length === 0) return true;
      const isSettled = open.every(
        (partition) => copy.levelAt(partition) >= moment + config.asOfSettleMs,
      );
      if (isSettled) settledEnd ??= source.durableEnd.get();
      return settledEnd !== undefined && feed.position >= settledEnd;
    });
    if (!isKnown) throw apiError('API_UNAVAILABLE');
    const last = Array.from({ length: partitions }, (_each, partition) =>
      store.publishedBy(moment, partition),
    );
    return momentOf(
      last.map((publication) => publication?.number ?? 0),
      pinsBy((partition) => last[partition]?.position ?? 0),
    );
  }

  function isPassed(moment: number, partition: number): boolean {
    const last = store.publishedBy(Number.MAX_SAFE_INTEGER, partition);
    return last !== undefined && last.publishedAt > moment;
  }

  /** Every node that has come so far shows the same rows: each partition up to the same batch. */
  async function ofPin(pin: Moment['pin']): Promise<Moment> {
    const reach = typeof pin === 'string' ? cursors.decode(pin) : 'unknown';
    if (reach === 'invalid') throw apiError('API_PAGE_INVALID', { parameter: 'page' });
    if (reach === 'unknown') throw apiError('API_PAGE_EXPIRED', { parameter: 'page' });
    const place = { position: 0, index: 0, reach };
    if (!(await comesTrue(clock, waitMaxMs, () => isCovered(place)))) {
      throw apiError('API_UNAVAILABLE');
    }
    return momentOf(reach.positions, pinsOf(reach.positions));
  }

  return {
    cursorOf,
    end: endPlace,
    read,
    isCovered,
    isSame: (one, other) => cursors.encode(reachIn(one)) === cursors.encode(reachIn(other)),
    pass,
    at,
    asOf,
    ofPin,
    pinsBefore(tag, moment) {
      const earlier = positionsOfTag(tag);
      const now = positionsOfTag(moment.tag);
      const isEarlier = earlier?.length === partitions && now !== undefined && hasAll(earlier, now);
      return isEarlier ? pinsOf(earlier) : undefined;
    },
    close: stop,
  };
}

function reachIn(place: FeedPlace): Reach {
  if (place.reach === undefined) throw new Error('a place of one log in a copy');
  return place.reach;
}

/** A record that the reader has had in another order, on another node. */
function passOver(end: FeedPlace): Passage {
  return {
    end,
    isBehind: true,
    behindOf: (items) => items,
    cursorBehind: () => '',
    placeBehind: () => end,
  };
}
