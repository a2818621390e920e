/**
 * Which blocks hold a day of a series, and which days a series has.
 *
 * A day d is (d × 24 h, (d + 1) × 24 h] of UTC, by the end of phenomenon time, so that hours named by
 * their end never lie across two days. Its parts are in order of key and do not overlap; two may meet
 * at the same end. All days but the newest of a series are sealed: few, full blocks, and hours kept
 * where there are enough rows.
 *
 *   directory = sealed (1 byte), count, then each part: block, newest rows, all rows,
 *               first end − start of the day, last end − first end, greatest position
 *   days      = count of runs, then (first day − end of the run before, length) each
 */
import {
  createSource,
  readByte,
  readSigned,
  readVarint,
  takeBytes,
  writeByte,
  writeSigned,
  writeVarint,
  type Sink,
} from './columns/bytes.ts';

export const dayMs = 86_400_000;
export const hourMs = 3_600_000;

export interface Part {
  readonly block: number;
  /** Keys with a current row. */
  readonly points: number;
  /** These and the superseded and history rows. */
  readonly rows: number;
  readonly firstEndAt: number;
  readonly lastEndAt: number;
  /** Greatest position of `observations` among the rows. */
  readonly positionMax: number;
}

export interface DayDirectory {
  readonly sealed: boolean;
  readonly parts: readonly Part[];
}

/** A day d is (d × 24 h, (d + 1) × 24 h], by the end of phenomenon time. */
export function dayOf(endAt: number): number {
  return Math.ceil(endAt / dayMs) - 1;
}

/** The ends of a day's rows: from inclusive, to exclusive. */
export function endsOfDay(day: number): { readonly fromAt: number; readonly toAt: number } {
  return { fromAt: day * dayMs + 1, toAt: (day + 1) * dayMs + 1 };
}

export function encodeDirectory(sink: Sink, day: number, directory: DayDirectory): Uint8Array {
  sink.length = 0;
  writeByte(sink, directory.sealed ? 1 : 0);
  writeVarint(sink, directory.parts.length);
  for (const part of directory.parts) {
    writeVarint(sink, part.block);
    writeVarint(sink, part.points);
    writeVarint(sink, part.rows);
    writeVarint(sink, part.firstEndAt - day * dayMs);
    writeVarint(sink, part.lastEndAt - part.firstEndAt);
    writeVarint(sink, part.positionMax);
  }
  return takeBytes(sink);
}

export function decodeDirectory(bytes: Uint8Array, day: number): DayDirectory {
  const source = createSource(bytes);
  const sealed = readByte(source) === 1;
  const count = readVarint(source);
  const parts: Part[] = [];
  for (let at = 0; at < count; at++) {
    const block = readVarint(source);
    const points = readVarint(source);
    const rows = readVarint(source);
    const firstEndAt = readVarint(source) + day * dayMs;
    const lastEndAt = readVarint(source) + firstEndAt;
    parts.push({ block, points, rows, firstEndAt, lastEndAt, positionMax: readVarint(source) });
  }
  return { sealed, parts };
}

export function encodeDays(sink: Sink, days: readonly number[]): Uint8Array {
  const runs: number[] = [];
  let before = 0;
  for (let at = 0; at < days.length;) {
    const first = days[at]!;
    let end = at + 1;
    while (end < days.length && days[end] === first + end - at) end++;
    runs.push(first - before, end - at);
    before = first + end - at;
    at = end;
  }
  sink.length = 0;
  writeVarint(sink, runs.length / 2);
  for (let at = 0; at < runs.length; at += 2) {
    writeSigned(sink, runs[at]!);
    writeVarint(sink, runs[at + 1]!);
  }
  return takeBytes(sink);
}

export function decodeDays(bytes: Uint8Array): number[] {
  const source = createSource(bytes);
  const runs = readVarint(source);
  const days: number[] = [];
  let before = 0;
  for (let run = 0; run < runs; run++) {
    const first = before + readSigned(source);
    const length = readVarint(source);
    for (let at = 0; at < length; at++) days.push(first + at);
    before = first + length;
  }
  return days;
}

/** Adds a day to an ascending list; false where it was there. */
export function addDay(days: number[], day: number): boolean {
  const last = days.at(-1);
  if (last === undefined || day > last) {
    days.push(day);
    return true;
  }
  const place = lowerBound(days, day);
  if (days[place] === day) return false;
  days.splice(place, 0, day);
  return true;
}

/** Index of the first number that is not below `value`. */
export function lowerBound(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
