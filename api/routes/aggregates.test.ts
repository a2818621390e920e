import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openTestApi, startAt, type Json, type TestApi } from '../api.fixture.ts';
import { openLocalTime } from '../../ingest/observations/local-time.ts';
import type { ObservationRow } from '../../ingest/observation.ts';
import { windowOf, type WindowName } from '../windows/window.ts';

let rig: TestApi;
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const rainAt = startAt + 50 * day;

/** Rows as the fixture published them, by datastream. */
const rows = new Map<string, ObservationRow[]>();

async function publish(datastream: string, made: readonly ObservationRow[]): Promise<void> {
  rows.set(datastream, [...(rows.get(datastream) ?? []), ...made]);
  await rig.publish(made);
}

beforeAll(async () => {
  rig = await openTestApi({ config: { rowsPerReadMax: 50, windowValuesMax: 300 } });
  rig.setNow(startAt + 100 * day);
  for (const [datastream, every] of [
    ['ha-noi-temperature', 10 * minute],
    ['kathmandu-temperature', 10 * minute],
    ['ha-noi-direction', 7 * minute],
  ] as const) {
    const made = Array.from({ length: 700 }, (_, index) => {
      const flag = ([1, 1, 2, 3, 4, 9] as const)[(index * 7) % 6] ?? 1;
      return rig.row(datastream, startAt + index * every, {
        result: flag === 9 ? null : (index * 37) % 360,
        verdict: {
          flag,
          tests: '1111111111222222',
          qualifiers: 0,
          reason: flag === 9 ? 'MISSING' : null,
          rules: '0',
        },
      });
    });
    await publish(datastream, made);
  }
  const rain = [1, 2, 3].map((step) =>
    rig.row('hue-rain', rainAt + step * 10 * minute, { result: step }),
  );
  await publish('hue-rain', rain);
  await publish('ha-noi-pm25', [rig.row('ha-noi-pm25', startAt + 400 * day, { result: 5 })]);
  rig.flush();
});
afterAll(() => rig.close());

const zoneOf = (datastream: string) =>
  datastream.startsWith('kathmandu') ? 'Asia/Kathmandu' : 'Asia/Ho_Chi_Minh';

/** By the definition: every row whose end is in (start, end], flags 1, 2 and 3. */
function naive(datastream: string, window: WindowName): Map<string, ObservationRow[]> {
  const time = openLocalTime(zoneOf(datastream));
  const windows = new Map<string, ObservationRow[]>();
  for (const row of rows.get(datastream) ?? []) {
    const { startAt: from, endAt: to } = windowOf(window, row.endAt, time);
    const name = `${time.text(from)}/${time.text(to)}`;
    const members = windows.get(name);
    if (members === undefined) windows.set(name, [row]);
    else members.push(row);
  }
  return windows;
}

async function allWindows(path: string): Promise<Json[]> {
  const found: Json[] = [];
  let next: unknown = rig.url + path;
  while (typeof next === 'string') {
    const page: Json = await rig.json(next.slice(rig.url.length));
    found.push(...(page.items as Json[]));
    next = page['next'];
  }
  return found;
}

describe('aggregates', () => {
  test.each([
    ['ha-noi-temperature', 'PT1H'],
    ['ha-noi-temperature', 'P1D'],
    ['ha-noi-temperature', 'P1M'],
    ['ha-noi-temperature', 'P1Y'],
    ['ha-noi-temperature', 'PT1M'],
    ['kathmandu-temperature', 'PT1H'],
    ['kathmandu-temperature', 'P1D'],
  ] as const)('of %s in %s are those of the rows in each window', async (datastream, window) => {
    const functions = 'mean,min,max,sum,count,first,last';
    const path = `/api/v1/aggregates?datastream=${datastream}&window=${window}&functions=${functions}`;
    const found = await allWindows(`${path}&limit=100`);
    const expected = naive(datastream, window);
    expect(found.map((row) => row['phenomenonTime'])).toEqual([...expected.keys()]);
    for (const row of found) {
      const members = expected.get(String(row['phenomenonTime'])) ?? [];
      const values = members.flatMap(({ result, verdict }) =>
        result !== null && [1, 2, 3].includes(verdict.flag) ? [result] : [],
      );
      const count = (flag: number) => members.filter(({ verdict }) => verdict.flag === flag).length;
      const sum = values.reduce((total, value) => total + value, 0);
      expect(row).toMatchObject({
        rows: values.length,
        suspect: count(3),
        failed: count(4),
        missing: count(9),
        count: values.length,
        min: values.length === 0 ? null : Math.min(...values),
        max: values.length === 0 ? null : Math.max(...values),
        first: values[0] ?? null,
        last: values.at(-1) ?? null,
      });
      expect(Number(row['sum'])).toBeCloseTo(sum, 6);
      expect(Number(row['mean'])).toBeCloseTo(sum / Math.max(1, values.length), 6);
      expect([row['sum'] === null, row['mean'] === null]).toEqual(
        values.length === 0 ? [true, true] : [false, false],
      );
      expect(row['completeness']).toBeGreaterThanOrEqual(0);
      expect(row['completeness']).toBeLessThanOrEqual(1);
    }
  });

  test('of angles have the mean of their vectors, and no sum', async () => {
    const path = '/api/v1/aggregates?datastream=ha-noi-direction&window=PT1H';
    const [first] = await allWindows(path);
    const members = naive('ha-noi-direction', 'PT1H').get(String(first?.['phenomenonTime'])) ?? [];
    const angles = members.flatMap(({ result, verdict }) =>
      result !== null && verdict.flag <= 3 ? [(result * Math.PI) / 180] : [],
    );
    const sin = angles.reduce((total, angle) => total + Math.sin(angle), 0);
    const cos = angles.reduce((total, angle) => total + Math.cos(angle), 0);
    const mean = ((Math.atan2(sin, cos) * 180) / Math.PI + 360) % 360;
    expect(first?.['mean']).toBeCloseTo(mean, 6);
    expect(first).toMatchObject({ sum: null, min: null, max: null });
  });

  test('descend when asked to, page by page, to the same windows', async () => {
    for (const window of ['PT1H', 'P1D'] as const) {
      const path = `/api/v1/aggregates?datastream=ha-noi-temperature&window=${window}&functions=mean,first,last`;
      const ascending = await allWindows(`${path}&limit=1000`);
      const descending = await allWindows(`${path}&order=desc&limit=3`);
      const rounded = (found: readonly Json[]) =>
        found.map((row) => ({ ...row, mean: Number(row['mean']).toFixed(6) }));
      expect(rounded(descending.toReversed())).toEqual(rounded(ascending));
    }
  });

  test('are of windows whose end is in [from, to)', async () => {
    const time = (at: number) => encodeURIComponent(new Date(at).toISOString());
    const path = '/api/v1/aggregates?datastream=ha-noi-temperature&window=PT1H';
    const found = await allWindows(
      `${path}&from=${time(startAt + hour)}&to=${time(startAt + 4 * hour)}`,
    );
    expect(
      found.map((row) => Date.parse(String(row['phenomenonTime']).split('/')[1] ?? '')),
    ).toEqual([startAt + hour, startAt + 2 * hour, startAt + 3 * hour]);
  });

  test('state their completeness: covered time of the whole window', async () => {
    const from = encodeURIComponent(new Date(rainAt).toISOString());
    const path = `/api/v1/aggregates?datastream=hue-rain&window=PT1H&from=${from}`;
    expect(await allWindows(path)).toMatchObject([
      { rows: 3, expected: 6, completeness: 0.5, sum: 6 },
    ]);
    await publish('hue-rain', [
      rig.row('hue-rain', rainAt + 40 * minute, { result: 4 }),
      rig.row('hue-rain', rainAt + 50 * minute, { result: 5 }),
      rig.row('hue-rain', rainAt + 60 * minute, { result: 6 }),
    ]);
    expect(await allWindows(path)).toMatchObject([{ rows: 6, completeness: 1, sum: 21 }]);
  });

  describe('are as complete by hours as by rows', () => {
    const usual = 'good,notEvaluated,suspect';
    const completeness = async (path: string) =>
      (await allWindows(path)).map((row) => [row['rows'], row['completeness']]);

    /** By default hours are read, with `quality` the rows. */
    async function bothWays(path: string): Promise<unknown[]> {
      const byHours = await completeness(path);
      expect(await completeness(`${path}&quality=${usual}`)).toEqual(byHours);
      expect(await completeness(`${path}&order=desc`)).toEqual(byHours.toReversed());
      expect(await completeness(`${path}&order=desc&quality=${usual}`)).toEqual(
        byHours.toReversed(),
      );
      return byHours;
    }
    const since = (at: number) => `from=${encodeURIComponent(new Date(at).toISOString())}`;

    test.each(['ha-noi-temperature', 'ha-noi-direction', 'kathmandu-temperature'])(
      'of %s',
      async (datastream) => {
        for (const window of ['PT1M', 'PT1H', 'P1D', 'P1M']) {
          const path = `/api/v1/aggregates?datastream=${datastream}&window=${window}&limit=1000`;
          expect(await bothWays(path)).not.toEqual([]);
        }
      },
    );

    test('instants stand for an interval each, those of one time together for one', async () => {
      const at = startAt + 60 * day;
      await publish('ha-noi-direction', [
        ...[1, 2, 3].map((step) => rig.row('ha-noi-direction', at + step * 10 * minute)),
        rig.row('ha-noi-direction', at + 10 * minute, { heightMm: 2_000 }),
      ]);
      const path = `/api/v1/aggregates?datastream=ha-noi-direction&${since(at)}&window=`;
      expect(await bothWays(`${path}PT1H`)).toEqual([[4, 0.5]]);
      expect(await bothWays(`${path}P1D`)).toEqual([[4, 0.5 / 24]]);
    });

    test('intervals that begin in the hour before, or the day before, count whole', async () => {
      const at = startAt + 70 * day + 17 * hour;
      await publish(
        'ha-noi-pm25',
        Array.from({ length: 24 }, (_, step) =>
          rig.row('ha-noi-pm25', at + step * hour + 30 * minute),
        ),
      );
      const path = `/api/v1/aggregates?datastream=ha-noi-pm25&${since(at)}&window=`;
      const to = `&to=${encodeURIComponent(new Date(at + 2 * day).toISOString())}`;
      expect(await bothWays(`${path}P1D${to}`)).toEqual([[24, 1]]);
      expect(await bothWays(`${path}PT1H${to}`)).toEqual(Array.from({ length: 24 }, () => [1, 1]));
    });

    test('running means, longer than the step between two, do not hide what is missing', async () => {
      const at = startAt + 80 * day + 17 * hour;
      const ends = Array.from({ length: 12 }, (_, step) => at + (2 * step + 1) * hour);
      await publish(
        'ha-noi-pm25',
        ends.map((endAt) => rig.row('ha-noi-pm25', endAt, { startAt: endAt - 8 * hour })),
      );
      const to = encodeURIComponent(new Date(at + 2 * day).toISOString());
      const path = `/api/v1/aggregates?datastream=ha-noi-pm25&${since(at)}&to=${to}&window=P1D`;
      expect(await bothWays(path)).toEqual([[12, 0.5]]);
    });
  });

  test('of one quality, or as of a moment, come from its rows', async () => {
    const path = '/api/v1/aggregates?datastream=ha-noi-temperature&window=P1D';
    const failed = await allWindows(`${path}&quality=fail`);
    const expected = naive('ha-noi-temperature', 'P1D');
    for (const row of failed) {
      const members = expected.get(String(row['phenomenonTime'])) ?? [];
      const count = members.filter(({ verdict }) => verdict.flag === 4).length;
      expect(row['count']).toBe(count);
    }
    const before = encodeURIComponent(new Date(startAt).toISOString());
    expect(await allWindows(`${path}&asOf=${before}`)).toEqual([]);
  });

  test('are lists like others: CSV, NDJSON, map', async () => {
    const path = '/api/v1/aggregates';
    const csv = await (await rig.get(`${path}.csv?window=P1M&functions=mean`)).text();
    expect(csv.split('\r\n')[0]).toBe(
      'datastream,station,slug,property,window,phenomenonTime,unit,rows,expected,completeness,' +
        'suspect,failed,missing,mean,validity,method,result',
    );
    const lines = await (await rig.get(`${path}.ndjson?window=P1Y`)).text();
    expect(lines.trimEnd().split('\n')).toHaveLength(7);
    const map = await rig.json(`${path}.geojson?window=P1Y`);
    expect(map['features']).toHaveLength(6);
  });

  describe('of the wind', () => {
    const path = '/api/v1/aggregates?datastream=ha-noi-direction&window=P1D&functions=';
    const from = `&from=${encodeURIComponent(new Date(startAt + 90 * day).toISOString())}`;
    const at = startAt + 90 * day + hour;
    const winds = [
      [350, 5],
      [10, 1],
    ] as const;

    function importSpeed(visibility: 'open' | 'internal'): void {
      const outcome = rig.registry.importFile(
        {
          format: 'quantrac-registry/1',
          datastreams: [
            {
              id: 'ha-noi-speed',
              station: 'ha-noi',
              property: 'wind-speed',
              aggregation: 'instant',
              intervalMs: 10 * minute,
              visibility,
            },
          ],
        },
        'test',
      );
      if (!outcome.ok) throw new Error(JSON.stringify(outcome.problems));
    }

    test('are resultants of rows of the same time, as far as the viewer may see both', async () => {
      importSpeed('open');
      for (const [index, [direction, speed]] of winds.entries()) {
        const endAt = at + index * 10 * minute;
        await publish('ha-noi-direction', [
          rig.row('ha-noi-direction', endAt, { result: direction }),
        ]);
        await publish('ha-noi-speed', [rig.row('ha-noi-speed', endAt, { result: speed })]);
      }
      const asked = `${path}vectorDirection,vectorCount${from}`;
      const [open] = await allWindows(asked);
      expect(open).toMatchObject({ vectorDirection: expect.closeTo(353.296, 3), vectorCount: 2 });
      const tag = (await rig.get(asked)).headers.get('etag') ?? '';
      expect((await rig.get(asked, { 'if-none-match': tag })).status).toBe(304);
      await publish('ha-noi-speed', [rig.row('ha-noi-speed', at + 30 * minute, { result: 2 })]);
      expect((await rig.get(asked, { 'if-none-match': tag })).status).toBe(200);
      importSpeed('internal');
      const [hidden] = await allWindows(asked);
      expect(hidden).toMatchObject({ vectorDirection: null, vectorCount: 0 });
    });
  });

  test('tell the value that fits, and which part of what was received can be used', async () => {
    const [rain] = await allWindows(
      `/api/v1/aggregates?datastream=hue-rain&window=P1D&functions=count`,
    );
    expect(rain).toMatchObject({ method: 'sum', validity: 1 });
    expect(Number(rain?.['result'])).toBeGreaterThan(0);
    const [day1] = await allWindows(
      '/api/v1/aggregates?datastream=ha-noi-temperature&window=P1D&quality=fail',
    );
    const [usual] = await allWindows('/api/v1/aggregates?datastream=ha-noi-temperature&window=P1D');
    expect(usual).toMatchObject({ method: 'mean', result: usual?.['mean'] });
    const { rows: usable, failed, missing } = usual as Record<string, number>;
    const share = Number(usable) / (Number(usable) + Number(failed) + Number(missing));
    expect([usual?.['validity'], day1?.['validity']]).toEqual([share, share]);
  });

  test('refuse percentiles of more values than may be held at once', async () => {
    const path = '/api/v1/aggregates?datastream=ha-noi-temperature&window=P1Y&functions=';
    expect(await rig.json(`${path}p50`)).toMatchObject({
      code: 'API_PARAMETER_INVALID',
      parameter: 'functions',
    });
    expect(await rig.json(`${path}sd`)).toMatchObject({ complete: true });
  });

  test('need a window, and refuse functions that do not exist', async () => {
    expect(await rig.json('/api/v1/aggregates')).toMatchObject({
      status: 400,
      code: 'API_PARAMETER_INVALID',
      parameter: 'window',
    });
    expect(await rig.json('/api/v1/aggregates?window=P1D&functions=mean,mode')).toMatchObject({
      code: 'API_PARAMETER_INVALID',
      parameter: 'functions',
    });
  });

  test('of any span are the windows of the whole that end in it', async () => {
    const path = '/api/v1/aggregates?datastream=ha-noi-temperature&window=PT1H&limit=1000';
    const whole = await allWindows(path);
    const end = (row: Json) => Date.parse(String(row['phenomenonTime']).split('/')[1] ?? '');
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: -day, max: 6 * day }),
        fc.integer({ min: 0, max: 6 * day }),
        async (offset, length) => {
          const from = startAt + offset;
          const to = from + length;
          const time = (at: number) => encodeURIComponent(new Date(at).toISOString());
          const found = await allWindows(`${path}&from=${time(from)}&to=${time(to)}`);
          expect(found).toEqual(whole.filter((row) => end(row) >= from && end(row) < to));
        },
      ),
      { numRuns: 40 },
    );
  });
});
