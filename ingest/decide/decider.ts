/**
 * The one decider: whatever changes an observation passes here, one value at a time (design.md §4
 * and §6). It finds the value's place among the kept ones of its key, judges it, and judges again
 * what it touches. Flags are a function of the set of observations: what memory does not hold is
 * loaded, never guessed.
 */
import type { ChecksConfig } from '../checks/config.ts';
import { windowMsMax } from '../checks/neighbour.ts';
import type { Candidate } from '../normalise/measurement.ts';
import type { StoreHorizon } from '../store/horizon.ts';
import { eraseValues, type SeriesErasure } from './erasing.ts';
import type { Scope } from './judging.ts';
import { openKept, type KeptStore } from './kept.ts';
import { requireRows } from './old-rows.ts';
import { createPending, type Pending } from './pending.ts';
import { isBehindAll, placeAtEnd, placeNew, type Outcome } from './placing.ts';
import { createPoint } from './point.ts';
import { createPointMemory } from './point-memory.ts';
import { PointWindow, type WindowSource } from './point-window.ts';
import { restateValues, type SeriesRestatement } from './restating.ts';
import type { Sender } from './rows.ts';
import { createSeriesStates, dropWindows, type SeriesBinding, type SeriesState } from './series.ts';
import { isRepeatOfTimeless } from './timeless.ts';

export interface Decider {
  /** Rows and entries that are decided and not in the store yet. */
  readonly pending: Pending;
  /**
   * Decides one value; its rows are in `pending`. Where it throws, nothing of it is decided:
   * RowsLacking tells what must be adopted first, of an erasure and a reprocess too.
   */
  decide(candidate: Candidate, sender: Sender): Outcome;
  /** Deletes what a device said of a stretch of one series; answers how many observations. */
  erase(binding: SeriesBinding, erasure: SeriesErasure): number;
  /** Tells keys of one series again, as a reprocess found them; answers how many that changed. */
  restate(binding: SeriesBinding, restatement: SeriesRestatement): number;
  /** Takes back the rows of the stretch being decided from number `length` on. */
  takeBack(length: number): void;
  /** Another registry version is in force from the next value on. */
  changeRegistry(): void;
  /** Rows of the series were adopted: what is remembered of it is read again. */
  forget(series: number): void;
  /** Bytes of the points in memory. */
  readonly windowsBytes: number;
}

export interface DeciderOptions {
  readonly store: KeptStore;
  /** Before which the store may lack rows; absent: it never does. */
  readonly horizon?: StoreHorizon | undefined;
  readonly checks: ChecksConfig;
  /** Memory of the points, in bytes; at the bound those not used lately are loaded anew. */
  readonly windowsBytesMax: number;
  /** Points that a series in order keeps at hand. */
  readonly windowPoints: number;
  /** Points up to which a flat line's look-back is loaded; the rest is walked along in the store. */
  readonly lookBackPointsMax: number;
}

export function createDecider(options: DeciderOptions): Decider {
  const pending = createPending();
  const kept = openKept(options.store, pending);
  const memory = createPointMemory(options.windowsBytesMax);
  const source: WindowSource = {
    memory,
    kept,
    pointsKept: options.windowPoints,
    lookBackPointsMax: options.lookBackPointsMax,
  };
  const states = createSeriesStates(options.checks);
  const scope: Scope = { kept, pending, point: createPoint() };
  const { horizon } = options;

  /** Nearly always one comparison. */
  function require(series: number, firstAt: number, lastAt: number): void {
    if (horizon === undefined || firstAt >= horizon.knownFromAt + windowMsMax) return;
    requireRows(horizon, { series, firstAt, lastAt });
  }

  /** What windows hold of the rows may be wrong now: they are loaded again when they are needed. */
  function takeBack(length: number): void {
    for (const row of pending.current.rows.slice(length)) {
      const state = states.known(row.series);
      if (state !== undefined) windowOf(state, row.heightMm)?.drop();
    }
    pending.cutTo(length);
  }

  function wholly<Result>(work: () => Result): Result {
    const rowsBefore = pending.current.rows.length;
    try {
      return work();
    } catch (error) {
      takeBack(rowsBefore);
      throw error;
    }
  }

  return {
    pending,
    takeBack,
    decide(candidate, sender) {
      const { series, endAt } = candidate;
      require(series, endAt, endAt);
      const state = states.of(candidate.binding);
      const rowsBefore = pending.current.rows.length;
      try {
        const window = openWindow(state, candidate, source);
        return decideIn(scope, window, candidate, sender);
      } catch (error) {
        windowOf(state, candidate.heightMm)?.drop();
        takeBack(rowsBefore);
        throw error;
      }
    },
    erase(binding, erasure) {
      require(binding.datastream.series, erasure.fromAt, erasure.toAt);
      const state = states.of(binding);
      return wholly(() => eraseValues({ scope, source, store: options.store, state }, erasure));
    },
    restate(binding, restatement) {
      const ends = restatement.keys.map(({ endAt }) => endAt);
      require(binding.datastream.series, Math.min(...ends), Math.max(...ends));
      const state = states.of(binding);
      return wholly(() => restateValues({ scope, source, state }, restatement));
    },
    changeRegistry: () => states.changeRegistry(),
    forget: (series) => dropWindows(states.known(series)),
    get windowsBytes() {
      return memory.bytes;
    },
  };
}

function decideIn(
  scope: Scope,
  window: PointWindow,
  candidate: Candidate,
  sender: Sender,
): Outcome {
  const isTimeless = candidate.timeSource === 'receive';
  if (isTimeless && isRepeatOfTimeless(scope.kept, window, candidate, sender)) return 'duplicate';
  const arrival = { candidate, sender };
  if (isBehindAll(window, candidate.endAt)) return placeNew(scope, window, arrival);
  const at = window.indexOf(candidate.endAt);
  return window.endAt[at] === candidate.endAt
    ? placeAtEnd(scope, window, at, arrival)
    : placeNew(scope, window, arrival);
}

function windowOf(state: SeriesState, heightMm: number): PointWindow | undefined {
  return Number.isNaN(heightMm) ? state.window : state.windowsByHeight.get(heightMm);
}

/** The window of a value's series and height, with all that a change at its end can touch. */
function openWindow(state: SeriesState, candidate: Candidate, source: WindowSource): PointWindow {
  const { endAt, heightMm } = candidate;
  const window = windowOf(state, heightMm);
  const opened =
    window !== undefined && serves(window, endAt)
      ? window
      : replaceWindow(state, candidate, source, window);
  opened.isUsed = true;
  if (candidate.timeSource === 'receive') opened.loadAround(endAt, state.repeatWithinMs);
  return opened;
}

function serves(window: PointWindow, endAt: number): boolean {
  return (window.holdsNewest && isBehindAll(window, endAt)) || window.reaches(endAt);
}

function replaceWindow(
  state: SeriesState,
  { endAt, heightMm }: Candidate,
  source: WindowSource,
  window: PointWindow | undefined,
): PointWindow {
  window?.drop();
  const opened = new PointWindow(state, heightMm, endAt, source);
  if (Number.isNaN(heightMm)) state.window = opened;
  else state.windowsByHeight.set(heightMm, opened);
  return opened;
}
