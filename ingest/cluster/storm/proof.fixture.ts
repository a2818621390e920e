/** What must hold when the storm is over, absolutely. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { createRecordedTelemetry } from '../../../devices/telemetry-silent.ts';
import { measurementsEnded } from '../../balance.ts';
import type { KafkaRecord } from '../../log/kafka/kafka.ts';
import type { ObservationRow } from '../../observation.ts';
import { decodeBatch } from '../../observations/batch-codec.ts';
import type { BalanceTotals, Batch } from '../../observations/batch.ts';
import { settledTests } from '../../quality.ts';
import type { Reading } from '../../reading.ts';
import { strangerNode } from '../../sources.ts';
import { digestOf, type DigestOptions } from '../../store/digest.ts';
import { openStoreWriter, type ViewWriter } from '../../store/writer.ts';
import { batchPositionOf } from '../batches.ts';
import { partitionOf } from '../partition-of.ts';
import { settleAlone } from './embedded.fixture.ts';
import { channelsOf, partitions, stationIds } from './network.fixture.ts';
import { isSameOrder, mergedOrder, orderOf, type SettledOrder } from './order.fixture.ts';
import { stormConfig } from './worker-node.fixture.ts';
import type { World } from './world.fixture.ts';

/** What a storm was like, for whoever wants to know whether it was one. */
export interface Proof {
  readonly readings: number;
  readonly rows: number;
  readonly revisions: number;
  readonly batches: number;
  readonly passed: number;
  readonly repeats: number;
  /** Stations whose revision numbers were compared, of all. */
  readonly stationsCompared: number;
}

type Topic = readonly (readonly KafkaRecord[])[];

async function topicOf(world: World, topic: 'readings' | 'observations'): Promise<Topic> {
  const found: KafkaRecord[][] = [];
  for (let partition = 0; partition < partitions; partition++) {
    found.push(await world.until(world.records(topic, partition)));
  }
  return found;
}

export async function prove(world: World, folder: string): Promise<Proof> {
  const topic = await topicOf(world, 'readings');
  const batches = (await topicOf(world, 'observations')).map((records) => batchesOf(records));
  const order = orderOf(topic);
  expectAllCameIn(world, order);
  for (const [partition, own] of batches.entries()) expectSound(world, partition, own);
  expectSources(world, batches, order);
  expectPassedOnce(world, order);
  const rows = batches.flatMap((own) => own.flatMap((batch) => batch.rows));
  expectRevisions(rows);

  const merged = mergedOrder(order);
  const { registry } = world;
  const alone = await settleAlone(world, join(folder, 'alone'), {
    registry,
    readings: withMarkers(world, order, merged),
  });
  const damaged = [...order.readings.values()].map(({ fault }) => (fault?.readings ?? 1) - 1);
  const more = order.foreign + damaged.reduce((sum, each) => sum + each, 0);
  expectSameTotals(totalsOf(batches), alone.batches.at(-1)?.totals, more);
  const views = openViews(world, folder, batches);
  const compared = stationIds.filter((station) => isSameOrder(station, order, merged));
  const isAnyOrder = [...channelsOf.keys()].every((device) => world.isDated(device));
  await expectSameDigest(world, isAnyOrder ? stationIds : compared, {
    cluster: unionOf(views),
    alone: alone.store,
  });
  expectViewsOfNodes(world, views, batches);
  const aloneRows = alone.batches.flatMap((batch) => batch.rows);
  for (const station of compared) {
    expect(rowsOfStation(world, rows, station)).toEqual(rowsOfStation(world, aloneRows, station));
  }
  for (const view of [...views, alone.store]) view.close();
  return {
    readings: order.readings.size,
    rows: rows.length,
    revisions: rows.filter(({ revision }) => revision !== 0).length,
    batches: batches.reduce((sum, own) => sum + own.length, 0),
    passed: order.passed.length,
    repeats: topic.flat().length - order.readings.size - order.passed.length - order.foreign,
    stationsCompared: compared.length,
  };
}

/** Numbered from 1 without holes. */
function batchesOf(records: readonly KafkaRecord[]): Batch[] {
  const positions = records.map((record) => batchPositionOf(record));
  expect(positions).toEqual(records.map((_record, at) => at + 1));
  return records.map((record) => decodeBatch(batchPositionOf(record), record.value!));
}

/** What the broker nodes were given to keep stands in the topic, each reading of each node. */
function expectAllCameIn({ brokers }: World, order: SettledOrder): void {
  const kept = brokers.flatMap((broker) =>
    broker.kept.map(({ origin }) => `${origin!.node}/${origin!.position}`),
  );
  expect(new Set(order.readings.keys())).toEqual(new Set(kept));
}

/** Of one partition: what it consumed, published and counted only ever grows, and the laws hold. */
function expectSound({ registry }: World, partition: number, batches: readonly Batch[]): void {
  let [consumed, publishedAt, ended] = [0, 0, 0];
  for (const batch of batches) {
    expect(batch.consumed).toBeGreaterThan(consumed);
    expect(batch.publishedAt).toBeGreaterThan(publishedAt);
    ({ consumed, publishedAt } = batch);
    const { totals, sources = [] } = batch;
    expect(readingsEnded(totals)).toBe(sources.reduce((sum, mark) => sum + mark.sequence, 0));
    expect(readingsEnded(totals)).toBeGreaterThanOrEqual(ended);
    expect(totals.measurementsDecoded).toBe(measurementsEnded(totals));
    ended = readingsEnded(totals);
    for (const { series } of batch.rows) {
      const { station = '' } = registry.current().bySeries[series] ?? {};
      expect(partitionOf(station, partitions)).toBe(partition);
    }
  }
}

function readingsEnded(totals: BalanceTotals): number {
  return totals.readingsSettled + totals.readingsQuarantined + totals.readingsControl;
}

/** All that each node sent to each partition was taken, to its last number. */
function expectSources(
  { brokers, versions }: World,
  batches: readonly (readonly Batch[])[],
  order: SettledOrder,
): void {
  let strangers = 0;
  for (const [partition, own] of batches.entries()) {
    const marks = new Map(own.at(-1)?.sources?.map(({ node, sequence }) => [node, sequence]));
    strangers += marks.get(strangerNode) ?? 0;
    expect(marks.get(0) ?? 0).toBe(versions.at(-1));
    for (const { number, sequences } of brokers) {
      expect(marks.get(number) ?? 0).toBe(sequences[partition]);
    }
  }
  expect(strangers).toBe(order.foreign);
}

/** A reading is passed on to a partition once, and only to another than its own. */
function expectPassedOnce(_world: World, order: SettledOrder): void {
  expect(new Set(order.passed).size).toBe(order.passed.length);
}

const keyOf = ({ series, startAt, endAt, heightMm }: ObservationRow): string =>
  `${series} ${startAt} ${endAt} ${heightMm}`;

/** Of each key the rows that were current grow by one from 0, the others fall by one from -1. */
function expectRevisions(rows: readonly ObservationRow[]): void {
  const next = new Map<string, { up: number; down: number }>();
  for (const row of rows) {
    const key = keyOf(row);
    const known = next.get(key) ?? { up: 0, down: -1 };
    next.set(key, known);
    const expected = row.revision >= 0 ? known.up++ : known.down--;
    expect(`${key}: ${row.revision}`).toBe(`${key}: ${expected}`);
  }
}

/** Readings as they travelled, with the markers of the versions that they were settled under. */
function withMarkers(world: World, order: SettledOrder, merged: readonly string[]): Reading[] {
  const readings: Reading[] = [];
  let version = 0;
  const mark = (upTo: number): void => {
    for (const marked of world.versions) {
      if (marked <= version || marked > upTo) continue;
      readings.push(markerOf(marked));
      version = marked;
    }
  };
  for (const name of merged) {
    mark(order.versions.get(name) ?? 0);
    readings.push(asOne(order.readings.get(name)!));
  }
  mark(Number.POSITIVE_INFINITY);
  return readings;
}

/** On one machine each damaged reading stands for itself. */
function asOne(reading: Reading): Reading {
  const { fault } = reading;
  return fault === undefined ? reading : { ...reading, fault: { ...fault, readings: 1 } };
}

function markerOf(version: number): Reading {
  return {
    kind: 'registry',
    door: 'internal',
    receivedAt: 0,
    device: '',
    topic: '',
    payload: Buffer.from(JSON.stringify({ version })),
  };
}

function totalsOf(batches: readonly (readonly Batch[])[]): Partial<Record<string, number>> {
  const sums: Partial<Record<string, number>> = {};
  for (const own of batches) {
    for (const [name, value] of Object.entries(own.at(-1)?.totals ?? {})) {
      sums[name] = (sums[name] ?? 0) + Number(value);
    }
  }
  return sums;
}

/**
 * The cluster counts as one machine does; each partition has the markers, and strangers' records are
 * quarantined. What is a repeat, a revision or new may depend on the order; their sum does not.
 */
function expectSameTotals(
  cluster: Partial<Record<string, number>>,
  alone: BalanceTotals | undefined,
  quarantinedMore: number,
): void {
  expect(alone).toBeDefined();
  const markers = partitions - 1;
  expect(cluster['readingsSettled']).toBe(alone!.readingsSettled);
  expect(cluster['readingsQuarantined']).toBe(alone!.readingsQuarantined + quarantinedMore);
  expect(cluster['measurementsDecoded']).toBe(alone!.measurementsDecoded);
  expect(cluster['measurementsQuarantined']).toBe(alone!.measurementsQuarantined);
  expect((cluster['readingsControl']! - alone!.readingsControl) % markers).toBe(0);
}

/** A view of each partition, built from nothing but its batches. */
function openViews(
  { ground }: World,
  folder: string,
  batches: readonly (readonly Batch[])[],
): ViewWriter[] {
  const directory = join(folder, 'views');
  mkdirSync(directory, { recursive: true });
  return batches.map((own, partition) => {
    const view = openViewAt(ground, join(directory, `${partition}.db`), partition, own.length);
    for (const [at, batch] of own.entries()) view.apply(at + 1, batch);
    return view;
  });
}

function openViewAt(
  { clock }: World['ground'],
  path: string,
  partition: number,
  logEnd: number,
): ViewWriter {
  return openStoreWriter({
    path,
    config: stormConfig.store,
    clock,
    telemetry: createRecordedTelemetry(),
    isCircular: () => false,
    storeId: `storm/${partition}`,
    logEnd,
  });
}

type Kept = DigestOptions['store'];

/** Of the stations' series: what one machine says. */
async function expectSameDigest(
  world: World,
  stations: readonly string[],
  stores: { readonly cluster: Kept; readonly alone: Kept },
): Promise<void> {
  const registry = world.registry.current();
  const digest = ({ position, series, kept }: Kept) => {
    const own = (number: number): boolean =>
      stations.includes(registry.bySeries[number]?.station ?? '');
    return digestOf({
      store: { position, kept, series: () => series().filter(own) },
      registry,
    });
  };
  const [cluster, alone] = [await digest(stores.cluster), await digest(stores.alone)];
  expect({ ...cluster, position: 0 }).toEqual({ ...alone, position: 0 });
}

/** A store whose series are of several: each partition has its own, at a place of its own. */
function unionOf(views: readonly ViewWriter[]) {
  return {
    position: 0,
    series: () => views.flatMap((view) => [...view.series()]).toSorted((a, b) => a - b),
    kept({ asOf: _ofOne, ...query }: Parameters<ViewWriter['kept']>[0]) {
      const view = views.find((each) => each.series().includes(query.series));
      return view?.kept(query) ?? [];
    },
  };
}

/** Any view that a node has left, fresh or old, comes to the same rows as one built anew. */
function expectViewsOfNodes(
  { workers, ground }: World,
  views: readonly ViewWriter[],
  batches: readonly (readonly Batch[])[],
): void {
  for (const { viewOf } of workers) {
    for (const [partition, own] of batches.entries()) {
      const held = tryOpen(() => openViewAt(ground, viewOf(partition), partition, own.length));
      if (held === undefined) continue;
      for (const [at, batch] of own.entries()) held.apply(at + 1, batch);
      const expected = views[partition]!;
      expect(held.series()).toEqual(expected.series());
      for (const series of expected.series()) {
        const query = { series, limit: 100_000 };
        expect(held.kept(query)).toEqual(expected.kept(query));
      }
      expect(held.totals).toEqual(expected.totals);
      held.close();
    }
  }
}

/** Undefined where the node never had the partition. */
function tryOpen(open: () => ViewWriter): ViewWriter | undefined {
  try {
    return open();
  } catch (error) {
    if (String(error).includes('unable to open')) return undefined;
    throw error;
  }
}

/**
 * All rows of a station's series, by key and revision: all but when they were published, and whether a
 * test had been run by then or was yet to be (2 reads as 1, as in a digest).
 */
function rowsOfStation(
  { registry }: World,
  rows: readonly ObservationRow[],
  station: string,
): object[] {
  const { bySeries } = registry.current();
  return rows
    .filter(({ series }) => bySeries[series]?.station === station)
    .map((row) => ({ key: keyOf(row), row }))
    .toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.row.revision - b.row.revision))
    .map(({ row: { publishedAt: _when, verdict, ...row } }) => ({
      ...row,
      verdict: { ...verdict, tests: settledTests(verdict.tests) },
    }));
}
