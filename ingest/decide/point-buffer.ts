import type { Points } from '../checks/check.ts';
import type { Point } from './point.ts';
import type { PointColumns, PointMemory, Region, RegionHolder } from './point-memory.ts';

/**
 * Points in order of `endAt` in a region of the memory: it moves, grows and shrinks there as points
 * are put before, between and behind. Indices move with it.
 */
export abstract class PointBuffer implements Points, RegionHolder {
  endAt: Float64Array;
  value: Float64Array;
  sound: Uint8Array;
  columns: PointColumns;
  from: number;
  to: number;
  isUsed = true;
  readonly #memory: PointMemory;
  #region: Region;
  /** Index behind the region. */
  #end: number;

  protected constructor(memory: PointMemory) {
    this.#memory = memory;
    this.#region = memory.allocate(1, this);
    this.columns = this.#region.columns;
    this.endAt = this.columns.endAt;
    this.value = this.columns.value;
    this.sound = this.columns.sound;
    this.from = this.#region.base;
    this.to = this.from;
    this.#end = this.from + this.#region.capacity;
  }

  /** The memory takes the region back. */
  abstract evict(): void;

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

  set(point: Point, at: number): void {
    const { columns } = this;
    columns.endAt[at] = point.endAt;
    columns.value[at] = point.value;
    columns.spanMs[at] = point.spanMs;
    columns.code[at] = point.code;
    columns.meta[at] = point.meta;
    columns.sound[at] = point.sound;
  }

  protected get isFull(): boolean {
    return this.to === this.#end;
  }

  protected release(): void {
    this.#memory.release(this.#region);
  }

  /** Makes room for one more behind the last; `usual` points are no reason to give room back. */
  protected makeRoom(usual: number): void {
    const count = this.to - this.from;
    const { base, capacity } = this.#region;
    if (count >= capacity || (count < capacity / 4 && capacity > usual))
      this.#relocate(count * 2, 0);
    else if (this.from > base) this.#move(base);
    else this.#relocate(capacity * 2, 0);
  }

  /** Makes a gap of one at an index. There is room behind the last. */
  protected openGap(at: number): void {
    this.#shift(at, at + 1);
    this.to++;
  }

  /** Puts older points before the first, oldest first. */
  protected prepend(points: readonly Point[]): void {
    const { base, capacity } = this.#region;
    const needed = this.to - this.from + points.length;
    // Who is asked for older points once is asked again.
    if (needed > capacity) this.#relocate(needed + points.length + 1, 2 * points.length);
    else if (this.from - base < points.length) this.#move(this.#end - (this.to - this.from));
    this.from -= points.length;
    for (let index = 0; index < points.length; index++) {
      const point = points[index];
      if (point !== undefined) this.set(point, this.from + index);
    }
  }

  protected append(points: readonly Point[]): void {
    const needed = this.to - this.from + points.length;
    if (this.to + points.length > this.#end) {
      if (needed <= this.#region.capacity) this.#move(this.#region.base);
      else this.#relocate(needed * 2, 0);
    }
    for (const point of points) this.set(point, this.to++);
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
    const old = this.#region;
    const { columns, from, to } = this;
    const region = this.#memory.allocate(points, this);
    const start = region.base + gap;
    copyPoints(columns, from, to, { columns: region.columns, at: start });
    this.#memory.release(old);
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
