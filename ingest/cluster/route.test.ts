import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Reading } from '../reading.ts';
import { registryOf } from './forward/network.fixture.ts';
import { partitionOf } from './partition-of.ts';
import {
  createRouter,
  offsetOfPlace,
  partitionOfPlace,
  readingPlace,
  type Route,
} from './route.ts';

const partitions = 12;
const router = createRouter({
  node: 3,
  partitions,
  registry: registryOf(4, {
    logger: ['station-b', 'station-a', 'station-c'],
    spare: [],
    gauge: ['station-b'],
  }),
});

function route(kind: Reading['kind'], device: string, content: object | string = ''): Route {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  return router.routeOf({ kind, device, payload: Buffer.from(text) });
}

function byKey(key: string): Route {
  return { key, partition: partitionOf(key, partitions) };
}

const erasure = { decision: 'erase', fromAt: null, toAt: null, reason: 'r', actor: 'a' };
const reprocess = {
  decision: 'reprocess',
  version: 4,
  fromAt: null,
  toAt: null,
  actor: 'a',
  keys: [],
};

describe('a place in the readings', () => {
  it('is one number that gives back offset and partition, and grows with the offset', () => {
    const anyOffset = fc.integer({ min: 0, max: 2 ** 40 });
    const anyPartition = fc.integer({ min: 0, max: 1_023 });
    fc.assert(
      fc.property(anyOffset, anyPartition, (offset, partition) => {
        const place = readingPlace(offset, partition);
        expect(offsetOfPlace(place)).toBe(offset);
        expect(partitionOfPlace(place)).toBe(partition);
        expect(place).toBeGreaterThan(0);
        expect(readingPlace(offset + 1, 0)).toBeGreaterThan(place);
      }),
    );
  });
});

describe('the route of a reading', () => {
  it.each(['message', 'backfill', 'control'] as const)(
    'of kind %s is that of the first station of its device, else of the device itself',
    (kind) => {
      expect(route(kind, 'logger')).toEqual(byKey('station-a'));
      expect(route(kind, 'gauge')).toEqual(byKey('station-b'));
      expect(route(kind, 'spare')).toEqual(byKey('spare'));
      expect(route(kind, 'stranger')).toEqual(byKey('stranger'));
      expect(route(kind, '')).toEqual(byKey('node-3'));
    },
  );

  it('goes to the partition of the reading that a replay or a dismissal names', () => {
    const position = readingPlace(77, 5);
    expect(route('replay', '', { position })).toEqual({ key: null, partition: 5 });
    const dismissal = { decision: 'dismiss', position };
    expect(route('decision', '', dismissal)).toEqual({ key: null, partition: 5 });
    expect(route('replay', '', { position: readingPlace(77, 900) })).toEqual(router.ofNode);
  });

  it('of a decision on a series is that of its station', () => {
    // Series are numbered by the order of stations: 2 is of station-c.
    const about = { series: 2, device: 'gauge', owner: null };
    expect(route('decision', '', { ...erasure, ...about })).toEqual(byKey('station-c'));
    expect(route('decision', '', { ...reprocess, series: 0 })).toEqual(byKey('station-a'));
    expect(route('decision', '', { ...reprocess, series: 99 })).toEqual(router.ofNode);
  });

  it('of a decision on no series is by device, by owner, or partition 0', () => {
    const order = { ...erasure, series: null };
    const all = { key: null, partition: 0 };
    expect(route('decision', '', { ...order, device: 'logger', owner: null })).toEqual(
      byKey('station-a'),
    );
    expect(route('decision', '', { ...order, device: null, owner: 'ministry' })).toEqual(
      byKey('ministry'),
    );
    expect(route('decision', '', { ...order, device: null, owner: null })).toEqual(all);
    expect(route('decision', '', { ...reprocess, series: null })).toEqual(all);
  });

  it('of what nobody understands, and of what a node says of itself, is by the node', () => {
    for (const content of ['', '{', '{"position":0}', '{"decision":"guess"}']) {
      expect(route('decision', 'logger', content)).toEqual(byKey('node-3'));
      expect(route('replay', 'logger', content)).toEqual(byKey('node-3'));
    }
    expect(route('registry', '', { version: 4 })).toEqual(byKey('node-3'));
    expect(route('attempt', '', '1')).toEqual(byKey('node-3'));
  });
});
