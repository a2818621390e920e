/**
 * Places in the change feed and moments of it: what a client carries away (cursors, page tokens,
 * entity tags) and what this node makes of it again. Two implementations: `log-places.ts` where the
 * node's own log is the feed, `copy-places.ts` where the node holds a copy of the partitions of a
 * network, whose records stand in another order on every node. A position of the log is this node's
 * own matter and leaves it only where its log is the feed.
 */
import type { Position } from '../../log/log.ts';
import type { BatchPlace } from '../../observations/batch.ts';
import type { Reach } from './reach.ts';

/** Where reading of changes goes on, in this node's own log. */
export interface FeedPlace {
  /** The next record to read. */
  readonly position: Position;
  /** How many items of that record are behind the reader; always 0 in a copy. */
  readonly index: number;
  /** In a copy: what is behind the reader, whatever stands where in the log. */
  readonly reach?: Reach;
}

/** A reader's way through one record. Items are counted by whoever has them. */
export interface Passage {
  /** Behind the whole record. */
  readonly end: FeedPlace;
  /** The whole record was behind the reader before. */
  readonly isBehind: boolean;
  /** How many of so many items are behind the reader already. */
  behindOf(items: number): number;
  /** The cursor behind the item `index` of so many. */
  cursorBehind(index: number, items: number): string;
  placeBehind(index: number, items: number): FeedPlace;
}

export interface FeedPlaces extends Ends {
  cursorOf(place: FeedPlace): string;
  /** The end of the feed, as far as it is followed. */
  end(): FeedPlace | Promise<FeedPlace>;
  /**
   * The place that a cursor, `now`, or nothing (the oldest) stands for. Throws API_CURSOR_INVALID
   * (400), API_CURSOR_STORE_UNKNOWN or API_CURSOR_EXPIRED (410).
   */
  read(after: string | undefined, parameter: string): FeedPlace | Promise<FeedPlace>;
  /**
   * Whether everything behind the place has been followed here. A client that was further on, on
   * another node or before a start, waits until it has: nothing is read for it before.
   */
  isCovered(place: FeedPlace): boolean;
  isSame(one: FeedPlace, other: FeedPlace): boolean;
  /** `from` null: the reader has read everything before the record, and nothing of it. */
  pass(from: FeedPlace | null, position: Position, place: BatchPlace | undefined): Passage;
}

/** Cursors that a reader stops at. */
export interface Ends {
  /**
   * The place of a cursor at which a reader is to stop; where it stands in this node's log is not
   * said. Throws as `read` does, but never for its age.
   */
  readEnd(until: string, parameter: string): FeedPlace;
  /** How many of so many items of a record lie before an end. */
  itemsBefore(end: FeedPlace, record: RecordPlace, items: number): number;
  /** Whether everything behind the end is behind the place too. */
  hasReached(place: FeedPlace, end: FeedPlace): boolean;
  /**
   * Where reading goes on from a cursor that this node has kept itself, however old. Undefined where
   * the log does not hold that any longer.
   */
  locate(cursor: string): FeedPlace | undefined | Promise<FeedPlace | undefined>;
}

export interface RecordPlace {
  readonly position: Position;
  readonly place: BatchPlace | undefined;
}

/** Up to where the rows of each series are shown. */
export interface Pins {
  readonly pinOf: (series: number) => Position;
  /** Only in a copy: of the series' partition the last batch that is shown, the same on every node. */
  readonly batchOf?: (series: number) => Position;
}

/** What an answer is true at. */
export interface Moment extends Pins {
  /** Behind everything that the answer shows, and nothing else. */
  readonly cursor: string;
  /** Of letters that an entity tag may hold; equal moments have equal texts, on every node. */
  readonly tag: string;
  /** What a page token carries of it: a position of the log, or in a copy the cursor. */
  readonly pin: number | string;
}

export interface Moments {
  /** All that this node holds up to a position that it has come to. */
  at(position: Position): Moment | Promise<Moment>;
  /**
   * What was published at a moment. Waits until that is durable and followed; asked again, here or
   * on another node, the same moment gives the same. Throws API_UNAVAILABLE.
   */
  asOf(at: number): Promise<Moment>;
  /** The moment of a page token. Throws API_PAGE_INVALID, API_PAGE_EXPIRED, API_UNAVAILABLE. */
  ofPin(pin: Moment['pin']): Promise<Moment>;
  /**
   * The moment of a cursor that a list or a page of changes stated. Waits until this node has come so
   * far. Throws as `read` does, API_CURSOR_INVALID also for a cursor inside a batch, API_UNAVAILABLE.
   */
  ofCursor(cursor: string, parameter: string): Promise<Moment>;
  /**
   * By series the version of the registry that the feed has come to at the position where it stands
   * now: in a copy, of each partition that of its last batch. Undefined where no batch of it is held.
   */
  versionsAt(position: Position): Promise<(series: number) => number | undefined>;
  /** Pins of the moment with this tag where it is an earlier one; undefined where it is none. */
  pinsBefore(tag: string, moment: Moment): Pins | undefined;
}

export type Places = FeedPlaces & Ends & Moments;

/** This node is behind the network, or its feed behind its log, by no more than this. */
export const behindMaxMs = 10_000;
