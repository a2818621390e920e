import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ObservationRow } from '../../observation.ts';
import { createWorld } from '../world.contract.ts';
import { tagsOf } from './influx.fixture.ts';
import { createLineBuilder, splitOverflow, type LinesOptions } from './lines.ts';
import { createRowReader } from './row-text.ts';
import { millisecondsOf, ordinalOf, ordinalsMax, timeText, type SeriesTags } from './schema.ts';

const usual = { measurement: 'observation', shapesMax: 4, seriesCacheMax: 100, rowTags: tagsOf };
const origin = { partition: 3, batch: 41, place: 0, registryVersion: 1 };

function rowWith(changed: Partial<ObservationRow>): ObservationRow {
  const seed = { series: 5, day: 0, slot: 0, form: 0, value: 216, kind: 'value' } as const;
  const [made] = createWorld().grow({ rows: [seed], entries: [], waitMs: 0 }).rows;
  return { ...made!, ...changed };
}

function lineOf(changed: Partial<ObservationRow>, options: Partial<LinesOptions> = {}): string {
  return createLineBuilder({ ...usual, ...options }).lineOf(rowWith(changed), origin);
}

/** Measurement and tags, fields, time. */
function partsOf(line: string): string[] {
  return /^([^ ]+) (.+) (-?\d+)$/.exec(line)!.slice(1);
}

describe('the line of a row', () => {
  it('has what names the series as tags, the end and the revision as time, all else as fields', () => {
    const [head, fields, time] = partsOf(lineOf({ endAt: 1_000, startAt: 400, revision: 12 }));
    expect(head).toBe(
      'observation,datastream=station-5.5,property=air-temperature,series=5,span=600,station=station-5',
    );
    expect(time).toBe('1000000012');
    expect(fields).toMatch(/^row="[^"]+",result=21\.6,flag=1i$/);
  });

  it('names its own height, and what was superseded on arrival apart', () => {
    const [head, , time] = partsOf(lineOf({ heightMm: -1_500, revision: -3, current: false }));
    expect(head).toMatch(/^observation_superseded,datastream=station-5\.5,height=-1500,/);
    expect(time).toMatch(/000002$/);
  });

  it.each([
    [null, ''],
    [Number.POSITIVE_INFINITY, ''],
    [-0, ',result=-0'],
    [1e-300, ',result=1e-300'],
    [1e21, ',result=1e+21'],
  ])('has the result %s as a number only where InfluxDB has it', (result, field) => {
    expect(partsOf(lineOf({ result }))[1]).toMatch(
      new RegExp(`"${field.replace('+', '\\+')},flag=1i$`),
    );
  });

  it.each([
    ['a revision beyond the digits of a millisecond', { revision: ordinalsMax }],
    ['as many that were superseded', { revision: -ordinalsMax - 1, current: false }],
    ['an end beyond the clock of InfluxDB', { endAt: 9_300_000_000_000 }],
    ['an end that is no whole millisecond', { endAt: 0.5 }],
  ])('stands in the overflow with %s', (_, changed) => {
    const line = createLineBuilder(usual).lineOf(rowWith(changed), { ...origin, place: 7 });
    const [head, fields, time] = partsOf(line);
    expect(head).toBe(
      'observation_overflow,datastream=station-5.5,property=air-temperature,series=5,station=station-5',
    );
    expect(time).toBe('2624000007');
    const { endAt, text } = splitOverflow(fields!.slice('row="'.length, -1));
    const told = createRowReader().read(text, { series: 5, endAt });
    expect(told.row).toMatchObject(changed);
  });

  it('never shares measurement, tags and time with another row', () => {
    const key = fc.record({
      series: fc.nat({ max: 2 }),
      endAt: fc.constantFrom(0, 1, -1, 1_711_832_400_000, 9_223_372_036_853, 9.5e12),
      startAt: fc.constantFrom(0, 1),
      heightMm: fc.constantFrom(Number.NaN, 0, 1, -1),
      revision: fc.oneof(
        fc.integer({ min: -3, max: 3 }),
        fc.constantFrom(999_999, 1_000_000, -1_000_000, -1_000_001),
      ),
    });
    fc.assert(
      fc.property(fc.uniqueArray(key, { selector: JSON.stringify, maxLength: 60 }), (keys) => {
        const builder = createLineBuilder(usual);
        const names = keys.map((one, place) => {
          const [head, , time] = partsOf(builder.lineOf(rowWith(one), { ...origin, place }));
          return `${head} ${time}`;
        });
        expect(new Set(names).size).toBe(keys.length);
      }),
    );
  });
});

describe('the number of series in InfluxDB', () => {
  it('is bounded for each datastream, whatever intervals and heights it is sent', () => {
    const builder = createLineBuilder(usual);
    const heads = new Map<string, Set<string>>();
    for (let at = 0; at < 500; at++) {
      for (const revision of [0, -1]) {
        const changed = { series: at % 3, startAt: at * 10, heightMm: at % 7, revision };
        const row = rowWith({ endAt: 1e12, ...changed });
        const [head = ''] = partsOf(builder.lineOf(row, { ...origin, place: at }));
        const [measurement = ''] = head.split(',');
        heads.set(measurement, (heads.get(measurement) ?? new Set()).add(head));
      }
    }
    const counts = Object.fromEntries([...heads].map(([name, found]) => [name, found.size]));
    expect(counts).toEqual({
      observation: 3 * usual.shapesMax,
      observation_superseded: 3 * usual.shapesMax,
      observation_overflow: 3,
    });
  });

  it('grows by the registry alone where rows are as their datastreams are', () => {
    const builder = createLineBuilder(usual);
    const heads = new Set<string>();
    for (let at = 0; at < 1_000; at++) {
      const endAt = 1e12 + at * 600_000;
      const row = rowWith({ series: at % 10, endAt, startAt: endAt - 600_000, revision: at });
      const line = builder.lineOf({ ...row, device: `device-${at}`, result: at }, origin);
      heads.add(partsOf(line)[0]!);
    }
    expect(heads.size).toBe(10);
  });

  it('asks for the tags of a series once while it is remembered', () => {
    const asked: number[] = [];
    const rowTags = (series: number): SeriesTags => {
      asked.push(series);
      return tagsOf(series);
    };
    const builder = createLineBuilder({ ...usual, seriesCacheMax: 2, rowTags });
    for (const series of [1, 2, 1, 2, 3, 1]) builder.lineOf(rowWith({ series }), origin);
    expect(asked).toEqual([1, 2, 3, 1]);
  });

  it.each(['', 'Đà Lạt', 'a b', 'a,b', 'a=b', 'a\\', '-a'])('has no tag like %j', (station) => {
    const rowTags = (series: number): SeriesTags => ({ ...tagsOf(series), station });
    expect(() => lineOf({}, { rowTags })).toThrow(expect.objectContaining({ code: 'INFLUX_TAG' }));
  });
});

describe('the time of a point', () => {
  it('comes back exactly, though JSON rounds it', () => {
    const ms = fc.integer({ min: -9_223_372_036_853, max: 9_223_372_036_853 });
    fc.assert(
      fc.property(ms, fc.nat({ max: ordinalsMax - 1 }), (endAt, ordinal) => {
        const text = timeText(endAt, ordinal);
        expect(BigInt(text)).toBe(BigInt(endAt) * 1_000_000n + BigInt(ordinal));
        expect(millisecondsOf(Number(text), ordinal)).toBe(endAt);
      }),
    );
  });

  it('has the revisions in their order', () => {
    expect([0, 1, 999_999].map((revision) => ordinalOf({ revision }))).toEqual([0, 1, 999_999]);
    expect([-1, -2].map((revision) => ordinalOf({ revision }))).toEqual([0, 1]);
  });
});
