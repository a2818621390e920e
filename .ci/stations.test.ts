import { describe, expect, inject, test } from 'vitest';
import { openSystemClock } from '../devices/clock-system.ts';
import type { ObservationRow, Verdict } from '../ingest/observation.ts';
import { createLineBuilder } from '../ingest/store/influx/lines.ts';
import { readText } from './repository.ts';

const { influx2, absent } = inject('realServers');

const hourMs = 3_600_000;
const minuteMs = 60_000;
const startAt = Date.UTC(2026, 4, 1);

interface Told {
  readonly endAt: number;
  readonly result: number | null;
  readonly revision?: number;
  readonly flag?: Verdict['flag'];
  readonly property?: string;
}

/** One station: its first property has instants, corrections and a deletion; the second only a null. */
const told: readonly Told[] = [
  { endAt: startAt + 5 * minuteMs, result: 20 },
  { endAt: startAt + 10 * minuteMs, result: 21, flag: 3 },
  { endAt: startAt + 10 * minuteMs, result: 21.5, revision: 1 },
  { endAt: startAt + 10 * minuteMs, result: 21.7, revision: 2, flag: 4 },
  { endAt: startAt + 15 * minuteMs, result: 22 },
  { endAt: startAt + 15 * minuteMs, result: null, revision: 1, flag: 9 },
  { endAt: startAt + hourMs + 5 * minuteMs, result: 23, flag: 2 },
  { endAt: startAt + hourMs + 5 * minuteMs + 1, result: 23.5 },
  { endAt: startAt + hourMs, result: null, flag: 9, property: 'ph' },
];

const station = `dashboard-${process.pid}-${openSystemClock().now()}`;
const properties = ['air-temperature', 'ph'];

function rowOf({ endAt, result, revision = 0, flag = 1, property }: Told): ObservationRow {
  return {
    series: properties.indexOf(property ?? 'air-temperature'),
    endAt,
    startAt: endAt,
    heightMm: NaN,
    revision,
    current: true,
    type: 'insert',
    cause: 'value',
    result,
    verdict: {
      flag,
      tests: '1111111111222222',
      qualifiers: 0,
      reason: null,
      rules: '0',
    },
    resultAt: NaN,
    receivedAt: endAt,
    publishedAt: endAt,
    device: 'd',
    payloadHash: -1,
    rank: {
      klass: 1,
      at: endAt,
      node: 1,
      position: 1,
    },
    raw: {
      name: 't',
      value: String(result),
      unit: null,
      time: null,
    },
    latitude: NaN,
    longitude: NaN,
  };
}

const panels = (
  JSON.parse(readText('grafana/dashboards/stations.json')) as {
    panels: { title: string; targets?: { query: string }[] }[];
  }
).panels;

async function ask(path: string, body: string, type: string): Promise<string> {
  const { url, org, bucket, token } = influx2 ?? { url: '', org: '', bucket: '', token: '' };
  const answer = await fetch(`${url}/api/v2/${path}?org=${org}&bucket=${bucket}&precision=ns`, {
    method: 'POST',
    headers: { authorization: `Token ${token}`, 'content-type': type, accept: 'application/csv' },
    body,
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.status}: ${text}`);
  return text;
}

/** Rows of the answer to what the panel asks, with Grafana's words replaced as Grafana does. */
async function asked(title: string, property = 'air-temperature', expected = '5m') {
  const rows: Record<string, string>[] = [];
  const panel = panels.find((each) => each.title.endsWith(title));
  for (const { query } of panel?.targets ?? []) {
    const flux = query
      .replaceAll('v.defaultBucket', JSON.stringify(influx2?.bucket))
      .replaceAll('v.timeRangeStart', new Date(startAt).toISOString())
      .replaceAll('v.timeRangeStop', new Date(startAt + 2 * hourMs).toISOString())
      .replaceAll('${station}', station)
      .replaceAll('${property}', property)
      .replaceAll('${expected}', expected);
    rows.push(...readRows(await ask('query', flux, 'application/vnd.flux')));
  }
  return rows;
}

/** Tables of annotated CSV without annotations; no text of ours holds a comma. */
function readRows(text: string): Record<string, string>[] {
  const rows: Record<string, string>[] = [];
  for (const table of text.split(/\r?\n\r?\n/)) {
    const [head, ...lines] = table.split(/\r?\n/).filter((line) => line !== '');
    const names = head?.split(',') ?? [];
    for (const line of lines) {
      const cells = line.split(',');
      rows.push(Object.fromEntries(names.map((name, index) => [name, cells[index] ?? ''])));
    }
  }
  return rows;
}

const minutesOf = (time = ''): number => (Date.parse(time) - startAt) / minuteMs;

describe.skipIf(influx2 === undefined)(
  `the dashboard of stations: real InfluxDB 2.7${influx2 === undefined ? absent : ''}`,
  () => {
    const written = (async () => {
      if (influx2 === undefined) return;
      const builder = createLineBuilder({
        measurement: 'observation',
        shapesMax: 4,
        seriesCacheMax: 10,
        rowTags: (series) => {
          const property = properties[series] ?? '';
          return {
            station,
            datastream: `${station}.${property}`,
            property,
          };
        },
      });
      const origin = { partition: 0, batch: 1, place: 0, registryVersion: 1 };
      const lines = told.map((one) => builder.lineOf(rowOf(one), origin));
      await ask('write', lines.join('\n'), 'text/plain');
    })();

    test('shows of each moment the newest revision, and nothing that was deleted', async () => {
      await written;
      const rows = await asked('Series');
      expect(rows.map(({ _time, result }) => [minutesOf(_time), Number(result)])).toEqual([
        [5, 20],
        [10, 21.7],
        [65, 23],
        [65 + 1 / minuteMs, 23.5],
      ]);
    });

    test('shows latest value, number of values and share of good by the same', async () => {
      await written;
      expect((await asked('Latest value')).map(({ result }) => result)).toEqual(['23.5']);
      expect((await asked('Values')).map(({ result }) => result)).toEqual(['4']);
      const [share] = await asked('Share of good');
      expect(Number(share?.['good'])).toBeCloseTo(2 / 3);
      expect((await asked('Age of it')).map(({ age }) => Number(age) > 0)).toEqual([true]);
    });

    test('shows each value under its flag, also by hour', async () => {
      await written;
      const names = ['tốt · good', 'chưa xét · not evaluated', 'nghi ngờ · suspect', 'sai · fail'];
      const values = (rows: readonly Record<string, string>[]) =>
        names.map((name) => rows.filter((row) => row[name] !== undefined).map((row) => row[name]));
      expect(values(await asked('Values, by flag'))).toEqual([
        ['20', '23.5'],
        ['23'],
        [],
        ['21.7'],
      ]);
      expect(values(await asked('Flags, by hour'))).toEqual([['1', '1'], ['1'], [], ['1']]);
    });

    test('measures completeness by the interval that is chosen', async () => {
      await written;
      const shares = async (expected: string) =>
        (await asked('Completeness, by hour', 'air-temperature', expected)).map((row) =>
          Number(row['completeness']),
        );
      expect(await shares('5m')).toEqual([2 / 12, 2 / 12].map((share) => expect.closeTo(share)));
      expect(await shares('30m')).toEqual([1, 1]);
    });

    test('lists corrections and what was withdrawn, newest first', async () => {
      await written;
      const rows = await asked('Corrections');
      expect(
        rows.map(({ _time, revision, result, flag }) => [
          Math.floor(minutesOf(_time)),
          revision,
          result,
          flag,
        ]),
      ).toEqual([
        [15, '1', '', '9'],
        [10, '2', '21.7', '4'],
        [10, '1', '21.5', '1'],
      ]);
    });

    test('shows nothing, and no error, of a property that has only nulls, or nothing', async () => {
      await written;
      for (const { title, targets } of panels) {
        if (targets === undefined) continue;
        const name = title.replace(/^.* · /, '');
        for (const property of ['ph', 'none']) {
          const rows = await asked(name, property);
          expect([
            name,
            rows.filter(({ result }) => (result ?? '') !== '' && result !== '0'),
          ]).toEqual([name, []]);
        }
      }
    });

    test('offers stations and their properties', async () => {
      await written;
      const variables = (
        JSON.parse(readText('grafana/dashboards/stations.json')) as {
          templating: { list: { name: string; query: { query: string } | string }[] };
        }
      ).templating.list;
      const offered = async (name: string) => {
        const query = variables.find((each) => each.name === name)?.query;
        const flux = (typeof query === 'object' ? query.query : '')
          .replaceAll('v.defaultBucket', JSON.stringify(influx2?.bucket))
          .replaceAll('${station}', station)
          .replaceAll('-30d', new Date(startAt).toISOString());
        return readRows(await ask('query', flux, 'application/vnd.flux')).map(
          ({ _value }) => _value,
        );
      };
      expect(await offered('station')).toContain(station);
      expect(await offered('property')).toEqual(['air-temperature', 'ph']);
    });
  },
);
