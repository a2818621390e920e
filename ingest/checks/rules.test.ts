import { describe, expect, test } from 'vitest';
import type { Aggregation, Datastream, ObservedProperty, Station } from '../../devices/model.ts';
import { observedProperties, propertyCatalogue } from '../../devices/properties/catalogue.ts';
import { checksConfig } from './config.ts';
import { defaultRuleOf, propertiesWithRules } from './default-rules.ts';
import { createRuleBook } from './rule-book.ts';
import { canonicalJson, compileRules } from './rules.ts';
import { windowOf } from './windows.ts';

const minute = 60_000;
const hour = 60 * minute;
const catalogue = propertyCatalogue();

const station: Station = {
  id: 'hanoi-1',
  name: { vi: 'Hà Nội 1', en: 'Hanoi 1' },
  owner: 'cem',
  latitude: 21.02,
  longitude: 105.85,
  timeZone: 'Asia/Ho_Chi_Minh',
  class: 'regulatory',
};

function datastream(property: string, intervalMs = minute, aggregation: Aggregation = 'mean') {
  const given: Datastream = {
    id: `hanoi-1.${property}`,
    series: 0,
    station: station.id,
    property,
    slug: property,
    aggregation,
    intervalMs,
  };
  return given;
}

function propertyOf(id: string): ObservedProperty {
  const property = catalogue.get(id);
  if (property === undefined) throw new Error(`${id} is not in the catalogue`);
  return property;
}

function compile(given: Datastream, overrides: unknown = {}) {
  return compileRules(given, propertyOf(given.property), station, checksConfig.parse(overrides));
}

describe('built-in rules', () => {
  test('every property of the catalogue is thought of, and no other', () => {
    const shipped = observedProperties.map(({ id }) => id).toSorted();
    expect([...propertiesWithRules()].toSorted()).toEqual(shipped);
  });

  test('every property has rules that can be judged at a minute, an hour and a day', () => {
    for (const { id } of observedProperties) {
      for (const intervalMs of [minute, hour, 24 * hour]) {
        const rules = compile(datastream(id, intervalMs));
        expect(rules.hash).toMatch(/^[0-9a-f]{8}$/);
        expect(rules.sensorRange).not.toBeNull();
        const { lookBackMs, lookAheadMs, nearMs } = windowOf(rules);
        expect(lookBackMs + lookAheadMs).toBeLessThanOrEqual(72 * hour);
        expect(nearMs).toBeLessThanOrEqual(lookBackMs);
      }
    }
  });

  test('air temperature a minute apart has the step and persistence of the WMO', () => {
    const rules = compile(datastream('air-temperature'));
    expect(rules.spike).toEqual({ suspect: 3, fail: 9, method: 'differential' });
    expect(rules.rateOfChange).toEqual({ suspect: 0.05, fail: 0.15, changeMin: 3 });
    expect(rules.flatLine).toMatchObject({ tolerance: 0.05, suspectMs: hour, failMs: 24 * hour });
    expect(rules.gapMaxMs).toBe(3 * minute);
  });

  test('a step grows with the interval, but less than the interval does', () => {
    const hourly = compile(datastream('air-temperature', hour));
    expect(hourly.spike?.suspect).toBeCloseTo(12, 3);
    expect((hourly.rateOfChange?.suspect ?? 0) * 3_600).toBeCloseTo(12, 2);
    expect(hourly.flatLine?.suspectMs).toBe(12 * hour);
  });

  test('a flat line is at least twelve intervals, and failing comes after suspicion or never', () => {
    const daily = compile(datastream('air-temperature', 24 * hour));
    expect(daily.flatLine).toMatchObject({ suspectMs: 12 * 24 * hour, failMs: null });
    expect(windowOf(daily).lookBackMs).toBe(24 * hour);
  });

  test.each(['counter', 'sum'] as const)('a %s has no step, spike or flat line', (aggregation) => {
    const rules = compile(datastream('air-temperature', minute, aggregation));
    expect([rules.spike, rules.rateOfChange, rules.flatLine]).toEqual([null, null, null]);
  });

  test('a counter may grow beyond the range of its property', () => {
    const rules = compile(datastream('rainfall', minute, 'counter'));
    expect(rules.sensorRange?.max).toBe(Number.MAX_VALUE);
    expect(rules.sensorRange?.min).toBe(propertyOf('rainfall').plausible.min);
    expect(rules.userRange).toBeNull();
  });

  test('rain and wind direction have no spikes, and direction turns on the circle', () => {
    expect(compile(datastream('rainfall')).spike).toBeNull();
    const direction = compile(datastream('wind-direction'));
    expect([direction.spike, direction.rateOfChange]).toEqual([null, null]);
    expect(direction.circular).toBe(true);
  });

  test('a property of the installation has its ranges and no more', () => {
    const own: ObservedProperty = {
      id: 'own-index',
      label: { vi: 'Chỉ số riêng', en: 'Own index' },
      unit: '1',
      domain: 'air',
      plausible: { min: 0, max: 10 },
      links: [],
    };
    const rules = compileRules(datastream('own-index'), own, station, checksConfig.parse({}));
    expect(rules.sensorRange).toEqual({ min: 0, max: 10 });
    expect([rules.userRange, rules.spike, rules.flatLine]).toEqual([null, null, null]);
    expect(defaultRuleOf('own-index')).toEqual({ step: null, flat: null });
  });

  test('gap and duplicate inform and do not count', () => {
    const { counting } = compile(datastream('ph'));
    expect(counting).not.toContain('gap');
    expect(counting).not.toContain('duplicate');
    expect(counting).toContain('time');
  });
});

describe('overrides', () => {
  const spike = { suspect: 1, fail: 2, method: 'average' } as const;

  test('those of the datastream win over those of its property, member by member', () => {
    const rules = compile(datastream('ph'), {
      properties: { ph: { spike, gapMaxMs: 5 * minute, flatLine: null } },
      datastreams: { 'hanoi-1.ph': { gapMaxMs: 7 * minute } },
    });
    expect(rules).toMatchObject({ spike, gapMaxMs: 7 * minute, flatLine: null });
  });

  test('null switches a test off, silence leaves the built-in one', () => {
    const off = compile(datastream('ph'), {
      properties: { ph: { sensorRange: null, userRange: null, spike: null, rateOfChange: null } },
    });
    expect([off.sensorRange, off.userRange, off.spike, off.rateOfChange]).toEqual([
      null,
      null,
      null,
      null,
    ]);
    expect(off.flatLine).not.toBeNull();
  });

  test('each member can be said', () => {
    const said = {
      sensorRange: { min: 0, max: 10 },
      userRange: { min: -5, max: 9 },
      climatology: Array.from({ length: 12 }, () => ({ min: 6, max: 8 })),
      rateOfChange: { suspectPerSecond: 0.1, failPerSecond: 0.2 },
      flatLine: { suspectMs: hour },
      counting: ['sensorRange', 'gap'],
    };
    const rules = compile(datastream('ph'), { datastreams: { 'hanoi-1.ph': said } });
    expect(rules.userRange).toEqual({ min: 0, max: 9 });
    expect(rules.climatology).toEqual(said.climatology);
    expect(rules.rateOfChange).toEqual({ suspect: 0.1, fail: 0.2, changeMin: 0 });
    expect(rules.flatLine).toMatchObject({ tolerance: 0, suspectMs: hour, failMs: null });
    expect(rules.counting).toEqual(['sensorRange', 'gap']);
    expect(rules.monthOf(Date.parse('2024-03-01T00:00:00+07:00'))).toBe(2);
  });

  test.each([
    [{ properties: { ph: { sensorRange: { min: 5, max: 1 } } } }, 'min must not exceed max'],
    [{ properties: { ph: { climatology: [{ min: 1, max: 2 }] } } }, '12'],
    [{ properties: { ph: { spike: { suspect: 0 } } } }, 'suspect'],
    [{ properties: { ph: { flatline: null } } }, 'flatline'],
    [{ properties: { ph: { flatLine: { suspectMs: 49 * hour } } } }, 'suspectMs'],
  ])('%j is refused and named', (given, text) => {
    const outcome = checksConfig.safeParse(given);
    expect(outcome.success).toBe(false);
    expect(JSON.stringify(outcome.error?.issues)).toContain(text);
  });
});

describe('the hash', () => {
  test('is the same for the same rules, however often compiled', () => {
    expect(compile(datastream('ph')).hash).toBe(compile(datastream('ph')).hash);
  });

  test('differs with each threshold, interval and zone', () => {
    const base = compile(datastream('ph'));
    const others = [
      compile(datastream('ph', hour)),
      compile(datastream('ph', minute, 'max')),
      compile(datastream('ph'), { properties: { ph: { gapMaxMs: 1_000 } } }),
      compile(datastream('ph'), { properties: { ph: { counting: ['gap'] } } }),
      compileRules(
        datastream('ph'),
        propertyOf('ph'),
        { ...station, timeZone: 'UTC' },
        checksConfig.parse({}),
      ),
    ];
    const hashes = new Set([base, ...others].map(({ hash }) => hash));
    expect(hashes.size).toBe(6);
  });

  test('canonical JSON sorts keys, keeps arrays and leaves out what is not said', () => {
    expect(canonicalJson({ b: [2, 1, null], a: { d: 'x"', c: undefined }, e: true })).toBe(
      '{"a":{"d":"x\\""},"b":[2,1,null],"e":true}',
    );
    expect(canonicalJson(undefined)).toBe('null');
  });
});

describe('the rule book', () => {
  const config = checksConfig.parse({ datastreams: { own: { gapMaxMs: 1_000 } } });
  const book = createRuleBook(config);
  const ph = propertyOf('ph');

  test('gives series of a kind one object, and each what it would be alone', () => {
    const rules = book.of(datastream('ph'), ph, station);
    expect(book.of({ ...datastream('ph'), id: 'other', series: 1 }, ph, station)).toBe(rules);
    expect(rules.hash).toBe(compileRules(datastream('ph'), ph, station, config).hash);
  });

  test('keeps apart what differs', () => {
    const rules = [
      book.of(datastream('ph'), ph, station),
      book.of(datastream('ph', hour), ph, station),
      book.of(datastream('ph', minute, 'max'), ph, station),
      book.of(datastream('ph'), ph, { ...station, timeZone: 'UTC' }),
      book.of(datastream('ph'), { ...ph, plausible: { min: 1, max: 13 } }, station),
      book.of({ ...datastream('ph'), id: 'own' }, ph, station),
    ];
    expect(new Set(rules.map(({ hash }) => hash)).size).toBe(rules.length);
  });
});
