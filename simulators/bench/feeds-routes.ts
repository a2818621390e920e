/** What may be asked of each open address, for the search of the dearest question that is answered. */

export interface AskedOf {
  readonly nowAt: number;
  /** Has a year of minutes. */
  readonly yearSeries: string;
}

/** Values of a parameter; null: it is left out. */
type Values = readonly (string | null)[];

const dayMs = 86_400_000;

export function choicesOf({ nowAt, yearSeries }: AskedOf): Readonly<Record<string, Values>> {
  const ago = (days: number): string => new Date(nowAt - days * dayMs).toISOString();
  const [station = ''] = yearSeries.split('.', 1);
  return {
    route: Object.keys(parametersOf),
    format: ['json', 'json', 'geojson', 'csv', 'ndjson', 'jsonld', 'covjson', 'parquet'],
    datastream: [null, null, yearSeries],
    property: [null, null, 'air-temperature', 'solar-radiation'],
    station: [null, null, station],
    near: [null, null, '105,21,20040'],
    from: [null, null, ago(365), ago(30), ago(1), ago(0.01), '0001-01-01T00:00:00Z'],
    to: [null, null, ago(0), ago(100), '1990-01-01T00:00:00Z'],
    quality: [null, null, 'fail', 'missing', 'good,notEvaluated,suspect'],
    asOf: [null, null, ago(0.001), ago(0.5), ago(400)],
    order: [null, 'asc', 'desc'],
    window: ['PT1M', 'PT1H', 'P1D', 'P1M', 'P1Y'],
    functions: [null, 'mean,min,max,sum,count,first,last', 'p01,p99,sd', 'vectorSpeed'],
    function: [null, 'mean', 'p99', 'sum'],
    include: [null, 'raw,position'],
    limit: [null, '1', '1000', '10000', '50000', '100000', '150000', '1000000'],
    bbox: [null, '-180,-90,180,90', '104,20,106,22'],
    datetime: [null, '../..', `${ago(1)}/..`],
    crs: [null, 'http://www.opengis.net/def/crs/EPSG/0/9209'],
    q: ['a', 'tram', 'load 0 1', 'nhiet do khong khi', '0 0 0 0 0 0 0 0'],
    width: [null, '2000'],
    start: [null, '0', '50'],
    after: [null, 'now'],
  };
}

const common = ['datastream', 'property', 'station', 'near'];
const timed = [...common, 'from', 'to', 'quality', 'asOf'];
const paged = ['format', 'order', 'limit'];
const items = ['bbox', 'crs', 'limit'];
const tile = 'tiles/WebMercatorQuad';

/** The path, and which parameters it has. */
export const parametersOf: Readonly<Record<string, readonly string[]>> = {
  '/api/v1/observations': [...timed, ...paged, 'include'],
  '/api/v1/aggregates': [...timed, ...paged, 'window', 'functions'],
  '/api/v1/latest': [...common, 'format', 'limit'],
  '/api/v1/changes': [...common, 'limit', 'after'],
  '/api/v1/datastreams': [...common, 'format', 'limit'],
  '/api/v1/stations': [...common, 'format', 'limit'],
  '/api/v1/deployments': [...common, 'format', 'limit'],
  '/api/v1/events': ['format', 'limit'],
  '/api/v1/datasets': ['limit'],
  '/api/v1/search': ['q', 'limit'],
  '/api/v1/dictionary': [],
  '/api/v1/openapi.json': [],
  '/api/v1/observations.svg': [...timed, 'width'],
  '/api/v1/observations.png': [...timed, 'width'],
  '/api/v1/aggregates.svg': [...timed, 'width', 'window', 'function'],
  '/api/v1/aggregates.png': [...timed, 'width', 'window', 'function'],
  '/ogc/collections': [],
  '/ogc/collections/stations/items': items,
  '/ogc/collections/latest/items': [...items, 'datetime'],
  [`/ogc/collections/latest/${tile}/0/0/0`]: [],
  [`/ogc/collections/stations/${tile}/0/0/0`]: [],
  [`/ogc/collections/latest/${tile}/5/14/25`]: [],
  '/catalog.jsonld': [],
  '/catalog.ttl': [],
  '/catalog.rdf': [],
  '/catalog.csv': [],
  '/data.json': [],
  '/api/3/action/package_search': ['q', 'start'],
  '/api/3/action/current_package_list_with_resources': [],
};

const limitMax: Readonly<Record<string, number>> = {
  '/api/v1/changes': 10_000,
  '/ogc/collections/stations/items': 10_000,
  '/ogc/collections/latest/items': 10_000,
};
/** Words of others, by route. */
const named: Readonly<Record<string, string>> = { function: 'functions' };

const withoutGeo = new Set(['/api/v1/deployments', '/api/v1/events']);
const withCoverages = new Set(['/api/v1/observations', '/api/v1/aggregates', '/api/v1/latest']);

export function pathOf(question: Readonly<Record<string, string>>): string {
  const route = question['route'] ?? '/api/v1/observations';
  const query = new URLSearchParams();
  for (const name of parametersOf[route] ?? []) {
    const value = question[name];
    if (value === undefined || isNotOffered(route, name, value)) continue;
    const most = name === 'limit' ? (limitMax[route] ?? Infinity) : Infinity;
    query.set(named[name] ?? name, Number(value) > most ? String(most) : value);
  }
  const text = query.toString();
  return text === '' ? route : `${route}?${text}`;
}

function isNotOffered(route: string, name: string, value: string): boolean {
  if (name !== 'format') return false;
  if (value === 'geojson') return withoutGeo.has(route);
  return value === 'covjson' && !withCoverages.has(route);
}
