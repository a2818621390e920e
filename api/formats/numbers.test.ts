import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startAt } from '../api.fixture.ts';
import {
  minuteMs,
  numbers,
  openFormatsRig,
  readCsv,
  type FormatsRig,
  type Item,
} from './formats.fixture.ts';

let rig: FormatsRig;

beforeAll(async () => {
  rig = await openFormatsRig();
});
afterAll(() => rig.close());

describe('results', () => {
  test('are the same numbers in every format', async () => {
    const query = 'datastream=ha-noi-temperature';
    const json = await rig.itemsOf(`observations?${query}`);
    expect(json.map(({ result }) => result)).toStrictEqual(numbers);
    const lines = await (await rig.get(`/api/v1/observations.ndjson?${query}`)).text();
    const ndjson = lines.trimEnd().split('\n').slice(0, -1);
    expect(ndjson.map((line) => (JSON.parse(line) as Item)['result'])).toStrictEqual(numbers);
    const geojson = await rig.json(`/api/v1/observations.geojson?${query}`);
    const features = geojson['features'] as { properties: Item }[];
    expect(features.map(({ properties }) => properties['result'])).toStrictEqual(numbers);
    const [header = [], ...cells] = readCsv(
      await (await rig.get(`/api/v1/observations.csv?${query}`)).text(),
    );
    expect(cells.map((row) => Number(row[header.indexOf('result')]))).toStrictEqual(numbers);
    const linked = (await rig.json(`/api/v1/observations.jsonld?${query}`)).items;
    expect(linked.map((node) => node['hasSimpleResult'])).toStrictEqual(numbers);
    const covered = await rig.json(`/api/v1/observations.covjson?${query}`);
    const [coverage] = covered['coverages'] as { ranges: Record<string, { values: number[] }> }[];
    expect(coverage?.ranges['air-temperature']?.values).toStrictEqual(numbers);
    const parquet = await rig.duckRows(`observations.parquet?${query}`, 'SELECT result FROM $file');
    expect(parquet.flat()).toStrictEqual(numbers);
  });

  test('of any value survive the text of JSON and CSV', async () => {
    // One series a run would be slow: all values at once, in the order of time.
    const values = fc.sample(
      fc.oneof(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.integer({ min: -1000, max: 1000 }).map((value) => value / 10),
      ),
      { numRuns: 300, seed: 11 },
    );
    const beginAt = startAt - 30 * 86_400_000;
    const rows = values.map((result, index) =>
      rig.row('garden-temperature', beginAt + index * minuteMs, { result }),
    );
    await rig.publish(rows);
    const query = 'datastream=garden-temperature';
    const json = await rig.itemsOf(`observations?${query}`);
    expect(json.map(({ result }) => result)).toStrictEqual(values);
    const [header = [], ...cells] = readCsv(
      await (await rig.get(`/api/v1/observations.csv?${query}`)).text(),
    );
    expect(cells.map((row) => Number(row[header.indexOf('result')]))).toStrictEqual(values);
    const parquet = await rig.duckRows(`observations.parquet?${query}`, 'SELECT result FROM $file');
    expect(parquet.flat()).toStrictEqual(values);
  });
});
