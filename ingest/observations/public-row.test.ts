import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { noAccess } from '../../devices/access.ts';
import type { Datastream, ObservedProperty, Station } from '../../devices/model.ts';
import type { Registry } from '../../devices/registry.ts';
import type { ObservationRow } from '../observation.ts';
import { maskOf } from '../quality.ts';
import { decodeObservationId } from './observation-id.ts';
import { publicPlace } from './public-place.ts';
import { openPublicRows } from './public-row.ts';

const station: Station = {
  id: 'ha-noi-01',
  name: { vi: 'Hà Nội', en: 'Hanoi' },
  owner: 'agency',
  latitude: 21.02,
  longitude: 105.84,
  timeZone: 'Asia/Ho_Chi_Minh',
  class: 'reference',
  publicPrecisionMetres: 1_000,
};
const datastream: Datastream = {
  id: 'ha-noi-01-temperature',
  series: 3,
  station: station.id,
  property: 'air-temperature',
  slug: 'air-temperature',
  aggregation: 'mean',
  intervalMs: 600_000,
};
const property: ObservedProperty = {
  id: 'air-temperature',
  label: { vi: 'Nhiệt độ', en: 'Air temperature' },
  unit: 'Cel',
  domain: 'weather',
  plausible: { min: -80, max: 60 },
  links: [],
};
const registry: Registry = {
  version: 1,
  owners: new Map(),
  stations: new Map([[station.id, station]]),
  datastreams: new Map([[datastream.id, datastream]]),
  devices: new Map(),
  properties: new Map([[property.id, property]]),
  deployments: [],
  access: noAccess,
  bySeries: [undefined, undefined, undefined, datastream],
  channelsOf: () => undefined,
};
const endAt = Date.UTC(2024, 0, 1);

function rowOf(change: Partial<ObservationRow> = {}): ObservationRow {
  return {
    series: 3,
    endAt,
    startAt: endAt - 600_000,
    heightMm: NaN,
    revision: 2,
    current: true,
    type: 'correction',
    cause: 'value',
    result: 21.5,
    verdict: {
      flag: 3,
      tests: '1111113222222222',
      qualifiers: maskOf(['LATE', 'CLOCK']),
      reason: null,
      rules: '00000000',
    },
    resultAt: endAt + 1_000,
    receivedAt: endAt + 2_500,
    publishedAt: endAt + 3_000,
    rank: { klass: 1, at: endAt, node: 0, position: 7 },
    device: 'logger-1',
    raw: { name: 'T', value: '21.50', unit: null, time: '2024-01-01T00:00:00Z' },
    payloadHash: -1,
    latitude: NaN,
    longitude: NaN,
    ...change,
  };
}

describe('the public row', () => {
  const rows = openPublicRows(registry);

  test('has exactly the members of the contract, in their order', () => {
    const text = rows.text(rowOf()) ?? '';
    const row = JSON.parse(text) as Record<string, unknown>;
    expect(row).toEqual({
      id: row['id'],
      datastream: 'ha-noi-01-temperature',
      station: 'ha-noi-01',
      slug: 'air-temperature',
      property: 'air-temperature',
      phenomenonTime: '2024-01-01T06:50:00+07:00/2024-01-01T07:00:00+07:00',
      resultTime: '2024-01-01T07:00:01+07:00',
      receivedAt: '2024-01-01T07:00:02.500+07:00',
      result: 21.5,
      unit: 'Cel',
      flag: 3,
      tests: '1111113222222222',
      qualifiers: ['LATE', 'CLOCK'],
      reason: null,
      revision: 2,
    });
    expect(Object.keys(row).join()).toBe(
      'id,datastream,station,slug,property,phenomenonTime,resultTime,receivedAt,result,unit,' +
        'flag,tests,qualifiers,reason,revision',
    );
    expect(decodeObservationId(String(row['id']), registry)).toMatchObject({ series: 3, endAt });
  });

  test('shows an instant as an instant and a missing value as null with its reason', () => {
    const verdict = { ...rowOf().verdict, flag: 9, reason: 'SENTINEL' } as const;
    const text = rows.text(rowOf({ startAt: endAt, result: null, resultAt: NaN, verdict })) ?? '';
    expect(JSON.parse(text)).toMatchObject({
      phenomenonTime: '2024-01-01T07:00:00+07:00',
      resultTime: null,
      result: null,
      flag: 9,
      reason: 'SENTINEL',
    });
  });

  test('adds age and staleness for latest: stale is older than two intervals', () => {
    const at = (nowAt: number) => JSON.parse(rows.latestText(rowOf(), nowAt) ?? '') as object;
    expect(at(endAt + 1_200_000)).toMatchObject({ ageSeconds: 1_200, stale: false });
    expect(at(endAt + 1_200_001)).toMatchObject({ ageSeconds: 1_200, stale: true });
    expect(at(endAt - 5_000)).toMatchObject({ ageSeconds: 0, stale: false });
  });

  test('adds raw exactly as it was sent', () => {
    expect(JSON.parse(rows.rawText(rowOf()) ?? '')).toMatchObject({
      raw: { name: 'T', value: '21.50', unit: null, time: '2024-01-01T00:00:00Z' },
    });
  });

  test('shows the place of a moving platform only to the public precision', () => {
    const moved = rowOf({ latitude: 21.028_511, longitude: 105.804_817, heightMm: -2_500 });
    const row = JSON.parse(rows.text(moved) ?? '') as { latitude: number; longitude: number };
    expect(row).toMatchObject({ heightMetres: -2.5 });
    expect(row.latitude).not.toBe(moved.latitude);
    expect(row).toMatchObject(publicPlace(moved.latitude, moved.longitude, 1_000));
  });

  test('is undefined for a series that the registry does not know', () => {
    expect(rows.text(rowOf({ series: 0 }))).toBeUndefined();
    expect(rows.latestText(rowOf({ series: 99 }), endAt)).toBeUndefined();
    expect(rows.rawText(rowOf({ series: 1 }))).toBeUndefined();
    expect(rows.context(99)).toBeUndefined();
  });
});

describe('a public place', () => {
  test('is within the precision of the true one, and always the same for the same cell', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -85, max: 85, noNaN: true }),
        fc.double({ min: -180, max: 180, noNaN: true }),
        (latitude, longitude) => {
          const place = publicPlace(latitude, longitude, 1_000);
          expect(Math.abs(place.latitude - latitude) * 111_320).toBeLessThanOrEqual(501);
          const metres =
            Math.abs(place.longitude - longitude) *
            111_320 *
            Math.cos((place.latitude * Math.PI) / 180);
          expect(metres).toBeLessThanOrEqual(501);
          expect(publicPlace(place.latitude, place.longitude, 1_000).latitude).toBe(place.latitude);
        },
      ),
    );
  });

  test('without a precision is the place itself', () => {
    expect(publicPlace(1.234_567_89, 2, undefined)).toEqual({
      latitude: 1.234_567_89,
      longitude: 2,
    });
  });
});
