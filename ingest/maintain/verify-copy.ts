/**
 * What must hold of a node's copy of a network's observations beside the laws of each partition: the
 * batches of a partition are there from the first on, or from where the copy begins, each once and in
 * order; each says what the copy holds of all partitions; nothing of a node's log is taken back; a
 * series and its readings are of one partition.
 */
import { partitionOfPlace } from '../cluster/route.ts';
import type { Batch, BatchPlace, SourceMark } from '../observations/batch.ts';

/** Takes the batches of a log in their order, and tells what is wrong with each. */
export type CopyLaws = (batch: Batch) => Iterable<string>;

/** `isWhole`: nothing of the network may be lacking before the first batch. */
export function createCopyLaws({ isWhole }: { readonly isWhole: boolean }): CopyLaws {
  let before: BatchPlace | null | undefined;
  const partitionOfSeries = new Map<number, number>();
  const sourcesOf = new Map<number, readonly SourceMark[]>();
  const publishedOf = new Map<number, number>();

  return function* problems(batch) {
    const { place, sources, publishedAt } = batch;
    const previous = before;
    before = place ?? null;
    if (place === undefined) {
      if (previous) yield 'the batch has no place, those before it have one';
      return;
    }
    if (previous === null) yield 'the batch has a place, those before it have none';
    const { partition } = place;
    if (isWhole || previous) yield* placeProblems(place, previous ?? null);
    yield* sourceProblems(sources ?? [], sourcesOf.get(partition) ?? []);
    sourcesOf.set(partition, sources ?? []);
    const last = publishedOf.get(partition);
    if (last === publishedAt) yield 'it has the time of publication of the batch before';
    publishedOf.set(partition, publishedAt);
    yield* rowProblems(batch, partition, partitionOfSeries);
  };
}

function* placeProblems(
  { partition, positions }: BatchPlace,
  before: BatchPlace | null,
): Generator<string> {
  const number = positions[partition] ?? 0;
  const expected = (before?.positions[partition] ?? 0) + 1;
  if (number !== expected) yield `batch ${number} stands where batch ${expected} is expected`;
  for (const [other, position] of positions.entries()) {
    const held = before?.positions[other] ?? 0;
    if (other !== partition && position !== held) {
      yield `it says batch ${position} of partition ${other}, the copy holds ${held}`;
    }
  }
  if (before !== null && positions.length !== before.positions.length) {
    yield `it is of ${positions.length} partitions, those before it of ${before.positions.length}`;
  }
}

function* sourceProblems(
  marks: readonly SourceMark[],
  before: readonly SourceMark[],
): Generator<string> {
  for (const { node, position, sequence } of before) {
    const mark = marks.find((one) => one.node === node);
    if (mark === undefined) yield `nothing is said of node ${node} any more`;
    else if (mark.position < position || mark.sequence < sequence) {
      yield `the mark of node ${node} goes back`;
    }
  }
}

/** Who numbers readings by their place in the topic: the network itself. */
const noNode = 0;

function* rowProblems(
  { rows, quarantined, control }: Batch,
  partition: number,
  partitionOfSeries: Map<number, number>,
): Generator<string> {
  for (const { series, endAt, rank } of rows) {
    const first = partitionOfSeries.get(series);
    if (first === undefined) partitionOfSeries.set(series, partition);
    else if (first !== partition) yield `series ${series} is told by partition ${first} too`;
    if (rank.node === noNode && partitionOfPlace(rank.position) !== partition) {
      yield `a row of series ${series} at ${endAt} comes from a reading of another partition`;
    }
  }
  for (const { position } of [...quarantined, ...control]) {
    if (partitionOfPlace(position) !== partition) {
      yield `an entry is about reading ${position}, which is of another partition`;
    }
  }
}
