import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { noAccess } from '../../devices/access.ts';
import type { Datastream } from '../../devices/model.ts';
import type { Registry } from '../../devices/registry.ts';
import type { ObservationKey } from '../observation.ts';
import { decodeObservationId, encodeObservationId } from './observation-id.ts';

const idGrammar = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

function registryOf(ids: readonly string[]): Registry {
  const datastreams = ids.map((id, series): Datastream => ({
    id,
    series,
    station: 's',
    property: 'ph',
    slug: 'ph',
    aggregation: 'instant',
    intervalMs: 60_000,
  }));
  return {
    version: 1,
    owners: new Map(),
    stations: new Map(),
    datastreams: new Map(datastreams.map((datastream) => [datastream.id, datastream])),
    devices: new Map(),
    properties: new Map(),
    deployments: [],
    access: noAccess,
    bySeries: datastreams,
    channelsOf: () => undefined,
  };
}

const long = 'x'.repeat(64);
const registry = registryOf(['a', 'a.b', 'tram-01.air_temperature', long, 'x'.repeat(63)]);

const keys = fc.record({
  series: fc.integer({ min: 0, max: 4 }),
  endAt: fc.integer({ min: -60_000_000_000_000, max: 39_000_000_000_000 }),
  length: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 400 * 86_400_000 })),
  heightMm: fc.oneof(fc.constant(NaN), fc.integer({ min: -11_000_000, max: 100_000_000 })),
});

function keyOf(made: { series: number; endAt: number; length: number; heightMm: number }) {
  const key: ObservationKey = {
    series: made.series,
    endAt: made.endAt,
    startAt: made.endAt - made.length,
    heightMm: made.heightMm,
  };
  return key;
}

describe('the id of an observation', () => {
  test('gives its key back, whatever the key', () => {
    fc.assert(
      fc.property(keys, (made) => {
        const key = keyOf(made);
        const id = encodeObservationId(registry.bySeries[key.series]?.id ?? '', key);
        expect(id).toMatch(idGrammar);
        expect(decodeObservationId(id, registry)).toEqual(key);
      }),
      { numRuns: 2_000 },
    );
  });

  test('is one for a key: other spellings of the same key are no ids', () => {
    const key: ObservationKey = { series: 0, endAt: 0, startAt: -1, heightMm: 0 };
    const id = encodeObservationId('a', key);
    expect(decodeObservationId(id, registry)).toEqual(key);
    expect(decodeObservationId(id.replace('-1', '-01'), registry)).toBeUndefined();
    expect(decodeObservationId(id.replace('_0', '_N0'), registry)).toBeUndefined();
    expect(decodeObservationId(id.replace('.', '..'), registry)).toBeUndefined();
  });

  test('does not depend on the internal number of the series', () => {
    const key: ObservationKey = { series: 0, endAt: 1_700_000_000_000, startAt: 0, heightMm: NaN };
    const other = registryOf(['first', 'a']);
    const id = encodeObservationId('a', key);
    expect(decodeObservationId(id, other)).toEqual({ ...key, series: 1 });
  });

  test('of an unknown datastream or of another text is undefined', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), (text) => {
        const key = decodeObservationId(text, registry);
        if (key === undefined) return;
        expect(encodeObservationId(registry.bySeries[key.series]?.id ?? '', key)).toBe(text);
      }),
    );
    const key: ObservationKey = { series: 0, endAt: 5, startAt: 5, heightMm: NaN };
    expect(decodeObservationId(encodeObservationId('unknown', key), registry)).toBeUndefined();
    expect(decodeObservationId(encodeObservationId('y'.repeat(64), key), registry)).toBeUndefined();
  });

  test('refuses a time that it cannot hold', () => {
    const key: ObservationKey = { series: 0, endAt: 8e15, startAt: 8e15, heightMm: NaN };
    expect(() => encodeObservationId('a', key)).toThrow(RangeError);
  });
});
