/** What windows say is what anyone can work out from the rows that are given out. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';

import type { ObservationRow } from '../../ingest/observation.ts';
import { openTestApi, type Json, type TestApi } from '../api.fixture.ts';
import { windowNames, type WindowName } from './window.ts';

/** With and without change of the clock, by hours and halves, and with offsets of half and quarter hours. */
const zones = [
  'Asia/Ho_Chi_Minh',
  'Asia/Kathmandu',
  'Asia/Kolkata',
  'Europe/London',
  'America/St_Johns',
  'Australia/Lord_Howe',
] as const;
const properties = {
  'air-temperature': 'mean',
  'wind-direction': 'instant',
  'wind-speed': 'instant',
  rainfall: 'sum',
} as const;
type Property = keyof typeof properties;

const minute = 60_000;
const intervalMs = 20 * minute;
/** Around changes of the clock in Europe, America and Australia. */
const origins = [Date.UTC(2024, 2, 30, 20), Date.UTC(2024, 3, 6, 8), Date.UTC(2024, 9, 26, 20)];
const functions =
  'mean,min,max,sum,count,first,last,sd,p05,p50,p95,vectorDirection,vectorSpeed,vectorCount';

let rig: TestApi;
let reading = 0;
/** Rows of each key so far. */
const held = new Map<string, number>();

beforeAll(async () => {
  rig = await openTestApi({ config: { rowsPerReadMax: 17, asOfSettleMs: 0 } });
  rig.setNow(Date.UTC(2025, 0, 1));
  const outcome = rig.registry.importFile(
    {
      format: 'quantrac-registry/1',
      stations: zones.map((timeZone, index) => ({
        id: `zone-${index}`,
        name: { vi: timeZone, en: timeZone },
        owner: 'agency',
        latitude: 10,
        longitude: 100,
        timeZone,
        class: 'reference',
      })),
      datastreams: zones.flatMap((_, index) =>
        Object.entries(properties).map(([property, aggregation]) => ({
          id: `zone-${index}-${property}`,
          station: `zone-${index}`,
          property,
          aggregation,
          intervalMs,
        })),
      ),
    },
    'test',
  );
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.problems));
});
afterAll(() => rig.close());

interface Event {
  readonly property: Property;
  readonly slot: number;
  readonly value: number;
  readonly kind: 'value' | 'suspect' | 'fail' | 'null' | 'deletion';
  readonly isHigh: boolean;
}

const events = fc.record({
  property: fc.constantFrom(...(Object.keys(properties) as Property[])),
  slot: fc.nat({ max: 80 }),
  value: fc.oneof(fc.integer({ min: 0, max: 3_600 }), fc.constant(0)),
  kind: fc.constantFrom('value', 'value', 'value', 'suspect', 'fail', 'null', 'deletion'),
  isHigh: fc.nat({ max: 9 }).map((digit) => digit === 0),
});

const flagOf = { value: 1, suspect: 3, fail: 4, null: 9, deletion: 9 } as const;

/** An insert, a correction or a deletion of what is there, at any time after what came before. */
function rowOf(zone: number, origin: number, event: Event): ObservationRow | undefined {
  const datastream = `zone-${zone}-${event.property}`;
  const endAt = origin + event.slot * intervalMs;
  const heightMm = event.isHigh ? 10_000 : NaN;
  const key = `${datastream} ${endAt} ${heightMm}`;
  const before = held.get(key) ?? 0;
  if (event.kind === 'deletion' && before === 0) return undefined;
  held.set(key, before + 1);
  reading += 1;
  const flag = flagOf[event.kind];
  return rig.row(datastream, endAt, {
    heightMm,
    revision: before,
    type: event.kind === 'deletion' ? 'deletion' : before === 0 ? 'insert' : 'correction',
    result: flag === 9 ? null : event.value / 10,
    verdict: {
      flag,
      tests: '1111111111222222',
      qualifiers: 0,
      reason: flag === 9 ? 'MISSING' : null,
      rules: '0badc0de',
    },
    rank: { klass: 1, at: rig.now() + reading, node: 0, position: reading },
  });
}

async function linesOf(path: string): Promise<Json[]> {
  const text = await (await rig.get(`/api/v1/${path}`)).text();
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Json);
  expect(lines.pop()).toMatchObject({ complete: true });
  return lines;
}

const pad = (value: number) => String(value).padStart(2, '0');

/** The name of the window, as a calendar on the wall would have it. */
function windowName(window: WindowName, endAt: number, format: Intl.DateTimeFormat): string {
  const parts = new Map(format.formatToParts(endAt - 1).map(({ type, value }) => [type, value]));
  const [year, month, day] = ['year', 'month', 'day'].map((part) =>
    Number(parts.get(part as 'day')),
  );
  const date = `${year}-${pad(month ?? 0)}-${pad(day ?? 0)}`;
  if (window === 'P1Y') return date.slice(0, 4);
  if (window === 'P1M') return date.slice(0, 7);
  if (window === 'P1D') return date;
  const zone = (parts.get('timeZoneName') ?? '').slice(3);
  const hour = `${date}T${pad(Number(parts.get('hour')))}`;
  return `${hour}${window === 'PT1M' ? `:${parts.get('minute')}` : ''}${zone}`;
}

const nameLengths = { P1Y: 4, P1M: 7, P1D: 10, PT1H: 13, PT1M: 16 } as const;

/** The same name, of an answer: by the day of the instant just behind its start, and its end's offset. */
function shownName(window: WindowName, row: Json, format: Intl.DateTimeFormat): string {
  const end = Date.parse(String(row['phenomenonTime']).split('/')[1] ?? '');
  return windowName(window, end, format);
}

type Values = Record<string, number | null>;

function naiveValues(rows: readonly Json[], others: readonly Json[], property: Property): Values {
  const usable = (row: Json) => row['result'] !== null && [1, 2, 3].includes(Number(row['flag']));
  const counted = rows.filter(usable);
  const values = counted.map((row) => Number(row['result']));
  const sorted = values.toSorted((a, b) => a - b);
  const n = values.length;
  const sum = values.reduce((total, value) => total + value, 0);
  const isAngle = property === 'wind-direction';
  const line = (value: number): number | null => (n === 0 || isAngle ? null : value);
  const percentile = (share: number) => {
    const place = (n - 1) * share;
    const low = sorted[Math.floor(place)] ?? NaN;
    return line(low + (place - Math.floor(place)) * ((sorted[Math.ceil(place)] ?? NaN) - low));
  };
  const square = values.reduce((total, value) => total + (value - sum / n) ** 2, 0);
  const flagged = (flag: number) => rows.filter((row) => row['flag'] === flag).length;
  return {
    rows: n,
    count: n,
    suspect: flagged(3),
    failed: flagged(4),
    missing: flagged(9),
    validity: n / rows.length,
    sum: line(sum),
    min: line(sorted[0] ?? NaN),
    max: line(sorted.at(-1) ?? NaN),
    first: values[0] ?? null,
    last: values.at(-1) ?? null,
    p05: percentile(0.05),
    p50: percentile(0.5),
    p95: percentile(0.95),
    ...(isAngle ? {} : { mean: line(sum / n), sd: n < 2 ? null : Math.sqrt(square / (n - 1)) }),
    ...naiveVector(rows, others.filter(usable), property),
  };
}

/** By complex numbers of place and time, and no direction where they nearly cancel out. */
function naiveVector(rows: readonly Json[], others: readonly Json[], property: Property): Values {
  if (!property.startsWith('wind-')) {
    return { vectorCount: null, vectorSpeed: null, vectorDirection: null };
  }
  const timeOf = (row: Json) => `${String(row['phenomenonTime'])} ${String(row['heightMetres'])}`;
  const byTime = new Map(others.map((row) => [timeOf(row), Number(row['result'])]));
  const pairs = rows.flatMap((row) => {
    const isUsable = row['result'] !== null && [1, 2, 3].includes(Number(row['flag']));
    const own = isUsable ? Number(row['result']) : undefined;
    const other = byTime.get(timeOf(row));
    const [v, from] = property === 'wind-speed' ? [own, other] : [other, own];
    if (v === 0) return [[0, 0]];
    return v === undefined || from === undefined ? [] : [[v, from]];
  });
  const axis = (turn: (radians: number) => number) =>
    pairs.reduce((total, [v = 0, at = 0]) => total + v * turn((at / 180) * Math.PI), 0);
  const [east, north] = [axis(Math.sin), axis(Math.cos)];
  const length = Math.hypot(east, north);
  const isSpeed = property === 'wind-speed';
  if (isSpeed) {
    return {
      vectorCount: pairs.length,
      vectorSpeed: pairs.length === 0 ? null : length / pairs.length,
      vectorDirection: null,
    };
  }
  if (length < 1e-3) return { vectorCount: pairs.length, vectorSpeed: null };
  const from = (Math.atan2(east, north) * 180) / Math.PI;
  return {
    vectorCount: pairs.length,
    vectorSpeed: null,
    vectorDirection: from <= 0 ? from + 360 : from,
  };
}

function expectClose(found: unknown, expected: number | null, what: string): void {
  const isClose =
    expected === null || found === null
      ? found === expected
      : Math.abs(Number(found) - expected) < 1e-6 * (1 + Math.abs(expected));
  expect([what, isClose ? expected : found]).toEqual([what, expected]);
}

async function expectWindows(zone: number, property: Property, window: WindowName): Promise<void> {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zones[zone] ?? '',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'longOffset',
  });
  const other = property === 'wind-speed' ? 'wind-direction' : 'wind-speed';
  const rows = await linesOf(`observations.ndjson?datastream=zone-${zone}-${property}`);
  const others = await linesOf(`observations.ndjson?datastream=zone-${zone}-${other}`);
  const members = new Map<string, Json[]>();
  for (const row of rows) {
    const endAt = Date.parse(String(row['phenomenonTime']).split('/').at(-1) ?? '');
    const name = windowName(window, endAt, format);
    members.set(name, [...(members.get(name) ?? []), row]);
  }
  for (const asked of [functions, 'mean,min,max,sum,count,first,last']) {
    const found = await linesOf(
      `aggregates.ndjson?datastream=zone-${zone}-${property}&window=${window}&functions=${asked}`,
    );
    expect(found.map((row) => shownName(window, row, format))).toEqual([...members.keys()]);
    for (const row of found) {
      const name = shownName(window, row, format);
      expect(name.length).toBeGreaterThanOrEqual(nameLengths[window]);
      for (const [each, value] of Object.entries(
        naiveValues(members.get(name) ?? [], others, property),
      )) {
        if (each in row) expectClose(row[each], value, `${property} ${window} ${name} ${each}`);
      }
    }
  }
}

test('windows are what the rows given out come to, after any history, in any zone', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: zones.length - 1 }),
      fc.constantFrom(...origins),
      fc.array(fc.array(events, { minLength: 1, maxLength: 25 }), { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      async (zone, origin, batches, isFlushed) => {
        for (const batch of batches) {
          // One row of a key in a batch: the last of them.
          const rows = new Map<string, ObservationRow>();
          for (const event of batch) {
            const name = `${event.property} ${event.slot} ${event.isHigh}`;
            const row = rows.has(name) ? undefined : rowOf(zone, origin, event);
            if (row !== undefined) rows.set(name, row);
          }
          if (rows.size > 0) await rig.publish([...rows.values()]);
        }
        if (isFlushed) rig.flush();
        for (const property of Object.keys(properties) as Property[]) {
          for (const window of windowNames) await expectWindows(zone, property, window);
        }
      },
    ),
    { numRuns: 15 },
  );
});
