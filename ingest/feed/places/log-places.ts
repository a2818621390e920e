/**
 * Places where the node's own log is the feed, as on one machine: a cursor, a page token and a tag
 * name a position of it.
 */
import type { Clock } from '../../../devices/clock.ts';
import { CodedError } from '../../../devices/coded-error.ts';
import type { Position } from '../../log/log.ts';
import type { StoreFollower } from '../../store/store.ts';
import { comesTrue } from '../comes-true.ts';
import { createCursors, type Cursors, type StoreIdentity } from '../cursor.ts';
import { feedError } from '../errors.ts';
import type { Feed, LogSource } from '../feed.ts';
import {
  behindMaxMs,
  type Ends,
  type FeedPlace,
  type FeedPlaces,
  type Moment,
  type Moments,
  type Passage,
  type Places,
} from './places.ts';

export interface LogPlacesOptions {
  readonly identity: StoreIdentity;
  readonly feed: Pick<Feed, 'position' | 'publishedAt' | 'registryVersion' | 'waitFor'>;
  readonly store: Pick<StoreFollower, 'position' | 'positionAt'>;
  readonly source: Pick<LogSource, 'durableEnd'>;
  readonly clock: Clock;
  readonly config: { readonly feedHorizonMs: number; readonly asOfSettleMs: number };
}

export function createLogPlaces(options: LogPlacesOptions): Places {
  const cursors = createCursors(options.identity);
  return {
    ...createFeedPlaces(options, cursors),
    ...createEnds(options, cursors),
    ...createMoments(options, cursors),
  };
}

/** What a client carries inside a batch and what it carries behind one. */
export const wholeCursors = 'a cursor that a list or the end of `changes` stated';

function startOf(position: Position): FeedPlace {
  return { position, index: 0 };
}

function createFeedPlaces(
  options: LogPlacesOptions,
  cursors: Cursors,
): Omit<FeedPlaces, keyof Ends> {
  const { feed, store, source, clock, config } = options;

  function end(): FeedPlace {
    return startOf(feed.position + 1);
  }

  function oldest(): FeedPlace {
    if (config.feedHorizonMs === 0) return startOf(1);
    return startOf(store.positionAt(clock.now() - config.feedHorizonMs) + 1);
  }

  function read(after: string | undefined, parameter: string): FeedPlace {
    if (after === 'now') return end();
    const first = oldest();
    if (after === undefined) return first;
    const place = cursors.decode(after, parameter);
    const behind = Math.max(feed.position, source.durableEnd.get()) + 1;
    const isInside =
      place.position >= first.position &&
      (place.position < behind || (place.position === behind && place.index === 0));
    if (!isInside) throw feedError('API_CURSOR_EXPIRED', { parameter });
    return place;
  }

  function pass(from: FeedPlace | null, position: Position): Passage {
    const behind = from?.position === position ? from.index : 0;
    const next = startOf(position + 1);
    return {
      end: next,
      isBehind: false,
      behindOf: () => behind,
      cursorBehind: (index) => cursors.encode({ position, index: index + 1 }),
      placeBehind: (index, items) => (index + 1 < items ? { position, index: index + 1 } : next),
    };
  }

  return {
    cursorOf: (place) => cursors.encode(place),
    end,
    read,
    // The cursor may be of a feed that had come further: before a start, or in another thread.
    isCovered: ({ position, index }) => position <= feed.position + (index === 0 ? 1 : 0),
    isSame: (one, other) => one.position === other.position && one.index === other.index,
    pass,
  };
}

function createEnds({ feed, source }: LogPlacesOptions, cursors: Cursors): Ends {
  return {
    readEnd(until, parameter) {
      const place = cursors.decode(until, parameter);
      const behind = Math.max(feed.position, source.durableEnd.get()) + 1;
      const isInside = place.position < behind || (place.position === behind && place.index === 0);
      if (!isInside) throw feedError('API_CURSOR_EXPIRED', { parameter });
      return place;
    },
    itemsBefore(end, { position }, items) {
      if (position !== end.position) return position < end.position ? items : 0;
      return Math.min(items, end.index);
    },
    hasReached: (place, end) =>
      place.position > end.position ||
      (place.position === end.position && place.index >= end.index),
    locate(cursor) {
      try {
        return cursors.decode(cursor, 'cursor');
      } catch (error) {
        if (error instanceof CodedError) return undefined;
        throw error;
      }
    },
  };
}

function createMoments(options: LogPlacesOptions, cursors: Cursors): Moments {
  const { feed, store, clock, config } = options;
  const { durableEnd } = options.source;

  function at(position: Position): Moment {
    return {
      cursor: cursors.encode(startOf(position + 1)),
      tag: position.toString(36),
      pin: position,
      pinOf: () => position,
    };
  }

  /**
   * The last batch published by then. A batch stamped before the moment may still be on its way to
   * the disk, so it waits until a later batch is followed, or until `asOfSettleMs` have passed and
   * all that is durable is followed.
   */
  async function asOf(moment: number): Promise<Moment> {
    let settledEnd: Position | undefined;
    const isKnown = await comesTrue(clock, config.asOfSettleMs + behindMaxMs, () => {
      if (feed.publishedAt > moment) return true;
      if (clock.now() >= moment + config.asOfSettleMs) settledEnd ??= durableEnd.get();
      return settledEnd !== undefined && feed.position >= settledEnd;
    });
    if (!isKnown) throw feedError('API_UNAVAILABLE');
    return at(store.positionAt(moment));
  }

  /** Waits until the view has come to the position; one beyond the log is none. */
  async function ofPin(pin: Moment['pin']): Promise<Moment> {
    if (typeof pin !== 'number') throw feedError('API_PAGE_EXPIRED', { parameter: 'page' });
    if (pin > store.position) {
      if (pin > durableEnd.get()) throw feedError('API_PAGE_INVALID', { parameter: 'page' });
      await feed.waitFor(pin);
    }
    return at(pin);
  }

  async function ofCursor(cursor: string, parameter: string): Promise<Moment> {
    const { position, index } = cursors.decode(cursor, parameter);
    if (index !== 0) throw feedError('API_CURSOR_INVALID', { parameter, expected: wholeCursors });
    const pin = Math.max(0, position - 1);
    if (pin > store.position) {
      if (pin > durableEnd.get()) throw feedError('API_CURSOR_EXPIRED', { parameter });
      await feed.waitFor(pin);
    }
    return at(pin);
  }

  return {
    at,
    asOf,
    ofPin,
    ofCursor,
    async versionsAt() {
      const { registryVersion } = feed;
      return () => registryVersion;
    },
    pinsBefore(tag, moment) {
      const position = /^[0-9a-z]{1,11}$/.test(tag) ? Number.parseInt(tag, 36) : Infinity;
      return position < Number(moment.pin) ? { pinOf: () => position } : undefined;
    },
  };
}
