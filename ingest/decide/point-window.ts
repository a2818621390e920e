import type { Points } from '../checks/check.ts';
import { createSequence, type Sequence } from '../checks/judge.ts';
import type { ObservationRow } from '../observation.ts';
import type { Kept } from './kept.ts';
import { pointOfRow, type Point } from './point.ts';
import { PointBuffer } from './point-buffer.ts';
import type { PointMemory } from './point-memory.ts';
import type { SeriesState } from './series.ts';

/** What windows are cut from and filled from; one for the whole decider. */
export interface WindowSource {
  readonly memory: PointMemory;
  readonly kept: Kept;
  /** Points that a series in order keeps at hand; an older look-back is loaded when it is asked. */
  readonly pointsKept: number;
  /** Points up to which a look-back is loaded; what is older is walked along in the store. */
  readonly lookBackPointsMax: number;
}

/** Rows read at once: few where a neighbour is wanted, then as many as there are already. */
const fewFactor = 1 / 4;
const rowsMax = 4_096;
/** From so many times the usual points on it lets go of newer ones when a value comes far before them. */
const aheadFactor = 8;
/** No observation ends later. */
const everAt = 8_640_000_000_000_000;
const everBefore = -everAt;

/**
 * The points of one series at one height, in order of `endAt`, one for each end (of several keys
 * with the same end the one with the shortest interval). It holds all there are in [`coveredFrom`,
 * `coveredTo`); older and newer ones are in the store, and are loaded as far as a verdict needs them
 * and no farther, so that a device that sends a thousand times an interval costs no more than
 * another. Indices move when points are loaded or cut: they are asked for again by `indexOf`. A
 * class: it is filled, grows, is evicted.
 */
export class PointWindow extends PointBuffer {
  coveredFrom = 0.5;
  coveredTo = 0.5;
  /** Nothing is newer than what it holds, and nothing newer than its last point was ever kept. */
  holdsNewest = false;
  sequence: Sequence;
  readonly heightMm: number;
  #state: SeriesState;
  #isHeld = true;
  /** Greatest end known to have been kept of the series. */
  #newestAt = 0.5;
  readonly #source: WindowSource;

  /** Filled with what a change at `aroundAt` needs. */
  constructor(state: SeriesState, heightMm: number, aroundAt: number, source: WindowSource) {
    super(source.memory);
    this.#state = state;
    this.#source = source;
    this.heightMm = heightMm;
    this.sequence = createSequence(state.rules);
    this.#fill(aroundAt);
  }

  get state(): SeriesState {
    return this.#state;
  }

  /** False once it was evicted or dropped: the store and the undurable rows know everything. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Whether a key that ends then may be kept although it has no point: one that was erased. */
  mayKeep(endAt: number): boolean {
    return endAt <= this.#newestAt || endAt <= this.#lastAt();
  }

  evict(): void {
    this.#isHeld = false;
    const state = this.#state;
    if (state.window === this) state.window = undefined;
    if (state.windowsByHeight.get(this.heightMm) === this) {
      state.windowsByHeight.delete(this.heightMm);
    }
  }

  drop(): void {
    if (!this.#isHeld) return;
    this.release();
    this.evict();
  }

  changeRules(state: SeriesState): void {
    this.#state = state;
    this.sequence = createSequence(state.rules);
  }

  /** Puts in a point whose end is not there yet; gives its index. */
  insert(point: Point): number {
    if (this.isFull) {
      this.#cut(point.endAt);
      this.makeRoom(this.#source.pointsKept);
    }
    const isLast = this.#lastAt() < point.endAt;
    const at = isLast ? this.to : this.indexOf(point.endAt);
    if (isLast) this.to++;
    else this.openGap(at);
    this.set(point, at);
    if (!this.holdsNewest) this.#noticeNewest();
    return at;
  }

  /**
   * Makes sure that a change at `aroundAt` can be judged: the neighbours that it and the point before
   * it are compared with are there. False: it lies too far from what the window holds.
   */
  reaches(aroundAt: number): boolean {
    const { beforeMs, afterMs } = this.#state.reach;
    const fromAt = aroundAt - beforeMs;
    const { pointsKept } = this.#source;
    if (this.#isFar(aroundAt)) return false;
    if (aroundAt < this.coveredFrom) this.#extendBack(everBefore, pointsKept);
    if (aroundAt >= this.coveredTo) this.#extendAhead(pointsKept);
    if (aroundAt < this.coveredFrom || aroundAt >= this.coveredTo) return false;
    while (fromAt < this.coveredFrom && this.#nearFrom(this.indexOf(aroundAt)) === undefined) {
      // However far away they are: what comes next may lie in the same gap.
      this.#extendBack(everBefore, this.#rowsAtOnce());
    }
    while (aroundAt + afterMs >= this.coveredTo && this.#lastAt() <= aroundAt) {
      this.#extendAhead(this.#rowsAtOnce());
    }
    return true;
  }

  /** Makes sure that all points no farther than `withinMs` from an end are there. */
  loadAround(endAt: number, withinMs: number): void {
    while (endAt - withinMs < this.coveredFrom) {
      this.#extendBack(endAt - withinMs, this.#rowsAtOnce());
    }
    while (endAt + withinMs >= this.coveredTo) this.#extendAhead(this.#rowsAtOnce());
  }

  /** Loads more of what a change at `endAt` can touch; false: all of it is there. */
  loadTouched(endAt: number): boolean {
    if (endAt + this.#state.reach.behindMs < this.coveredTo) return false;
    this.#extendAhead(this.#rowsAtOnce());
    return true;
  }

  /**
   * Loads more of what the flat line may ask for at a point that ends at `endAt`; false: all of it is
   * there, or as much as a window may hold.
   */
  loadLookBack(endAt: number): boolean {
    const fromAt = endAt - this.#state.reach.lookBackMs;
    const isEnough = this.to - this.from >= this.#source.lookBackPointsMax;
    if (isEnough || fromAt >= this.coveredFrom) return false;
    this.#extendBack(fromAt, this.#rowsAtOnce());
    return true;
  }

  /** Whether points that the flat line may ask for at `endAt` are not in the window. */
  hasOlder(endAt: number): boolean {
    return endAt - this.#state.reach.lookBackMs < this.coveredFrom;
  }

  /** Those points, in stretches, newest first. */
  *older(endAt: number): Generator<Points> {
    const fromAt = endAt - this.#state.reach.lookBackMs;
    for (let toAt = this.coveredFrom; toAt > fromAt;) {
      const found = this.#rowsBefore(fromAt, toAt, rowsMax);
      yield columnsOf(this.#pointsOf(found.rows));
      toAt = found.fromAt;
    }
  }

  #fill(aroundAt: number): void {
    const { lookBackMs, beforeMs } = this.#state.reach;
    const { kept } = this.#source;
    const fromAt = aroundAt - Math.max(lookBackMs, beforeMs);
    const before = kept.last(this.#span(fromAt, aroundAt), this.#rowsAtOnce());
    this.#newestAt = kept.newestAt(this.#state.series);
    this.coveredFrom = before.fromAt;
    this.coveredTo = this.#newestAt < aroundAt ? Number.POSITIVE_INFINITY : aroundAt;
    this.append(this.#pointsOf(before.rows));
    this.reaches(aroundAt);
    this.#noticeNewest();
  }

  /** So far that more rows than a window keeps are to be expected between: nothing is read to see. */
  #isFar(aroundAt: number): boolean {
    const awayMs = this.#source.pointsKept * this.#state.rules.intervalMs;
    return aroundAt < this.coveredFrom - awayMs || aroundAt >= this.coveredTo + awayMs;
  }

  #lastAt(): number {
    return this.to === this.from ? Number.NEGATIVE_INFINITY : (this.endAt[this.to - 1] ?? 0);
  }

  #noticeNewest(): void {
    const isOpenEnded = this.coveredTo === Number.POSITIVE_INFINITY;
    this.holdsNewest = isOpenEnded && this.to > this.from && this.#lastAt() >= this.#newestAt;
  }

  #rowsAtOnce(): number {
    const few = Math.ceil(this.#source.pointsKept * fewFactor);
    return Math.min(rowsMax, Math.max(few, this.to - this.from));
  }

  /**
   * Of the two points before an index, one of them sound, the index of the older: the one before is
   * compared with the other, and a value at the index with the sound one. Undefined: they are not there.
   */
  #nearFrom(at: number): number | undefined {
    let isSound = false;
    for (let before = at - 1; before >= this.from; before--) {
      if (this.sound[before] === 1) isSound = true;
      if (isSound && before <= at - 2) return before;
    }
    return undefined;
  }

  #span(fromAt: number, toAt: number) {
    return { series: this.#state.series, heightMm: this.heightMm, fromAt, toAt };
  }

  /** Loads about `limit` older points, down to `fromAt` at most. */
  #extendBack(fromAt: number, limit: number): void {
    const found = this.#rowsBefore(fromAt, this.coveredFrom, limit);
    this.prepend(this.#pointsOf(found.rows));
    this.coveredFrom = found.fromAt;
    this.sequence.forget();
  }

  /** The last rows of [fromAt, toAt), about `limit`; and from where on they are all there are. */
  #rowsBefore(fromAt: number, toAt: number, limit: number): ReturnType<Kept['last']> {
    const found = this.#source.kept.last(this.#span(fromAt, toAt), limit);
    if (found.fromAt < toAt) return found;
    // One end with more rows than are read at once: all of them then.
    const endAt = toAt - 1;
    return { rows: [...this.#source.kept.range(this.#span(endAt, toAt))], fromAt: endAt };
  }

  #extendAhead(limit: number): void {
    const found = this.#source.kept.first(this.#span(this.coveredTo, everAt), limit);
    // One end with more rows than are read at once: all of them then.
    const isStuck = found.toAt <= this.coveredTo;
    const rows = isStuck
      ? this.#source.kept.range(this.#span(this.coveredTo, this.coveredTo + 1))
      : found.rows;
    this.append(this.#pointsOf(rows));
    this.coveredTo = isStuck ? this.coveredTo + 1 : found.toAt;
    if (this.coveredTo >= everAt) this.coveredTo = Number.POSITIVE_INFINITY;
  }

  /** One point an end: rows come in order of (endAt, startAt), the shortest interval last. */
  #pointsOf(rows: readonly ObservationRow[]): Point[] {
    const points: Point[] = [];
    for (const row of rows) {
      const point = pointOfRow(row, this.#state.rules);
      if (points.at(-1)?.endAt === point.endAt) points.pop();
      points.push(point);
    }
    return points;
  }

  /** Lets go of half of what a change at `endAt` or later will hardly ask for. */
  #cut(endAt: number): void {
    const count = this.to - this.from;
    const { pointsKept } = this.#source;
    if (count < pointsKept) return;
    const isFarBefore = this.indexOf(endAt) < this.from + count / 4;
    if (isFarBefore && count >= aheadFactor * pointsKept)
      this.#cutAhead(this.from + Math.ceil(count / 2));
    else this.#cutBefore(endAt, this.to - Math.ceil(count / 2));
  }

  #cutBefore(endAt: number, wanted: number): void {
    const near = this.#nearFrom(this.indexOf(endAt)) ?? this.from;
    const inTime = this.indexOf(endAt - this.#state.reach.beforeMs);
    const from = Math.min(wanted, Math.max(near, inTime));
    if (from <= this.from) return;
    this.coveredFrom = (this.endAt[from - 1] ?? 0) + 1;
    this.from = from;
  }

  #cutAhead(to: number): void {
    this.#newestAt = Math.max(this.#newestAt, this.#lastAt());
    this.coveredTo = this.endAt[to] ?? this.coveredTo;
    this.to = to;
    this.holdsNewest = false;
    this.sequence.forget();
  }
}

function columnsOf(points: readonly Point[]): Points {
  return {
    endAt: Float64Array.from(points, ({ endAt }) => endAt),
    value: Float64Array.from(points, ({ value }) => value),
    sound: Uint8Array.from(points, ({ sound }) => sound),
    from: 0,
    to: points.length,
  };
}
