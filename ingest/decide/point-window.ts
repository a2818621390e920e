import type { Points } from '../checks/check.ts';
import { createSequence, type Sequence } from '../checks/judge.ts';
import type { ObservationRow } from '../observation.ts';
import type { Kept } from './kept.ts';
import { pointOfRow, type Point } from './point.ts';
import type { PointColumns, PointMemory, Region, RegionHolder } from './point-memory.ts';
import type { SeriesState } from './series.ts';

/** What windows are cut from and filled from; one for the whole decider. */
export interface WindowSource {
  readonly memory: PointMemory;
  readonly kept: Kept;
  /** Points that a series in order keeps at hand; an older look-back is loaded when it is asked. */
  readonly pointsKept: number;
}

/** Rows read at once around a late value; one that lies farther back gets a window of its own. */
const rowsAtOnce = 1_024;
/** No observation ends later. */
const everAt = 8_640_000_000_000_000;

/**
 * The points of one series at one height, in order of `endAt`, one for each end (of several keys
 * with the same end the one with the shortest interval). It holds all there are in [`coveredFrom`,
 * `coveredTo`); older and newer ones are in the store. Indices move when points are loaded or cut:
 * they are asked for again by `indexOf`. A class: it is filled, grows, is evicted.
 */
export class PointWindow implements Points, RegionHolder {
  endAt: Float64Array;
  value: Float64Array;
  sound: Uint8Array;
  columns: PointColumns;
  from: number;
  to: number;
  coveredFrom = 0.5;
  coveredTo = 0.5;
  /** Nothing is newer than what it holds, and nothing newer than its last point was ever kept. */
  holdsNewest = false;
  isUsed = true;
  sequence: Sequence;
  readonly heightMm: number;
  #state: SeriesState;
  #region: Region;
  #isHeld = true;
  /** Index behind the region. */
  #end: number;
  /** Greatest end ever kept of the series when the window was filled. */
  #newestAt = 0.5;
  readonly #source: WindowSource;

  /** Filled with what a change at `aroundAt` needs. */
  constructor(state: SeriesState, heightMm: number, aroundAt: number, source: WindowSource) {
    this.#state = state;
    this.#source = source;
    this.heightMm = heightMm;
    this.sequence = createSequence(state.rules);
    this.#region = source.memory.allocate(1, this);
    this.columns = this.#region.columns;
    this.endAt = this.columns.endAt;
    this.value = this.columns.value;
    this.sound = this.columns.sound;
    this.from = this.#region.base;
    this.to = this.from;
    this.#end = this.from + this.#region.capacity;
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

  /** The memory takes the region back. */
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
    this.#source.memory.release(this.#region);
    this.evict();
  }

  changeRules(state: SeriesState): void {
    this.#state = state;
    this.sequence = createSequence(state.rules);
  }

  /** Index of the first point that does not end before `endAt`. */
  indexOf(endAt: number): number {
    const ends = this.endAt;
    let low = this.from;
    let high = this.to;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((ends[middle] ?? 0) < endAt) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Puts in a point whose end is not there yet; gives its index. */
  insert(point: Point): number {
    if (this.to === this.#end) this.#makeRoom(point.endAt);
    const isLast = this.#lastAt() < point.endAt;
    const at = isLast ? this.to : this.indexOf(point.endAt);
    if (!isLast) this.#shift(at, at + 1);
    this.to++;
    this.set(point, at);
    if (!this.holdsNewest) this.#noticeNewest();
    return at;
  }

  set(point: Point, at: number): void {
    const { columns } = this;
    columns.endAt[at] = point.endAt;
    columns.value[at] = point.value;
    columns.spanMs[at] = point.spanMs;
    columns.code[at] = point.code;
    columns.meta[at] = point.meta;
    columns.sound[at] = point.sound;
  }

  /**
   * Makes sure that a change at `aroundAt` can be judged: everything between the near look-back and
   * the farthest point it can touch is there. False: it lies too far from what the window holds.
   */
  reaches(aroundAt: number): boolean {
    const { beforeMs, behindMs } = this.#state.reach;
    const fromAt = aroundAt - beforeMs;
    const untilAt = aroundAt + behindMs;
    if (fromAt >= this.coveredTo) return false;
    if (fromAt < this.coveredFrom && !this.#extendBack(fromAt, rowsAtOnce)) return false;
    while (untilAt >= this.coveredTo) this.#extendAhead();
    return true;
  }

  /** Loads what the flat line may ask for at a point that ends at `endAt`; false: it was there. */
  loadLookBack(endAt: number): boolean {
    const fromAt = endAt - this.#state.reach.lookBackMs;
    if (fromAt >= this.coveredFrom) return false;
    this.#extendBack(fromAt, Number.POSITIVE_INFINITY);
    return true;
  }

  #fill(aroundAt: number): void {
    const { lookBackMs, beforeMs } = this.#state.reach;
    const { kept, pointsKept } = this.#source;
    const fromAt = aroundAt - Math.max(lookBackMs, beforeMs);
    const before = kept.last(this.#span(fromAt, aroundAt), Math.ceil(pointsKept / 4));
    this.#newestAt = kept.newestAt(this.#state.series);
    this.coveredFrom = before.fromAt;
    this.coveredTo = this.#newestAt < aroundAt ? Number.POSITIVE_INFINITY : aroundAt;
    this.#append(before.rows);
    if (!this.reaches(aroundAt)) {
      this.#extendBack(aroundAt - beforeMs, Number.POSITIVE_INFINITY);
      this.reaches(aroundAt);
    }
    this.#noticeNewest();
  }

  #lastAt(): number {
    return this.to === this.from ? Number.NEGATIVE_INFINITY : (this.endAt[this.to - 1] ?? 0);
  }

  #noticeNewest(): void {
    const isOpenEnded = this.coveredTo === Number.POSITIVE_INFINITY;
    this.holdsNewest = isOpenEnded && this.to > this.from && this.#lastAt() >= this.#newestAt;
  }

  #span(fromAt: number, toAt: number) {
    return { series: this.#state.series, heightMm: this.heightMm, fromAt, toAt };
  }

  /** Loads older points down to `fromAt`; false where there are more than `limit` of them. */
  #extendBack(fromAt: number, limit: number): boolean {
    const span = this.#span(fromAt, this.coveredFrom);
    const found = this.#source.kept.last(span, limit);
    if (found.fromAt > fromAt) return false;
    const points = this.#pointsOf(found.rows);
    const { base } = this.#region;
    if (this.to - this.from + points.length > this.#region.capacity) {
      this.#relocate(this.to - this.from + points.length + 1, points.length);
    } else {
      this.#move(base + points.length);
    }
    this.from -= points.length;
    for (let index = 0; index < points.length; index++) {
      const point = points[index];
      if (point !== undefined) this.set(point, this.from + index);
    }
    this.coveredFrom = fromAt;
    this.sequence.forget();
    return true;
  }

  #extendAhead(): void {
    const found = this.#source.kept.first(this.#span(this.coveredTo, everAt), rowsAtOnce);
    // One end with more rows than are read at once: all of them then.
    const isStuck = found.toAt <= this.coveredTo;
    const rows = isStuck
      ? this.#source.kept.range(this.#span(this.coveredTo, this.coveredTo + 1))
      : found.rows;
    this.#append(rows);
    this.coveredTo = isStuck ? this.coveredTo + 1 : found.toAt;
    if (this.coveredTo >= everAt) this.coveredTo = Number.POSITIVE_INFINITY;
  }

  #append(rows: readonly ObservationRow[]): void {
    const points = this.#pointsOf(rows);
    const needed = this.to - this.from + points.length;
    if (this.to + points.length > this.#end) {
      if (needed <= this.#region.capacity) this.#move(this.#region.base);
      else this.#relocate(needed * 2, 0);
    }
    for (const point of points) this.set(point, this.to++);
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

  /** Room for one more: cuts off what a change at `endAt` or later will not ask for, or grows. */
  #makeRoom(endAt: number): void {
    const { pointsKept } = this.#source;
    const count = this.to - this.from;
    // Half of what was needed stays: a series that is asked for a long look-back is asked again soon.
    if (count >= pointsKept) this.#cut(endAt, Math.ceil(count / 2));
    const kept = this.to - this.from;
    const { capacity } = this.#region;
    if (kept >= capacity || (kept < capacity / 4 && capacity > pointsKept)) {
      this.#relocate(kept * 2, 0);
    } else if (this.from > this.#region.base) {
      this.#move(this.#region.base);
    } else {
      this.#relocate(capacity * 2, 0);
    }
  }

  /** Leaves at least `left` points, and all that are near a change at `endAt` or later. */
  #cut(endAt: number, left: number): void {
    const { beforeMs } = this.#state.reach;
    const from = Math.min(this.to - left, this.indexOf(endAt - beforeMs));
    if (from <= this.from) return;
    this.coveredFrom = (this.endAt[from - 1] ?? 0) + 1;
    this.from = from;
  }

  /** Moves all points so that the first stands at `target`. */
  #move(target: number): void {
    if (target === this.from) return;
    this.#shift(this.from, target);
    this.to += target - this.from;
    this.from = target;
  }

  /** Copies the points from index `start` on to `target`. */
  #shift(start: number, target: number): void {
    const { columns, to } = this;
    columns.endAt.copyWithin(target, start, to);
    columns.value.copyWithin(target, start, to);
    columns.spanMs.copyWithin(target, start, to);
    columns.code.copyWithin(target, start, to);
    columns.meta.copyWithin(target, start, to);
    columns.sound.copyWithin(target, start, to);
  }

  /** Takes another region for `points`, leaving `gap` free before the first. */
  #relocate(points: number, gap: number): void {
    const { memory } = this.#source;
    const old = this.#region;
    const { columns, from, to } = this;
    const region = memory.allocate(points, this);
    const start = region.base + gap;
    copyPoints(columns, from, to, { columns: region.columns, at: start });
    memory.release(old);
    this.#region = region;
    this.#end = region.base + region.capacity;
    this.columns = region.columns;
    this.endAt = region.columns.endAt;
    this.value = region.columns.value;
    this.sound = region.columns.sound;
    this.from = start;
    this.to = start + to - from;
  }
}

function copyPoints(
  source: PointColumns,
  from: number,
  to: number,
  target: { readonly columns: PointColumns; readonly at: number },
): void {
  const { columns, at } = target;
  columns.endAt.set(source.endAt.subarray(from, to), at);
  columns.value.set(source.value.subarray(from, to), at);
  columns.spanMs.set(source.spanMs.subarray(from, to), at);
  columns.code.set(source.code.subarray(from, to), at);
  columns.meta.set(source.meta.subarray(from, to), at);
  columns.sound.set(source.sound.subarray(from, to), at);
}
