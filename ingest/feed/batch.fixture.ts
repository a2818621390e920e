import { noAccess } from '../../devices/access.ts';
import type { Datastream, Station } from '../../devices/model.ts';
import type { Registry } from '../../devices/registry.ts';
import { partitionOf } from '../cluster/partition-of.ts';
import type { ObservationRow } from '../observation.ts';
import { noTotals, type Batch } from '../observations/batch.ts';
import type { HubConfig } from './hub.ts';

export const hubConfig: HubConfig = {
  liveClientsMax: 2_000,
  liveBufferBytesMax: 262_144,
  liveFrozenMs: 8_000,
  liveHeartbeatMs: 15_000,
  liveCatchUpsMax: 16,
  changesScanBytesMax: 8_388_608,
};

const station: Station = {
  id: 's',
  name: { vi: 'S', en: 'S' },
  owner: 'o',
  latitude: 0,
  longitude: 0,
  timeZone: 'UTC',
  class: 'reference',
};
const datastream: Datastream = {
  id: 'd',
  series: 0,
  station: 's',
  property: 'ph',
  slug: 'ph',
  aggregation: 'instant',
  intervalMs: 60_000,
};

/** A registry with one open series, number 0. */
export const oneSeries: Registry = {
  version: 1,
  owners: new Map(),
  stations: new Map([['s', station]]),
  datastreams: new Map([['d', datastream]]),
  devices: new Map(),
  properties: new Map(),
  deployments: [],
  access: noAccess,
  bySeries: [datastream],
  channelsOf: () => undefined,
};

/** A registry with an open series in each partition, whose number is the partition's. */
export function seriesOfPartitions(partitions: number): Registry {
  const stations: Station[] = [];
  for (let name = 0; stations.filter(Boolean).length < partitions; name++) {
    const id = `s${name}`;
    stations[partitionOf(id, partitions)] ??= { ...station, id };
  }
  const bySeries = stations.map(({ id }, series) => ({
    ...datastream,
    series,
    id: `d${series}`,
    station: id,
  }));
  return {
    ...oneSeries,
    stations: new Map(stations.map((each) => [each.id, each])),
    datastreams: new Map(bySeries.map((each) => [each.id, each])),
    bySeries,
  };
}

/** A batch with one row of a series for each result; the result is its time too. */
export function batchOfResults(results: readonly number[], series = 0): Batch {
  return {
    publishedAt: 1_000,
    consumed: 1,
    registryVersion: 1,
    totals: { ...noTotals, readingsSettled: 1 },
    rows: results.map((result) => rowOf(result, series)),
    quarantined: [],
    control: [],
  };
}

function rowOf(result: number, series: number): ObservationRow {
  return {
    series,
    endAt: result,
    startAt: result,
    heightMm: NaN,
    revision: 0,
    current: true,
    type: 'insert',
    cause: 'value',
    result,
    verdict: { flag: 1, tests: '1111111111222222', qualifiers: 0, reason: null, rules: '0' },
    resultAt: NaN,
    receivedAt: result,
    publishedAt: 1_000,
    rank: { klass: 1, at: result, node: 0, position: 1 },
    device: 'l',
    raw: { name: 'x', value: String(result), unit: null, time: null },
    payloadHash: -1,
    latitude: NaN,
    longitude: NaN,
  };
}
