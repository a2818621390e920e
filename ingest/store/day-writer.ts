/**
 * Writes one series' new rows of one day into its blocks. Rows behind the last block become a block
 * of their own, taking along the blocks before it that are not much longer (so that a row is coded
 * anew about log2 times, not with every flush); rows among others rewrite the blocks they meet.
 */
import type { Sink } from './columns/bytes.ts';
import { encodeBlock } from './columns/block.ts';
import { clearRows, compareKeysAt, createRows, isDeletion, type Rows } from './columns/rows.ts';
import { encodeDirectory, type DayDirectory, type Part } from './directory.ts';
import { dropRepeats, sortRows, splitNewest } from './merge.ts';
import { createRollupBuilder, encodeHours } from './rollup.ts';
import type { View } from './view.ts';

export interface DayWriterOptions {
  readonly view: View;
  readonly sink: Sink;
  readonly blockPointsMax: number;
  readonly rollupPointsMin: number;
  readonly isCircular: (series: number) => boolean;
}

export interface DayRows {
  readonly day: number;
  /** All rows at hand; the writer puts decoded blocks behind them and takes them away again. */
  readonly rows: Rows;
  /** The day's new rows, in order, without repeats. */
  readonly fresh: Int32Array;
  /** No longer the newest day of its series: its blocks are filled up and its hours are kept. */
  readonly seal: boolean;
}

export interface DayWriter {
  write(dayRows: DayRows): void;
  /** After a transaction that was rolled back. */
  reload(): void;
}

interface PartRange {
  readonly from: number;
  readonly to: number;
}

const noDirectory: DayDirectory = { sealed: false, parts: [] };
/** A block before the new rows is taken along when it has at most this many times their number. */
const takeAlongRatio = 1;
/** A finished day's blocks of fewer rows than this share of a full one are joined. */
const sealedShareMin = 1 / 8;

export function createDayWriter(options: DayWriterOptions): DayWriter {
  const { view, sink, blockPointsMax } = options;
  const parts = createPartWriter(options);
  const hoursOf = createHoursOf(options);
  const putDay = view.database.prepare(
    `INSERT INTO days VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET parts = excluded.parts, hours = excluded.hours`,
  );
  return {
    write(dayRows) {
      const { day, rows } = dayRows;
      const directory = view.day(rows.series, day) ?? noDirectory;
      const sealed = dayRows.seal || directory.sealed;
      const isSealing = sealed && !directory.sealed;
      const range = affectedParts(directory.parts, dayRows, { blockPointsMax, isSealing });
      const written = parts.rewrite(dayRows, directory.parts, range);
      const hours = sealed ? hoursOf(rows.series, day, written) : null;
      const bytes = encodeDirectory(sink, day, { sealed, parts: written });
      putDay.run(day, rows.series, bytes, hours);
    },
    reload: () => parts.reload(),
  };
}

interface PartWriter {
  /** The day's parts after those of `range` were read, merged with the new rows and written anew. */
  rewrite(dayRows: DayRows, parts: readonly Part[], range: PartRange): readonly Part[];
  reload(): void;
}

function createPartWriter({ view, sink, blockPointsMax }: DayWriterOptions): PartWriter {
  const { database } = view;
  const greatestBlock = database.prepare('SELECT coalesce(max(id), 0) AS id FROM blocks');
  const putBlock = database.prepare('INSERT INTO blocks VALUES (?, ?, ?)');
  const dropBlock = database.prepare('DELETE FROM blocks WHERE id = ?');
  let lastBlock = (greatestBlock.get() as { id: number }).id;

  /** Cuts sorted rows into blocks at ends of keys. */
  function writeParts(rows: Rows, order: Int32Array, size: number): Part[] {
    const parts: Part[] = [];
    for (let from = 0; from < order.length;) {
      let to = Math.min(order.length, from + size);
      while (to < order.length && sameKey(rows, order[to - 1]!, order[to]!)) to++;
      parts.push(writePart(rows, order.subarray(from, to)));
      from = to;
    }
    return parts;
  }

  function writePart(rows: Rows, order: Int32Array): Part {
    const { newest, others } = splitNewest(rows, order);
    const block = encodeBlock(sink, { rows, newest, others }, view.dictionary);
    lastBlock++;
    putBlock.run(lastBlock, block.points, block.details);
    let positionMax = 0;
    for (let at = 0; at < order.length; at++) {
      positionMax = Math.max(positionMax, rows.position[order[at]!]!);
    }
    return {
      block: lastBlock,
      points: newest.length,
      rows: order.length,
      firstEndAt: rows.endAt[order[0]!]!,
      lastEndAt: rows.endAt[order.at(-1)!]!,
      positionMax,
    };
  }

  return {
    rewrite({ rows, fresh }, parts, range) {
      if (range.from === range.to && fresh.length === 0) return parts;
      const freshCount = rows.count;
      for (let at = range.from; at < range.to; at++) {
        view.readBlock(parts[at]!.block, rows);
        dropBlock.run(parts[at]!.block);
      }
      const order = new Int32Array(rows.count - freshCount + fresh.length);
      for (let at = freshCount; at < rows.count; at++) order[at - freshCount] = at;
      order.set(fresh, rows.count - freshCount);
      sortRows(rows, order);
      const whole = order.subarray(0, dropRepeats(rows, order));
      const isEnd = range.to === parts.length;
      const pieces = Math.ceil(whole.length / blockPointsMax);
      const size = isEnd ? blockPointsMax : Math.ceil(whole.length / pieces);
      const written = writeParts(rows, whole, size);
      rows.count = freshCount;
      return [...parts.slice(0, range.from), ...written, ...parts.slice(range.to)];
    },
    reload() {
      lastBlock = (greatestBlock.get() as { id: number }).id;
    },
  };
}

/** Hours of a finished day with enough rows, from its blocks as they now are. */
function createHoursOf(
  options: DayWriterOptions,
): (series: number, day: number, parts: readonly Part[]) => Uint8Array | null {
  const { view, sink } = options;
  const rows = createRows(64);
  return (series, day, parts) => {
    const total = parts.reduce((sum, part) => sum + part.points, 0);
    if (total < options.rollupPointsMin) return null;
    const builder = createRollupBuilder(series, options.isCircular(series));
    for (const part of parts) {
      clearRows(rows);
      const { newest } = view.readBlock(part.block, rows);
      for (let at = 0; at < newest; at++) if (!isDeletion(rows, at)) builder.add(rows, at);
    }
    clearRows(rows);
    return encodeHours(sink, day, builder.finish());
  };
}

function sameKey(rows: Rows, a: number, b: number): boolean {
  return compareKeysAt(rows, a, rows, b) === 0;
}

/** Which blocks are read and written anew. */
function affectedParts(
  parts: readonly Part[],
  { rows, fresh }: DayRows,
  { blockPointsMax, isSealing }: { readonly blockPointsMax: number; readonly isSealing: boolean },
): PartRange {
  let from = parts.length;
  let to = parts.length;
  let total = fresh.length;
  if (fresh.length > 0) {
    const firstEndAt = rows.endAt[fresh[0]!]!;
    const lastEndAt = rows.endAt[fresh.at(-1)!]!;
    from = 0;
    while (from < parts.length && parts[from]!.lastEndAt < firstEndAt) from++;
    to = from;
    while (to < parts.length && parts[to]!.firstEndAt <= lastEndAt) total += parts[to++]!.rows;
  }
  if (isSealing) {
    const short = parts.findIndex((part) => part.rows < blockPointsMax * sealedShareMin);
    const hasWork = fresh.length > 0 || (short >= 0 && short < parts.length - 1);
    return short >= 0 && hasWork ? { from: Math.min(from, short), to: parts.length } : { from, to };
  }
  for (let before = parts[from - 1]; before !== undefined; before = parts[from - 1]) {
    const isShort = before.rows <= takeAlongRatio * total;
    if (!isShort || total + before.rows > blockPointsMax) break;
    total += before.rows;
    from--;
  }
  return { from, to };
}
