import { expect, test } from 'vitest';
import { createSeededRandom } from '../devices/random.ts';
import { airSensing } from './air.ts';
import { demoStations, fleetStations, registryFileOf } from './demo-network.ts';
import { createNature, type Sky } from './nature.ts';
import { waterSensing } from './water.ts';
import { dewPointCel, weatherSensing } from './weather.ts';

const place = {
  latitude: 21,
  longitude: 105.85,
  altitudeMetres: 12,
  startAt: Date.UTC(2026, 5, 1),
};
const hour = 3_600_000;

function days(count: number, seed: number): Sky[] {
  const nature = createNature(createSeededRandom(seed), place);
  return Array.from({ length: count * 144 }, (_, index) =>
    nature.stateAt(place.startAt + index * 600_000),
  );
}

const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

test('the same seed gives the same weather, another seed another', () => {
  expect(days(1, 3)).toEqual(days(1, 3));
  expect(days(1, 3)).not.toEqual(days(1, 4));
});

test('days are brighter and warmer than nights', () => {
  const skies = days(20, 1);
  const at = (from: number, to: number) =>
    skies.filter(({ at: instant }) => {
      const local = (((instant / hour + 7) % 24) + 24) % 24;
      return local >= from && local < to;
    });
  const noon = at(11, 14);
  const night = at(0, 4);
  expect(mean(noon.map((sky) => sky.solarRadiationWm2))).toBeGreaterThan(200);
  expect(Math.max(...night.map((sky) => sky.solarRadiationWm2))).toBe(0);
  expect(mean(noon.map((sky) => sky.airTemperatureCel))).toBeGreaterThan(
    mean(night.map((sky) => sky.airTemperatureCel)) + 2,
  );
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])('rain raises the river %i and muddies it', (seed) => {
  const sense = waterSensing.createSensor(createSeededRandom(seed));
  const dry = { ...(days(1, 1)[0] as Sky), rainRateMmPerHour: 0 };
  const before = Array.from({ length: 24 }, () => sense(dry, 600_000)).at(-1);
  const after = Array.from({ length: 18 }, () =>
    sense({ ...dry, rainRateMmPerHour: 25 }, 600_000),
  ).at(-1);
  expect(after?.['level']).toBeGreaterThan((before?.['level'] ?? 0) + 20);
  expect(after?.['turb']).toBeGreaterThan((before?.['turb'] ?? 0) * 3);
  expect(after?.['ec']).toBeLessThan(before?.['ec'] ?? 0);
});

test.each([waterSensing, airSensing])('no two begin alike under the same sky: $kind', (sensing) => {
  const [sky] = days(1, 1);
  const firsts = [1, 2, 3, 4].map((seed) =>
    sensing.createSensor(createSeededRandom(seed))(sky as Sky, 2_000),
  );
  for (const { channel } of sensing.channels.slice(0, 2)) {
    const values = firsts.map((each) => each[channel] ?? 0);
    expect(new Set(values.map((value) => value.toFixed(1))).size).toBe(values.length);
    expect(Math.max(...values) / Math.min(...values)).toBeGreaterThan(1.3);
  }
});

test('an inversion traps smoke, and coarse dust is never less than fine', () => {
  const still = {
    ...(days(1, 1)[0] as Sky),
    windSpeedMps: 0.8,
    rainRateMmPerHour: 0,
    traffic: 0.6,
  };
  const level = (inversion: number) => {
    const sense = airSensing.createSensor(createSeededRandom(5));
    return Array.from({ length: 72 }, () => sense({ ...still, inversion }, 600_000)).at(-1);
  };
  expect(level(1)?.['pm25']).toBeGreaterThan((level(0)?.['pm25'] ?? 0) * 1.5);
  for (const values of [level(0), level(1)]) {
    expect(values?.['pm10']).toBeGreaterThan(values?.['pm25'] ?? 0);
    expect(values?.['pm25']).toBeGreaterThan(values?.['pm1'] ?? 0);
  }
});

test('a weather station never reports a dew point above the temperature', () => {
  expect(dewPointCel(30, 30)).toBeCloseTo(10.529, 2);
  const sense = weatherSensing.createSensor(createSeededRandom(6));
  for (const sky of days(3, 7)) {
    const values = sense(sky, 600_000);
    expect(values['dew']).toBeLessThanOrEqual(values['temp'] ?? 0);
    expect(values['wgust']).toBeGreaterThanOrEqual(values['wspd'] ?? 0);
  }
});

test('the demonstration has stations of all three kinds, and a fleet any number', () => {
  expect(new Set(demoStations(1_000).map(({ sensing }) => sensing.kind))).toEqual(
    new Set(['weather', 'water', 'air']),
  );
  const fleet = fleetStations(1_000, 60_000);
  expect(new Set(fleet.map(({ id }) => id)).size).toBe(1_000);
  const file = registryFileOf(fleet.slice(0, 24)) as {
    deployments: unknown[];
    datastreams: unknown[];
  };
  expect(file.deployments.length).toBe(file.datastreams.length);
});
