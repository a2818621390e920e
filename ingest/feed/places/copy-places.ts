/**
 * Places on a node of a network, which holds all partitions of `observations` one behind another in
 * a log of its own, in an order of its own. What leaves the node names batches of partitions, which
 * are the same everywhere; what comes back is found in this log again, and what a reader has had of
 * other partitions already is passed over by number.
 */
import type { Position } from '../../log/log.ts';
import { feedError } from '../errors.ts';
import { createCopyCursors } from './copy-cursor.ts';
import { createCopyEnds, decodeCursor } from './copy-ends.ts';
import { createCopyIndex } from './copy-index.ts';
import { createCopyMoments } from './copy-moments.ts';
import type { CopyParts, CopyPlacesOptions } from './copy-parts.ts';
import { passRecord, reachIn } from './copy-passage.ts';
import type { Ends, FeedPlace, FeedPlaces, Places } from './places.ts';
import { hasAll, hasMet, reachOf, type Reach } from './reach.ts';

/** Beyond, a cursor could be longer than 1,000 characters. */
const partitionsMax = 64;

/** Places whose position in the log is remembered, for whoever goes on from them. */
const rememberedMax = 1_024;

export function createCopyPlaces(options: CopyPlacesOptions): Places {
  const { feed, source } = options;
  const { partitions } = options.copy;
  if (partitions > partitionsMax) {
    throw new RangeError(`cursors can name ${partitionsMax} partitions, not ${partitions}`);
  }
  const cursors = createCopyCursors(options.storeId, partitions);
  const index = createCopyIndex({ source, store: options.store, partitions });

  async function positionsAt(position: Position): Promise<readonly Position[]> {
    const { head } = feed;
    const held = head?.position === position ? head.place?.positions : undefined;
    const positions = held ?? (await index.positionsAt(position));
    if (positions === undefined) throw feedError('API_UNAVAILABLE');
    return positions;
  }

  /** Before the first record that was seen here, it is not known what has been followed. */
  function isMet(reach: Reach): boolean {
    const begun = options.store.horizon.floors;
    const followed = feed.position === 0 ? begun : feed.head?.place?.positions;
    return followed !== undefined && hasMet(reach, followed);
  }

  const parts = { ...options, cursors, index, positionsAt, isMet };
  return { ...createFeedPlaces(parts), ...createCopyEnds(parts), ...createCopyMoments(parts) };
}

function createFeedPlaces(parts: CopyParts): Omit<FeedPlaces, keyof Ends> {
  const { cursors, index, feed, store, clock, config } = parts;
  const remembered = new Map<string, Position>();

  function cursorOf(place: FeedPlace): string {
    const text = cursors.encode(reachIn(place));
    remembered.delete(text);
    remembered.set(text, place.position);
    const [oldest] = remembered.keys();
    if (remembered.size > rememberedMax && oldest !== undefined) remembered.delete(oldest);
    return text;
  }

  async function end(): Promise<FeedPlace> {
    const { position } = feed;
    const positions = await parts.positionsAt(position);
    return { position: position + 1, index: 0, reach: reachOf(positions) };
  }

  /** What is behind the oldest change that can be followed. */
  async function oldest(): Promise<Reach> {
    const before = await index.before();
    if (config.feedHorizonMs === 0) return reachOf(before);
    const horizonAt = clock.now() - config.feedHorizonMs;
    const numberOf = (partition: number) => store.publishedBy(horizonAt, partition)?.number ?? 0;
    return reachOf(before.map((number, partition) => Math.max(number, numberOf(partition))));
  }

  async function read(after: string | undefined, parameter: string): Promise<FeedPlace> {
    if (after === 'now') return end();
    const reach = after === undefined ? await oldest() : decodeCursor(cursors, after, parameter);
    if (after !== undefined && config.feedHorizonMs > 0) {
      const isKept = hasAll((await oldest()).positions, reach.positions);
      if (!isKept) throw feedError('API_CURSOR_EXPIRED', { parameter });
    }
    const position = remembered.get(after ?? '') ?? (await index.locate(reach.positions));
    if (position === undefined) throw feedError('API_CURSOR_EXPIRED', { parameter });
    return { position, index: 0, reach };
  }

  return {
    cursorOf,
    end,
    read,
    isCovered: (place) => parts.isMet(reachIn(place)),
    isSame: (one, other) => cursors.encode(reachIn(one)) === cursors.encode(reachIn(other)),
    pass: (from, position, place) => passRecord(cursors, from, position, place),
  };
}
