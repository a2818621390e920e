import { afterEach, beforeEach, expect, it } from 'vitest';
import { noAccess } from '../../devices/access.ts';
import { createManualClock } from '../../devices/clock-manual.ts';
import type { Datastream, Station } from '../../devices/model.ts';
import type { Registry, RegistryReader } from '../../devices/registry.ts';
import { partitionOf } from '../cluster/partition-of.ts';
import { noTotals, type Batch } from '../observations/batch.ts';
import {
  createPartitions,
  type Partitions,
  type PartitionsCopy,
} from '../observations/partitions.fixture.ts';
import { createOpenFeed, type FeedMessage, type StoreOpenFeed } from './open-feed.ts';
import { createViewFolder, type ViewFolder } from './view.fixture.ts';
import { createWorld } from './world.contract.ts';
import type { ViewWriter } from './writer.ts';

const count = 2;
const startAt = Date.UTC(2024, 5, 1);

let partitions: Partitions;
let copy: PartitionsCopy;
let folder: ViewFolder;
let writer: ViewWriter;
let feed: StoreOpenFeed;
let heard: string[];
let stop: () => void;
let failures: unknown[];

/** A station with one open datastream in each partition. */
function registryOf(): Registry {
  const stations: Station[] = ['a', 'b', 'c', 'd'].map((id) => ({
    id,
    name: { vi: id, en: id },
    owner: 'o',
    latitude: 0,
    longitude: 0,
    timeZone: 'UTC',
    class: 'reference',
  }));
  const bySeries = [0, 1].map((series): Datastream => {
    const station = stations.find(({ id }) => partitionOf(id, count) === series)!.id;
    const rest = {
      property: 'ph',
      slug: 'ph',
      aggregation: 'instant',
      intervalMs: 60_000,
    } as const;
    return { id: `d${series}`, series, station, ...rest };
  });
  return {
    version: 1,
    owners: new Map(),
    stations: new Map(stations.map((each) => [each.id, each])),
    datastreams: new Map(bySeries.map((each) => [each.id, each])),
    devices: new Map(),
    properties: new Map(),
    deployments: [],
    access: noAccess,
    bySeries,
    channelsOf: () => undefined,
  };
}

/** A batch with one row of the partition's series. */
function batchOf(partition: number, nth: number, result: number): Batch {
  const seed = { series: partition, day: 0, slot: 7, form: 0, value: 3, kind: 'value' } as const;
  const { rows } = createWorld().grow({ rows: [seed], entries: [], waitMs: 1 });
  const at = startAt + nth * 60_000;
  return {
    publishedAt: at,
    consumed: 1,
    registryVersion: 1,
    totals: noTotals,
    quarantined: [],
    control: [],
    rows: rows.map((row) => ({ ...row, startAt: at, endAt: at, heightMm: Number.NaN, result })),
  };
}

function take(...of: readonly number[]): void {
  for (const partition of of) {
    const taken = copy.take(partition);
    if (taken !== undefined) writer.apply(taken.position, taken.batch);
  }
}

const registry = registryOf();

beforeEach(() => {
  partitions = createPartitions(count);
  copy = partitions.openCopy();
  folder = createViewFolder();
  writer = folder.openWriter();
  heard = [];
  failures = [];
  feed = createOpenFeed({
    registry: { current: () => registry } as RegistryReader,
    clock: createManualClock(startAt),
    openStore: () => folder.openFollower(),
    openReader: async () => copy.openReader(1),
    durableEnd: copy.durableEnd,
    failed: (error) => void failures.push(error),
  });
});

afterEach(() => {
  stop();
  writer.close();
  folder.remove();
  if (failures.length > 0) throw failures[0];
});

function told({ topic, payload }: FeedMessage): string {
  const row = JSON.parse(Buffer.from(payload).toString()) as { readonly result: number };
  return `${topic} ${row.result}`;
}

async function latest(): Promise<string[]> {
  const found: string[] = [];
  for await (const page of feed.latest({})) found.push(...page.map(told));
  return found;
}

it('shows the latest and tells each change over a copy of partitions, in whatever order they stand', async () => {
  const [a, b] = registry.bySeries.map((each) => `open/v1/${each?.station}/ph`);
  for (const nth of [0, 1]) {
    for (const partition of [0, 1]) partitions.publish(partition, batchOf(partition, nth, nth));
  }
  take(1, 1, 0);
  while (!writer.flushSlice(1_000));
  take(0);
  const following = feed.follow({
    wants: () => true,
    changed: (messages) => void heard.push(...messages.map(told)),
  });
  stop = () => following.stop();
  expect(await latest()).toEqual([`${a} 1`, `${b} 1`]);
  expect(heard).toEqual([]);
  for (const partition of [0, 1]) partitions.publish(partition, batchOf(partition, 5, 5));
  partitions.publish(0, batchOf(0, 3, 3));
  take(1, 0, 0);
  await expect.poll(() => heard).toEqual([`${b} 5`, `${a} 5`]);
  expect(await latest()).toEqual([`${a} 5`, `${b} 5`]);
});
