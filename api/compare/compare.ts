/**
 * Compares what two platforms hold, key by key and without holding either: current rows with all
 * values kept (what `verify --digest` sums up), revision numbers, rollups, and what is newest.
 */
import { createDigest, keyText, type DigestSum } from '../../ingest/store/digest.ts';
import { compareKeys } from '../../ingest/store/columns/rows.ts';
import { inStep, type Pair } from './in-step.ts';
import {
  comparedWindows,
  type ComparedDatastream,
  type ComparedKey,
  type ComparedWindow,
  type Platform,
} from './platform.ts';
import { createTally, type Difference, type Part, type PartCount, type Tally } from './tally.ts';

export interface CompareOptions {
  readonly one: Platform;
  readonly other: Platform;
  /**
   * Leaves out what took the moment of its receipt for its time, the windows that it is in, and what
   * is newest where it is: two platforms never receive at the same moment.
   */
  readonly timedOnly: boolean;
  readonly differencesMax: number;
  readonly onProgress: (step: string, done: number, all: number) => void;
}

export interface PlatformSum {
  readonly name: string;
  /** 64 hex digits, over all that was compared; as `verify --digest` where that is everything. */
  readonly digest: string;
  readonly rows: number;
  readonly hasMoved: boolean;
}

export interface Comparison {
  readonly isEqual: boolean;
  readonly one: PlatformSum;
  readonly other: PlatformSum;
  readonly datastreams: number;
  readonly parts: Readonly<Record<Part, PartCount>>;
  readonly differences: readonly Difference[];
}

export async function comparePlatforms(options: CompareOptions): Promise<Comparison> {
  const { one, other, onProgress } = options;
  const tally = createTally(options.differencesMax);
  const sides = [sideOf(one), sideOf(other)] as const;
  const began = await positionsOf(options);
  const all = await datastreamsOf(options);
  const withoutTime = new Set<string>();
  for (const [at, pair] of all.entries()) {
    const endsWithout = await compareKeysOf(options, tally, sides, pair);
    if (endsWithout.length > 0) withoutTime.add(idOf(pair));
    await compareWindowsOf(options, tally, pair, endsWithout);
    onProgress('datastreams', at + 1, all.length);
  }
  await compareLatest(options, tally, withoutTime);
  const ended = await positionsOf(options);
  const [sumOfOne, sumOfOther] = sides.map(({ name, sum }, at) => ({
    name,
    ...sum.end(),
    hasMoved: began[at] !== ended[at],
  }));
  return {
    isEqual: Object.values(tally.counts).every(({ different }) => different === 0),
    one: sumOfOne!,
    other: sumOfOther!,
    datastreams: all.length,
    parts: tally.counts,
    differences: tally.differences,
  };
}

interface Side {
  readonly name: string;
  readonly sum: DigestSum;
}

function sideOf({ name }: Platform): Side {
  return { name, sum: createDigest() };
}

function positionsOf({ one, other }: CompareOptions): Promise<readonly string[]> {
  return Promise.all([one.position(), other.position()]);
}

/** Of both together, by id. */
async function datastreamsOf({ one, other }: CompareOptions): Promise<Pair<ComparedDatastream>[]> {
  const [left, right] = await Promise.all([one.datastreams(), other.datastreams()]);
  const byId = new Map<string, Pair<ComparedDatastream>>();
  for (const each of left) byId.set(each.id, [each, undefined]);
  for (const each of right) byId.set(each.id, [byId.get(each.id)?.[0], each]);
  return [...byId.values()].toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
}

function idOf([one, other]: Pair<{ readonly id: string }>): string {
  return (one ?? other)!.id;
}

/**
 * Both sides' observations of one datastream: what is kept, and under which revision. Gives the times
 * of those that were left out, ascending.
 */
async function compareKeysOf(
  options: CompareOptions,
  tally: Tally,
  sides: readonly [Side, Side],
  [one, other]: Pair<ComparedDatastream>,
): Promise<readonly number[]> {
  const endsWithout: number[] = [];
  const left = one === undefined ? nothing<ComparedKey>() : options.one.keys(one);
  const right = other === undefined ? nothing<ComparedKey>() : options.other.keys(other);
  for await (const pair of inStep(left, right, compareKeys)) {
    const id = idOf(pair);
    if (options.timedOnly && pair.some((key) => key?.isTimed === false)) {
      tally.leaveOut('values');
      tally.leaveOut('revisions');
      endsWithout.push((pair[0] ?? pair[1])!.endAt);
      continue;
    }
    const texts = [textOf(pair[0], one), textOf(pair[1], other)] as const;
    for (const [at, { sum }] of sides.entries()) sum.add(texts[at] ?? '');
    tally.compare('values', id, texts[0], texts[1]);
    // What only one of them has is told among the values.
    if (pair[0] === undefined || pair[1] === undefined) continue;
    tally.compare('revisions', id, revisionOf(pair[0]), revisionOf(pair[1]));
  }
  return endsWithout;
}

function textOf(key: ComparedKey | undefined, of: ComparedDatastream | undefined): string | null {
  return key === undefined || of === undefined ? null : keyText(key.rows, of);
}

function revisionOf({ rows }: ComparedKey): string {
  return String(rows[0]!.revision);
}

async function compareWindowsOf(
  options: CompareOptions,
  tally: Tally,
  pair: Pair<ComparedDatastream>,
  endsWithout: readonly number[],
): Promise<void> {
  const [one, other] = pair;
  for (const name of comparedWindows) {
    const left = one === undefined ? nothing<ComparedWindow>() : options.one.windows(one, name);
    const right =
      other === undefined ? nothing<ComparedWindow>() : options.other.windows(other, name);
    let next = 0;
    for await (const windows of inStep(left, right, (a, b) => a.endAt - b.endAt)) {
      const { startAt, endAt } = (windows[0] ?? windows[1])!;
      while ((endsWithout[next] ?? Number.POSITIVE_INFINITY) <= startAt) next++;
      if ((endsWithout[next] ?? Number.POSITIVE_INFINITY) <= endAt) {
        tally.leaveOut(name);
        continue;
      }
      const key = `${idOf(pair)} ${new Date(endAt).toISOString()}`;
      tally.compare(name, key, windows[0]?.text ?? null, windows[1]?.text ?? null);
    }
  }
}

async function compareLatest(
  { one, other }: CompareOptions,
  tally: Tally,
  withoutTime: ReadonlySet<string>,
): Promise<void> {
  const [left, right] = await Promise.all([one.latest(), other.latest()]);
  for (const datastream of [...new Set([...left.keys(), ...right.keys()])].toSorted()) {
    if (withoutTime.has(datastream)) {
      tally.leaveOut('latest');
      continue;
    }
    tally.compare(
      'latest',
      datastream,
      left.get(datastream) ?? null,
      right.get(datastream) ?? null,
    );
  }
}

async function* nothing<Item>(): AsyncGenerator<Item> {}
