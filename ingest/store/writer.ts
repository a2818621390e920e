/**
 * The one writer of `view.db`. What a flush writes, in which transactions, and why a crash in its
 * middle is harmless, is on the opening page of schema.ts.
 */
import type { Clock } from '../../devices/clock.ts';
import { transaction, type Database } from '../../devices/database.ts';
import type { Telemetry } from '../../devices/telemetry.ts';
import type { Position } from '../log/log.ts';
import { createBlanker, type Blanker } from './blank.ts';
import { createSink, type Sink } from './columns/bytes.ts';
import type { StoreConfig } from './config.ts';
import { storeError } from './errors.ts';
import { openStoreEvents, type StoreEvents } from './events.ts';
import {
  createFlushWriter,
  putStanding,
  type Flush,
  type FlushStanding,
  type FlushWriter,
} from './flush.ts';
import { createForgetter } from './forget.ts';
import { createHorizon, putHorizon, type StoreHorizon, type ViewHorizon } from './horizon.ts';
import { newestEndOf } from './latest.ts';
import { createReader, type Reader } from './reader.ts';
import { openViewDatabase } from './schema.ts';
import type { StoreWriter } from './store.ts';
import { createTail, type Tail } from './tail.ts';
import { openView, type View, type ViewState } from './view.ts';

export interface StoreWriterOptions {
  readonly path: string;
  readonly config: StoreConfig;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Whether a series' values are angles: its hours are also summed on the circle. */
  readonly isCircular: (series: number) => boolean;
  /** Of the log that this is a view of; another one's view is refused. */
  readonly storeId: string;
  /** Durable end of `observations`: a view beyond it is refused. */
  readonly logEnd: Position;
  /** Where a new view begins; absent: with the first batch. */
  readonly begin?: ViewBeginning | undefined;
}

/** The batch behind which a view begins, as if it had followed up to it, and what it then lacks. */
export interface ViewBeginning {
  readonly position: Position;
  readonly batch: Omit<FlushStanding, 'position'>;
  readonly horizon: ViewHorizon;
}

/** Of the tail's bound. */
const pressingShare = 3 / 4;

/** The view's one writer, and what a lawful erasure needs of it. */
export interface ViewWriter extends StoreWriter {
  /** Works on what is flushed: not on the tail. */
  blanker(): Blanker;
}

/** Opens (and creates) the view. Throws STORE_… by name before it writes anything. */
export function openStoreWriter(options: StoreWriterOptions): ViewWriter {
  const { path, storeId, logEnd } = options;
  const events = openStoreEvents(options.telemetry);
  const database = openViewDatabase({
    path,
    storeId,
    onRebuild: (version) => events.viewRebuilt({ path, version }),
    begin: (fresh) => beginView(fresh, options.begin),
  });
  try {
    const view = openView(database, true);
    const state = view.state();
    if (state.storeId !== storeId) {
      throw storeError('STORE_OTHER_LOG', { path, held: state.storeId, expected: storeId });
    }
    const held = Math.max(state.position, state.target);
    if (held > logEnd) throw storeError('STORE_AHEAD_OF_LOG', { path, held, logEnd });
    events.viewOpened({ path, position: state.position });
    return createWriter({ ...options, database, view, events });
  } catch (error) {
    database.close();
    throw error;
  }
}

function beginView(database: Database, begin: ViewBeginning | undefined): void {
  if (begin === undefined) return;
  putStanding(database)({ ...begin.batch, position: begin.position });
  putHorizon(database, begin.horizon);
}

/** What the view says of itself; moves on with each batch. */
type Standing = { -readonly [Field in keyof ViewState]: ViewState[Field] };

interface WriterParts extends StoreWriterOptions {
  readonly database: Database;
  readonly view: View;
  readonly events: StoreEvents;
}

function createWriter(parts: WriterParts): ViewWriter {
  const { view, isCircular } = parts;
  const tail = createTail();
  const sink = createSink();
  const { storeId: _ofTheView, target: _ofAFlush, ...standing } = view.state() as Standing;
  const reader = createReader({ view, tail, standing, isCircular, onPosition: () => undefined });
  const newest = createNewest(view, tail);
  const flushing = createFlushWriter({ ...parts, tail, sink });
  const flusher = createFlusher({ ...parts, tail, standing, flushing });
  const horizon = openHorizon({ ...parts, sink, flushing, newest, reader });

  return {
    ...reader.questions,
    horizon,
    get position() {
      return standing.position;
    },
    get totals() {
      return standing.totals;
    },
    get consumed() {
      return standing.consumed;
    },
    get publishedAt() {
      return standing.publishedAt;
    },
    get registryVersion() {
      return standing.registryVersion;
    },
    get sources() {
      return standing.sources;
    },
    get tailBytes() {
      return tail.bytes;
    },
    get saturated() {
      return tail.bytes >= parts.config.tailBytesMax;
    },
    get wantsFlush() {
      return flusher.wantsFlush();
    },
    get pressesFlush() {
      return tail.bytes >= parts.config.tailBytesMax * pressingShare;
    },
    refresh() {
      if (flusher.wantsFlush()) flusher.flushSlice(parts.config.flushSliceMs);
    },
    newestAt: (series) => newest.newestAt(series),
    apply(at, batch) {
      if (at <= standing.position) return;
      flusher.noticeBatch();
      tail.add(at, batch);
      standing.position = at;
      standing.totals = batch.totals;
      standing.consumed = batch.consumed;
      standing.publishedAt = batch.publishedAt;
      standing.registryVersion = batch.registryVersion;
      standing.sources = batch.sources;
      for (const row of batch.rows) {
        newest.notice(row.series, row.endAt);
        reader.noticeRow(row);
      }
    },
    flushSlice: (sliceMs) => flusher.flushSlice(sliceMs),
    blanker: () => createBlanker(parts.database, view, sink),
    close: () => parts.database.close(),
  };
}

interface AdoptingParts extends WriterParts {
  readonly sink: Sink;
  readonly flushing: FlushWriter;
  readonly newest: Newest;
  readonly reader: Reader;
}

function openHorizon(parts: AdoptingParts): StoreHorizon {
  const { database, clock, flushing, newest, reader } = parts;
  const restore = (): void => flushing.reload();
  return createHorizon({
    database,
    write(series, rows, position) {
      flushing.writeRows(series, rows, position);
      for (const { endAt } of rows) newest.notice(series, endAt);
      reader.forgetLatest();
    },
    restore,
    forget: (work) =>
      createForgetter({ ...parts, restore, nowMs: () => clock.monotonicMs() }, work),
  });
}

interface FlusherParts extends WriterParts {
  readonly tail: Tail;
  /** Moves on with each batch. */
  readonly standing: FlushStanding;
  readonly flushing: FlushWriter;
}

interface Flusher {
  wantsFlush(): boolean;
  flushSlice(sliceMs: number): boolean;
  /** Before a batch goes to the tail. */
  noticeBatch(): void;
}

/** When to flush, and slice after slice of it. */
function createFlusher(parts: FlusherParts): Flusher {
  const { tail, config, clock, events, standing, flushing } = parts;
  let flush: Flush | null = null;
  let tailSinceMs = clock.monotonicMs();

  /** One transaction; what it did in memory is undone when it fails. */
  function writeSlice(running: Flush, sliceMs: number): boolean {
    const startedMs = clock.monotonicMs();
    const isOver = (): boolean => clock.monotonicMs() - startedMs >= sliceMs;
    const before = { ...running.progress };
    let rows = 0;
    try {
      transaction(parts.database, () => {
        rows = flushing.writeSlice(running, isOver);
      });
    } catch (error) {
      Object.assign(running.progress, before);
      flushing.reload();
      events.sliceFailed(error);
      throw error;
    }
    events.sliceWritten(rows, clock.monotonicMs() - startedMs);
    return running.progress.isDone;
  }

  return {
    wantsFlush() {
      if (flush !== null || tail.bytes * 2 >= config.tailBytesMax) return true;
      const isOld = clock.monotonicMs() - tailSinceMs >= config.tailAgeMsMax;
      return isOld && tail.publications.length > 0;
    },
    flushSlice(sliceMs) {
      if (flush === null) {
        if (tail.publications.length === 0) return true;
        flush = flushing.begin({ ...standing });
      }
      if (!writeSlice(flush, sliceMs)) return false;
      const { position } = flush.standing;
      flush = null;
      tail.trim(position);
      tailSinceMs = clock.monotonicMs();
      events.flushEnded({ position, tailBytes: tail.bytes });
      return true;
    },
    noticeBatch() {
      if (tail.publications.length === 0) tailSinceMs = clock.monotonicMs();
    },
  };
}

interface Newest {
  newestAt(series: number): number;
  notice(series: number, endAt: number): void;
}

/** Greatest end of each series, read once and then kept. */
function createNewest(view: View, tail: Tail): Newest {
  const known: (number | undefined)[] = [];
  return {
    newestAt(series) {
      let found = known[series];
      if (found === undefined) {
        found = view.reading(() => newestEndOf(view, tail, series));
        known[series] = found;
      }
      return found;
    },
    notice(series, endAt) {
      const found = known[series];
      if (found !== undefined && endAt > found) known[series] = endAt;
    },
  };
}
