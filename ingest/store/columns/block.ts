/**
 * The two blocks of a stretch of one series' rows.
 *
 * First block (`points`): what a plain read shows. Count n, then a mask of columns that are left out
 * because they hold their usual value throughout, then columns of the n newest current rows, one a
 * key, in order of key: endAt, endAt − startAt*, heightMm*, revision*, bits* (current, rank class,
 * type, cause), verdict, results (with the sent digits where they say the result). (* may be left
 * out.)
 *
 * Second block (`details`): what asOf, raw and ranking need of the same n rows: mask (2 bytes),
 * receivedAt − endAt, publishedAt − receivedAt, rank.position, position of the batch (or, bit set,
 * rank.position less it), resultAt − endAt*, rank.at − (resultAt, else receivedAt)*, rank.node*,
 * device, raw name, raw unit*, sent texts (kinds*, literals, decimals*), sent times*, payloadHash*,
 * latitude*, longitude*. Then m and the m other rows (superseded, and history that never was
 * current) in order of key, revision, rank: mask and columns of both kinds.
 */
import {
  DamagedBytes,
  createSource,
  readVarint,
  reserveScratch,
  writeVarint,
  type Sink,
  type Source,
} from './bytes.ts';
import type { Dictionary } from '../dictionary.ts';
import { readDetails, readPoints } from './read-columns.ts';
import { reserveRows, type Rows } from './rows.ts';
import { writeDetails, writePoints } from './write-columns.ts';

export interface Block {
  readonly points: Uint8Array;
  readonly details: Uint8Array;
}

/** The newest rows and the others, each as places in `rows` by order of key. */
export interface BlockRows {
  readonly rows: Rows;
  readonly newest: Int32Array;
  readonly others: Int32Array;
}

/** The bytes are the sink's: they hold until it is written to again. */
export function encodeBlock(sink: Sink, source: BlockRows, dictionary: Dictionary): Block {
  const { rows, newest, others } = source;
  const main = { rows, order: newest };
  sink.length = 0;
  reserveScratch(sink, Math.max(newest.length, others.length));
  writeVarint(sink, newest.length);
  const sent = writePoints(sink, main, dictionary);
  const pointsEnd = sink.length;
  writeDetails(sink, main, sent, dictionary);
  writeVarint(sink, others.length);
  if (others.length > 0) {
    const rest = { rows, order: others };
    writeDetails(sink, rest, writePoints(sink, rest, dictionary), dictionary);
  }
  return {
    points: sink.bytes.subarray(0, pointsEnd),
    details: sink.bytes.subarray(pointsEnd, sink.length),
  };
}

/** Reads a block behind what `rows` holds: first the newest rows, then the others. */
export function decodeBlock(
  block: Block,
  rows: Rows,
  dictionary: Dictionary,
): { readonly newest: number; readonly others: number } {
  const points = createSource(block.points);
  const details = createSource(block.details);
  const main = { start: rows.count, count: boundedCount(points) };
  reserveRows(rows, main.start + main.count);
  const sent = readPoints(points, rows, main, dictionary);
  readDetails(details, rows, { ...main, ...sent }, dictionary);
  rows.count += main.count;
  const rest = { start: rows.count, count: boundedCount(details) };
  reserveRows(rows, rest.start + rest.count);
  if (rest.count > 0) {
    const restSent = readPoints(details, rows, rest, dictionary);
    readDetails(details, rows, { ...rest, ...restSent }, dictionary);
  }
  rows.count += rest.count;
  if (points.at !== block.points.length || details.at !== block.details.length) {
    throw new DamagedBytes(details.at);
  }
  return { newest: main.count, others: rest.count };
}

/** A damaged count must not ask for memory without end. */
const countMax = 4_000_000;

function boundedCount(source: Source): number {
  const count = readVarint(source);
  if (count > countMax) throw new DamagedBytes(source.at);
  return count;
}
