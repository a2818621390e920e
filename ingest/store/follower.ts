/**
 * A reader of `view.db` in another thread: it follows the same batches in a tail of its own and trims
 * that behind what the database holds, which it learns in the transaction of each read.
 */
import type { Position } from '../log/log.ts';
import type { StoreConfig } from './config.ts';
import { createHorizonReader } from './horizon.ts';
import { createReader } from './reader.ts';
import { requireFormat, openReadOnly } from './schema.ts';
import type { StoreFollower } from './store.ts';
import { createTail } from './tail.ts';
import { openView } from './view.ts';

export interface StoreFollowerOptions {
  readonly path: string;
  readonly config: StoreConfig;
  /** Whether a series' values are angles: its hours are also summed on the circle. */
  readonly isCircular: (series: number) => boolean;
}

/**
 * Opens the view read-only. STORE_NO_VIEW (try again) before the writer has made it, STORE_NEWER_FORMAT,
 * STORE_OLDER_FORMAT or STORE_NOT_A_VIEW where it cannot be read.
 */
export function openStoreFollower(options: StoreFollowerOptions): StoreFollower {
  const { path, config, isCircular } = options;
  const database = openReadOnly(path);
  try {
    requireFormat(database, path);
  } catch (error) {
    database.close();
    throw error;
  }
  const view = openView(database);
  const tail = createTail();
  const { position, totals } = view.state();
  const standing = { position, totals };
  let heldByDatabase = position;
  const readHorizon = createHorizonReader(database);
  let horizon = readHorizon();
  const reader = createReader({ view, tail, standing, isCircular, onPosition });

  /**
   * What the database holds is dropped from the tail. Where the answers stand is left alone: they are
   * pinned there even when the database is ahead.
   */
  function onPosition(inDatabase: Position): void {
    if (inDatabase === heldByDatabase) return;
    heldByDatabase = inDatabase;
    tail.trim(inDatabase);
  }

  /** Goes on to the database's position where that is ahead of the batches applied here. */
  function catchUp(inDatabase: Position): void {
    onPosition(inDatabase);
    if (inDatabase <= standing.position) return;
    const state = view.state();
    standing.position = state.position;
    standing.totals = state.totals;
    reader.forgetLatest();
  }

  /** Its owner moves the horizon before it lets go of anything that lies before. */
  function readAgain(): void {
    const before = horizon;
    horizon = readHorizon();
    if (before.knowsLatest !== horizon.knowsLatest) reader.forgetLatest();
  }

  return {
    ...reader.questions,
    get position() {
      return standing.position;
    },
    get totals() {
      return standing.totals;
    },
    get tailBytes() {
      return tail.bytes;
    },
    get saturated() {
      return tail.bytes >= config.tailBytesMax;
    },
    get horizon() {
      return horizon;
    },
    refresh() {
      view.reading((inDatabase) => {
        catchUp(inDatabase);
        readAgain();
      });
    },
    apply(at, batch) {
      if (at <= standing.position) return;
      // What the database holds must not come back into a tail that was trimmed behind it.
      if (at > heldByDatabase) tail.add(at, batch);
      standing.position = at;
      standing.totals = batch.totals;
      for (const row of batch.rows) reader.noticeRow(row);
    },
    close: () => database.close(),
  };
}
