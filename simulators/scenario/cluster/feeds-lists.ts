/** Lists, charts, maps: what one node says the other says, byte for byte, under the same entity tag. */
import { get, must, type Given, type Ground } from './feeds-ground.ts';
import type { MonthSpan } from './feeds-readings.ts';
import { apiOf } from './measures.ts';

const seriesFormats = ['json', 'geojson', 'csv', 'ndjson', 'jsonld', 'parquet', 'covjson'] as const;
const mapFormats = ['json', 'geojson', 'csv', 'ndjson', 'jsonld', 'parquet'] as const;
const listFormats = ['json', 'csv', 'ndjson', 'jsonld', 'parquet'] as const;

/** Addresses of what does not change while nothing is measured. */
export function listPaths(span: MonthSpan, asOf: string | undefined): readonly string[] {
  const iso = (at: number): string => new Date(at).toISOString();
  const within = `from=${iso(span.fromAt)}&to=${iso(span.toAt)}`;
  const moment = asOf === undefined ? '' : `&asOf=${asOf}`;
  const rows = `station=load-00001&${within}${moment}`;
  const many = `property=air-temperature&limit=2000&${within}${moment}`;
  const wind = `property=wind-speed,wind-direction&${within}${moment}`;
  const usual = 'functions=mean,min,max,count,p05,p50,p95,sd';
  const vectors = 'functions=mean,vectorDirection,vectorSpeed,vectorCount';
  const series = `datastream=load-00001.air-temperature&${within}${moment}`;
  const v1 = [
    ...seriesFormats.map((format) => `observations.${format}?${rows}`),
    ...seriesFormats.map((format) => `observations.${format}?${many}`),
    ...seriesFormats.map((format) => `aggregates.${format}?${rows}&window=P1D&${usual}`),
    `aggregates.json?${wind}&window=P1D&${vectors}`,
    `aggregates.ndjson?${wind}&window=PT1H&${vectors}`,
    `aggregates.json?window=P1M&property=air-temperature&${usual}${moment}`,
    `aggregates.json?window=P1Y&property=solar-radiation${moment}`,
    ...['svg', 'png'].map((format) => `observations.${format}?${series}`),
    `aggregates.svg?${series}&window=P1D`,
    ...(asOf === undefined ? [] : seriesFormats.map((format) => `latest.${format}?asOf=${asOf}`)),
  ];
  return v1.map((path) => `/api/v1/${path}`);
}

/** Of the present, and of the registry. */
export function presentPaths(): readonly string[] {
  const of = (name: string, formats: readonly string[]) => formats.map((each) => `${name}.${each}`);
  const v1 = [
    ...of('stations', mapFormats),
    ...of('datastreams', mapFormats),
    ...['properties', 'owners', 'deployments', 'qualities', 'terms'].flatMap((name) =>
      of(name, listFormats),
    ),
    ...of('latest', seriesFormats),
    'search?q=tram',
    'search?q=nhiet%20do',
    'dictionary.csv',
  ];
  const ogc = [
    'collections',
    'collections/stations/items?limit=5',
    'collections/stations/items?crs=http://www.opengis.net/def/crs/EPSG/0/3405',
    'collections/latest/items?limit=100',
    'collections/stations/tiles/WebMercatorQuad/4/7/12',
    'collections/latest/tiles/WebMercatorQuad/5/14/25',
  ];
  return [...v1.map((path) => `/api/v1/${path}`), ...ogc.map((path) => `/ogc/${path}`)];
}

/** How old a row is depends on when one asks. */
function bodyOf(path: string, { body }: Given): string {
  if (!path.includes('latest')) return body.toString('latin1');
  if (/parquet|covjson|tiles|csv/.test(path)) return '';
  return body
    .toString('latin1')
    .replaceAll(/"(ageSeconds|stale|timeStamp)":("[^"]*"|[^,}\]]*)/g, '')
    .replaceAll(/"@value":"?\d+"?/g, '');
}

/** Without the encoding: what is short is compressed by the node alone that took long to make it. */
function tagOf({ headers }: Given): string | null {
  const [tag, encoding] = [headers.get('etag'), headers.get('content-encoding')];
  if (tag === null || encoding === null) return tag;
  return tag.endsWith(`-${encoding}"`) ? `${tag.slice(0, -encoding.length - 2)}"` : `not ${tag}`;
}

export interface Compared {
  readonly addresses: number;
  readonly bytes: number;
  readonly unchanged: number;
  /** Bodies by address. */
  readonly bodies: ReadonlyMap<string, string>;
}

/** Each address at each node; then at the next one with the tag that this one gave. */
export async function compareLists(
  ground: Ground,
  what: string,
  paths: readonly string[],
  key?: string,
): Promise<Compared> {
  const places = ground.apis.map(apiOf);
  const bodies = new Map<string, string>();
  let [bytes, unchanged] = [0, 0];
  for (const path of paths) {
    const given = await Promise.all(places.map((place) => get(`${place}${path}`, { key })));
    const [one, other] = given as [Given, Given];
    const tags = given.map(tagOf);
    const isSame = bodyOf(path, one) === bodyOf(path, other);
    const problems = [
      one.status === 200 ? '' : `status ${one.status}`,
      one.status === other.status ? '' : `statuses ${one.status} and ${other.status}`,
      isSame ? '' : `bodies of ${one.body.length} and ${other.body.length} bytes differ`,
      tags[0] === tags[1] ? '' : `tags ${tags.join(' and ')} differ`,
    ].filter((problem) => problem !== '');
    must(ground, `${what} ${path}: ${problems.join(', ')}`, problems.length === 0);
    bodies.set(path, one.body.toString('latin1'));
    bytes += one.body.length;
    if (tags[0] === null) continue;
    const again = await Promise.all(
      places.map((place) =>
        get(`${place}${path}`, { key, headers: { 'if-none-match': tags[0]! } }),
      ),
    );
    const statuses = again.map(({ status }) => status);
    must(
      ground,
      `${what} ${path}: 304 at each node, not ${statuses.join(' and ')}`,
      statuses.every((status) => status === 304),
    );
    unchanged += 1;
  }
  return { addresses: paths.length, bytes, unchanged, bodies };
}
