/**
 * The API's own following of `observations`: every batch goes into the store's tail first, then to
 * whoever listens. While nobody listens a row costs its decoding, the tail and one number.
 */
import { setImmediate } from 'node:timers/promises';

import { sleep, type Clock } from '../../devices/clock.ts';
import type { DurableEnd, LogReader, Position } from '../log/log.ts';
import { decodeBatch } from '../observations/batch-codec.ts';
import type { Batch, BatchPlace } from '../observations/batch.ts';
import { followObservations } from '../store/follow.ts';
import type { StoreFollower } from '../store/store.ts';
import type { FeedEvents } from './events.ts';
import { createRegistryGate } from './registry-gate.ts';

/** The reading side of a log. */
export interface LogSource {
  readonly durableEnd: DurableEnd;
  /** A reader whose first `read` begins at `position`. */
  openReader(position: Position): LogReader | Promise<LogReader>;
}

export interface Feed {
  /** All batches up to here are in the store and were given to the listeners. */
  readonly position: Position;
  /**
   * Of the last followed batch: how far `readings` is settled; 0 before the first. In a copy it is
   * of one partition or another, and says nothing.
   */
  readonly consumed: Position;
  readonly publishedAt: number;
  readonly registryVersion: number;
  /** The last batch seen; undefined before the first. */
  readonly head: FeedHead | undefined;
  /** Null, or why following has stopped for now. */
  readonly problem: string | null;
  /**
   * Position of the last batch with a row of the series, or a later one; of a series that has not
   * changed since the start, the position of the start.
   */
  lastChangeOf(series: number): Position;
  /** Called after the store holds the batch, in order. Returns the way to end it. */
  listen(listener: FeedListener): () => void;
  /** Resolves when the feed has come to `position`, or the feed closes. */
  waitFor(position: Position): Promise<void>;
  close(): Promise<void>;
}

export interface FeedHead {
  readonly position: Position;
  /** Only in a copy of partitions. */
  readonly place: BatchPlace | undefined;
}

export type FeedListener = (position: Position, batch: Batch) => void;

export interface FeedOptions {
  readonly source: LogSource;
  readonly store: StoreFollower;
  readonly clock: Clock;
  readonly events: Pick<FeedEvents, 'followed' | 'freshened' | 'followFailed'>;
  readonly stepBytesMax: number;
  /**
   * Where the registry comes by a way of its own: its version here. What a batch says is understood
   * only with the version that it was decided at, so the batch waits for that.
   */
  readonly registryVersion?: () => number;
}

const retryMs = 1_000;
/** Rows followed between two turns of the event loop. */
const rowsPerTurn = 5_000;

/** Begins to follow where the store stands. */
export function openFeed(options: FeedOptions): Feed {
  const { source, store, clock, events } = options;
  const state = createState(store.position);
  const closing = new AbortController();
  const late = (problem: string) => Object.assign(state, { problem });
  const { registryVersion: version = () => Infinity } = options;
  const whenReady = createRegistryGate({ version, clock, signal: closing.signal, late });
  let rowsInTurn = 0;

  function onBatch(position: Position, batch: Batch): Promise<void> | undefined {
    state.take(position, batch);
    state.problem = null;
    tellFollowed(options, batch);
    rowsInTurn += batch.rows.length;
    if (rowsInTurn < rowsPerTurn) return undefined;
    rowsInTurn = 0;
    return setImmediate();
  }

  /** The record that the store already holds tells how far `readings` was settled. */
  async function readHead(reader: LogReader): Promise<void> {
    if (state.position === 0) return;
    try {
      reader.seek(state.position);
      const [record] = await reader.read(1);
      if (record?.position !== state.position) return;
      const batch = decodeBatch(record.position, record.body);
      await whenReady(batch);
      state.takeHead(record.position, batch);
    } catch (error) {
      // The next batch tells it again.
      events.followFailed(error);
    }
  }

  async function follow(): Promise<void> {
    const reader = await source.openReader(Math.max(1, store.position));
    try {
      await readHead(reader);
      await followObservations({
        reader,
        durableEnd: reportingEnd(source.durableEnd, state),
        store,
        bytesMax: options.stepBytesMax,
        clock,
        whenReady,
        onBatch,
        signal: closing.signal,
      });
    } finally {
      await reader.close();
    }
  }

  /**
   * What cannot be read is not skipped: once ingest has flushed its view past it, the store goes on
   * behind it, and so does the feed.
   */
  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await follow();
      } catch (error) {
        if (state.problem === null) events.followFailed(error);
        state.problem = 'observations cannot be followed';
        await sleep(clock, retryMs);
        store.refresh();
        state.jumpTo(store.position);
      }
    }
  }

  const ended = run();
  return Object.assign(state, {
    async close() {
      closing.abort();
      state.end();
      await ended;
    },
  });
}

/** Freshness by the clocks of door and reader; what is judged anew or by people came in long ago. */
function tellFollowed({ events, clock }: FeedOptions, { rows }: Batch): void {
  events.followed(rows.length);
  const newest = rows.at(-1);
  if (newest === undefined || newest.cause !== 'value') return;
  events.freshened(Math.max(0, clock.now() - newest.receivedAt) / 1_000);
}

/** Whoever waits for more has read all that there was. */
function reportingEnd(durableEnd: DurableEnd, state: { problem: string | null }): DurableEnd {
  return {
    get: () => durableEnd.get(),
    waitBeyond(position, signal) {
      state.problem = null;
      return durableEnd.waitBeyond(position, signal);
    },
  };
}

/** Where the feed stands, who listens and who waits. */
function createState(startPosition: Position) {
  const listeners = new Set<FeedListener>();
  const waiting = new Set<{ readonly position: Position; readonly done: () => void }>();
  let lastChanges = new Float64Array(256);
  /** Series without a change of their own since then. */
  let unchangedSince = startPosition;
  let isEnded = false;

  function noteChanges(position: Position, batch: Batch): void {
    for (const { series } of batch.rows) {
      if (series >= lastChanges.length) {
        const grown = new Float64Array(2 * series);
        grown.set(lastChanges);
        lastChanges = grown;
      }
      lastChanges[series] = position;
    }
  }

  function release(upTo: Position): void {
    for (const waiter of waiting) {
      if (waiter.position > upTo) continue;
      waiting.delete(waiter);
      waiter.done();
    }
  }

  return {
    position: startPosition,
    consumed: 0,
    publishedAt: 0,
    registryVersion: 0,
    problem: null as string | null,
    head: undefined as FeedHead | undefined,
    takeHead(position: Position, batch: Batch): void {
      const { consumed, publishedAt, registryVersion, place } = batch;
      this.head = { position, place };
      this.consumed = consumed;
      this.publishedAt = publishedAt;
      this.registryVersion = registryVersion;
    },
    take(position: Position, batch: Batch): void {
      this.takeHead(position, batch);
      noteChanges(position, batch);
      this.position = position;
      for (const listener of listeners) listener(position, batch);
      if (waiting.size > 0) release(position);
    },
    /** Batches between are in the store, but nobody saw them: any series may have changed. */
    jumpTo(position: Position): void {
      if (position <= this.position) return;
      this.position = position;
      unchangedSince = position;
      release(position);
    },
    lastChangeOf: (series: number) => Math.max(unchangedSince, lastChanges[series] ?? 0),
    listen(listener: FeedListener): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    waitFor(position: Position): Promise<void> {
      if (isEnded || this.position >= position) return Promise.resolve();
      return new Promise((done) => {
        waiting.add({ position, done });
      });
    },
    end(): void {
      isEnded = true;
      release(Infinity);
    },
  };
}
