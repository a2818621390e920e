/** Whole APIs of a network for tests: each with its own copy of the partitions, in its own order. */
import { sleep } from '../../devices/clock.ts';
import { openSystemClock } from '../../devices/clock-system.ts';
import { partitionOf } from '../../ingest/cluster/partition-of.ts';
import type { ObservationRow } from '../../ingest/observation.ts';
import type { Batch } from '../../ingest/observations/batch.ts';
import {
  openTestApi,
  startAt,
  type Json,
  type TestApi,
  type TestApiOptions,
} from '../api.fixture.ts';
import { network } from '../network.fixture.ts';
import type { ViewBeginning } from '../../ingest/store/writer.ts';
import type { PastOptions } from '../past/past.ts';
import { createCopyCursors } from '../../ingest/feed/places/copy-cursor.ts';
import { hasAll } from '../../ingest/feed/places/reach.ts';

export interface TestNetwork {
  readonly nodes: readonly TestNode[];
  /** Of the station that measures the datastream. */
  partitionOf(datastream: string): number;
  /** Adds a batch to the partition of its rows (0 of none) or to the one named. */
  publish(rows: readonly ObservationRow[], more?: Partial<Batch> & { partition?: number }): void;
  /** A row that is the same on every node. */
  row(datastream: string, endAt: number, change?: Partial<ObservationRow>): ObservationRow;
  setNow(at: number): void;
  /** What was added to the partitions, in order. */
  readonly batches: Batches;
  join(options: LateNodeOptions): Promise<TestNode>;
  close(): Promise<void>;
}

export interface TestNode extends TestApi {
  /** Copies the next batches of these partitions, in this order, and follows them. */
  take(...partitions: readonly number[]): Promise<void>;
  /** Copies whatever is left, the partitions from this one on, round and round. */
  takeAll(first?: number): Promise<void>;
  /** Of each partition how many batches it holds. */
  readonly positions: readonly number[];
}

export const testPartitions = 3;

/** A node that never held the batches up to `floors`. */
export interface LateNodeOptions {
  readonly floors: readonly number[];
  readonly begin: ViewBeginning;
  readonly past: PastOptions;
}

export interface TestNetworkOptions extends Pick<TestApiOptions, 'config'> {
  readonly levelAt?: (partition: number) => number;
}

type Batches = readonly { rows: readonly ObservationRow[]; more: Partial<Batch> }[][];

export async function openTestNetwork(options: TestNetworkOptions = {}): Promise<TestNetwork> {
  const { levelAt = () => Infinity } = options;
  const batches: { rows: readonly ObservationRow[]; more: Partial<Batch> }[][] = [[], [], []];
  const copy = { partitions: testPartitions, levelAt, settleMs: 50 };
  const apis = [await openTestApi({ ...options, copy }), await openTestApi({ ...options, copy })];
  const [first] = apis;
  if (first === undefined) throw new Error('no node');
  const stationOf = (datastream: string) =>
    network.datastreams.find((each) => (each as { id: string }).id === datastream) as
      | { readonly station: string }
      | undefined;
  const partitionOfDatastream = (datastream: string) =>
    partitionOf(stationOf(datastream)?.station ?? '', testPartitions);
  const partitionOfSeries = (series: number) =>
    partitionOf(first.registry.current().bySeries[series]?.station ?? '', testPartitions);
  const zeros = Array.from({ length: testPartitions }, () => 0);
  return {
    batches,
    nodes: apis.map((api) => createNode(api, batches, zeros)),
    async join({ floors, begin, past }) {
      const api = await openTestApi({ ...options, begin, copy: { ...copy, past } });
      api.setNow(first.now());
      apis.push(api);
      return createNode(api, batches, floors);
    },
    partitionOf: partitionOfDatastream,
    publish(rows, { partition, ...more } = {}) {
      const [row] = rows;
      const to = partition ?? (row === undefined ? 0 : partitionOfSeries(row.series));
      batches[to]!.push({ rows, more: { publishedAt: first.now(), ...more } });
    },
    row: (datastream, endAt, change) => first.row(datastream, endAt, change),
    setNow(at) {
      for (const api of apis) api.setNow(at);
    },
    async close() {
      await Promise.all(apis.map((api) => api.close()));
    },
  };
}

function createNode(api: TestApi, batches: Batches, floors: readonly number[]): TestNode {
  const clock = openSystemClock();
  const cursors = createCopyCursors('store-1', testPartitions);
  const positions = [...floors];

  async function append(partition: number): Promise<boolean> {
    const next = batches[partition]![positions[partition]!];
    if (next === undefined) return false;
    positions[partition]! += 1;
    const place = { partition, positions: positions.slice() };
    await api.append(next.rows, { ...next.more, place });
    return true;
  }

  async function untilFollowed(): Promise<void> {
    for (;;) {
      const answer = await api.get('/api/v1/changes?after=now&limit=1');
      const { next } = (await answer.json()) as { readonly next: string };
      const reach = cursors.decode(next);
      if (typeof reach !== 'string' && hasAll(positions, reach.positions)) return;
      await sleep(clock, 2);
    }
  }

  return Object.assign(api, {
    positions,
    async take(...partitions: readonly number[]) {
      for (const partition of partitions) await append(partition);
      await untilFollowed();
    },
    async takeAll(first = 0) {
      const order = [first, (first + 1) % testPartitions, (first + 2) % testPartitions];
      for (let isMore = true; isMore;) {
        isMore = false;
        for (const partition of order) if (await append(partition)) isMore = true;
      }
      await untilFollowed();
    },
  });
}

export const intervalMs = 600_000;

/** The time of the nth row of a datastream of ten minutes. */
export function rowAt(nth: number): number {
  return startAt + nth * intervalMs;
}

/** The datastreams that the tests measure: each in a partition of its own. */
export const measured = ['garden-temperature', 'ha-noi-temperature', 'hue-rain'] as const;

/** One row each, at these times, whose result says which it is. */
export function publishRows(
  net: TestNetwork,
  datastream: string,
  nths: readonly number[],
  revision = 0,
): void {
  const type = revision === 0 ? 'insert' : 'correction';
  const rows = nths.map((nth) =>
    net.row(datastream, rowAt(nth), { result: nth + revision * 1_000, revision, type }),
  );
  net.publish(rows);
}

/** Some of every partition, one after the other. */
export function publishSome(net: TestNetwork, from: number, count: number): void {
  for (let nth = from; nth < from + count; nth++) {
    for (const datastream of measured) publishRows(net, datastream, [nth]);
  }
}

/** Results by datastream, in the order in which they came. */
export function byDatastream(
  changes: readonly Record<string, unknown>[],
): Record<string, number[]> {
  const rows = changes.map(
    (change) => change['observation'] as { readonly datastream: string; readonly result: number },
  );
  return Object.fromEntries(
    measured.map((id) => [
      id,
      rows.filter(({ datastream }) => datastream === id).map(({ result }) => result),
    ]),
  );
}

/** The page of changes behind a cursor. */
export function follow(node: TestApi, after: string, limit = 100): Promise<Json> {
  return node.json(`/api/v1/changes?limit=${limit}&after=${after}`);
}

/** Status, code and parameter of a problem. */
export async function refusalOf(answer: Promise<Response>): Promise<unknown[]> {
  const given = await answer;
  const { code, parameter } = (await given.json()) as Record<string, unknown>;
  return [given.status, code, parameter];
}
