import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { openTestApi, startAt, type TestApi } from './api.fixture.ts';

let rig: TestApi;

beforeAll(async () => {
  rig = await openTestApi({ config: { asOfSettleMs: 0 } });
  rig.setNow(startAt + 86_400_000);
  const rows = Array.from({ length: 50 }, (_, index) =>
    rig.row('ha-noi-temperature', startAt + index * 600_000),
  );
  await rig.publish(rows);
});
afterAll(() => rig.close());

const lists = [
  'stations',
  'datastreams',
  'properties',
  'owners',
  'deployments',
  'qualities',
  'terms',
  'events',
  'search',
  'dictionary',
  'usage',
  'latest',
  'observations',
  'datasets',
];
const paths = fc.oneof(
  fc.constantFrom(...lists, 'aggregates', 'changes', '', 'openapi.json'),
  fc.constantFrom('observations.svg', 'aggregates.svg', 'observations.png'),
  // Beside the API of readings: what portals ask for.
  fc.constantFrom(
    '../../catalog',
    '../../catalog.ttl',
    '../../catalog.rdf',
    '../../catalog.jsonld',
    '../../catalog.csv',
    '../../data.json',
    '../../api/3/action/package_search',
    '../../api/action/package_show',
    'datasets/agency~weather/iso19139.xml',
    'datasets/planned~x/datapackage.json',
  ),
  fc
    .constantFrom('', '/latest', '/latest/buckets', '/keys', '/1', '/x')
    .map((path) => `manifests${path}`),
  fc
    .tuple(
      fc.constantFrom(...lists, 'aggregates'),
      fc.constantFrom('csv', 'geojson', 'ndjson', 'jsonld', 'parquet', 'covjson', 'x'),
    )
    .map(([list, extension]) => `${list}.${extension}`),
  fc
    .tuple(fc.constantFrom(...lists, 'admin'), fc.string({ maxLength: 80, unit: 'binary' }))
    .map(([list, id]) => `${list}/${encodeURIComponent(id.toWellFormed())}`),
);

const instants = fc
  .date({ noInvalidDate: true, min: new Date('0001-01-01'), max: new Date('3000-01-01') })
  .map((date) => date.toISOString());
const numbers = fc.double({ noDefaultInfinity: true }).map(String);
const sensible: Record<string, fc.Arbitrary<string>> = {
  q: fc.constantFrom('ha noi', 'nhiệt độ', 'PM₂.₅'),
  type: fc.constantFrom('station', 'dataset,owner', 'planet'),
  datastream: fc.constantFrom('ha-noi-temperature', 'hue-rain,ha-noi-pm25', 'none'),
  station: fc.constantFrom('ha-noi', 'hue,garden', 'none'),
  property: fc.constantFrom('rainfall', 'air-temperature', 'none'),
  owner: fc.constantFrom('agency', 'factory'),
  class: fc.constantFrom('reference', 'citizen,indicative', 'best'),
  province: fc.constantFrom('01', '99'),
  bbox: fc.tuple(numbers, numbers, numbers, numbers).map((box) => box.join()),
  near: fc.tuple(numbers, numbers, numbers).map((circle) => circle.join()),
  from: instants,
  to: instants,
  asOf: instants,
  quality: fc.constantFrom('good', 'good,fail', '9', 'best'),
  order: fc.constantFrom('asc', 'desc', 'up'),
  include: fc.constantFrom('raw', 'position,raw', 'all'),
  window: fc.constantFrom('PT1M', 'PT1H', 'P1D', 'P1M', 'P1Y', 'P1W'),
  functions: fc.constantFrom('mean', 'min,max', 'mode', 'p95', 'sd,vectorSpeed'),
  width: fc.integer({ min: 200, max: 700 }).map(String),
  height: fc.integer({ min: 100, max: 900 }).map(String),
  theme: fc.constantFrom('light', 'dark', 'pink'),
  lang: fc.constantFrom('vi', 'en', 'fr'),
  limit: fc.integer({ min: -5, max: 2_000 }).map(String),
  page: fc.base64String(),
  after: fc.oneof(fc.constant('now'), fc.base64String()),
  format: fc.constantFrom('json', 'csv', 'geojson', 'jsonld', 'parquet', 'covjson', 'xml'),
  kind: fc.constantFrom('network', 'series', 'all'),
  state: fc.constantFrom('available', 'planned', 'gone'),
  modified_since: instants,
  fq: fc.constantFrom('groups:air', 'colour:red', '[', '-organization:agency'),
  rows: fc.constantFrom('0', '10', 'x'),
  until: fc.oneof(fc.constant('manifest'), fc.base64String()),
  at: fc.oneof(fc.constant('MTpzdG9yZS0xOjI6MA'), fc.base64String()),
};
const parameter = fc
  .constantFrom(...Object.keys(sensible))
  .chain((name) =>
    fc.tuple(
      fc.constant(name),
      fc.oneof(
        { weight: 5, arbitrary: sensible[name] ?? fc.string() },
        { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
      ),
    ),
  );
const unknown = fc.tuple(fc.string({ maxLength: 10, unit: 'binary' }), fc.string());
const queries = fc.array(
  fc.oneof({ weight: 12, arbitrary: parameter }, { weight: 1, arbitrary: unknown }),
  { maxLength: 4 },
);
const headers = fc.record(
  {
    accept: fc.constantFrom('*/*', 'text/csv', 'application/json;q=0.5', 'image/png', ';;,'),
    'if-none-match': fc.constantFrom('*', '"x"', 'W/"x', '"x.1.1.0"'),
    'accept-encoding': fc.constantFrom('gzip', 'identity', 'br;q=1, x', '*;q=0'),
  },
  { requiredKeys: [] },
);

test('no request fails the server, and every refusal names what is wrong', async () => {
  const statuses = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(paths, queries, headers, async (path, query, sent) => {
      const encoded = query
        .map(([name, value]) =>
          [name, value].map((part) => encodeURIComponent(part.toWellFormed())).join('='),
        )
        .join('&');
      const answer = await rig.get(`/api/v1/${path}${encoded === '' ? '' : `?${encoded}`}`, sent);
      const text = await answer.text();
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      expect(answer.status).toBeLessThan(500);
      const isRefused = answer.status >= 400;
      const type = answer.headers.get('content-type') ?? '';
      expect(type.startsWith('application/problem+json')).toBe(isRefused);
      const problem = isRefused ? (JSON.parse(text) as Record<string, unknown>) : null;
      expect(problem?.['code'] ?? 'API_').toMatch(/^API_/);
      const isNamed = problem?.['status'] !== 400 || typeof problem['parameter'] === 'string';
      expect([problem, isNamed]).toEqual([problem, true]);
    }),
    { numRuns: 2_500 },
  );
  expect(statuses.get(200)).toBeGreaterThan(250);
  expect(statuses.get(400)).toBeGreaterThan(500);
});
