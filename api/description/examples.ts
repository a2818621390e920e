/** One right answer of each kind, of one station in Ha Noi, for the API description. */
import { explain } from '../explanation.ts';
import { meaningOf } from '../formats/columns.ts';
import { flagMeanings } from '../quality-meanings.ts';

export const cursorExample = 'MTpzdG9yZS0xOjI6MA';
/** Longitude, latitude, altitude. */
export const placeExample = [105.8542, 21.0285, 12] as const;

const row = {
  id: 'mmtkil1c0-cuyo.ha-noi-temperature',
  datastream: 'ha-noi-temperature',
  station: 'ha-noi',
  slug: 'air-temperature',
  property: 'air-temperature',
  phenomenonTime: '2024-06-01T06:50:00+07:00/2024-06-01T07:00:00+07:00',
  resultTime: null,
  receivedAt: '2024-06-01T07:00:01+07:00',
  result: 26.4,
  unit: 'Cel',
  flag: 1,
  tests: '1111111111222222',
  qualifiers: [],
  reason: null,
  revision: 0,
} as const;

const kept = {
  ...row,
  raw: { name: 'T', value: '26.4', unit: 'Cel', time: '1717200000000' },
  type: 'insert',
  cause: 'value',
  publishedAt: '2024-06-01T07:00:02+07:00',
  rules: '0badc0de',
  reading: { node: 0, position: 1 },
} as const;

export const examples = {
  row,
  latest: { ...row, ageSeconds: 60, stale: false },
  detail: {
    ...kept,
    explanation: explain(row.tests),
    revisions: [{ ...kept, isCurrent: true }],
    cursor: cursorExample,
  },
  changes: {
    changes: [{ cursor: 'MTpzdG9yZS0xOjE6MQ', type: 'insert', cause: 'value', observation: row }],
    next: cursorExample,
    atEnd: true,
  },
  aggregate: {
    datastream: row.datastream,
    station: row.station,
    slug: row.slug,
    property: row.property,
    window: 'PT1H',
    phenomenonTime: '2024-06-01T06:00:00+07:00/2024-06-01T07:00:00+07:00',
    unit: 'Cel',
    rows: 6,
    expected: 6,
    completeness: 1,
    suspect: 0,
    failed: 0,
    missing: 0,
    mean: 26.1,
    min: 25.8,
    max: 26.4,
    sum: 156.6,
    count: 6,
    validity: 1,
    method: 'mean',
    value: 26.1,
  },
  station: {
    id: 'ha-noi',
    name: { vi: 'Trạm Hà Nội', en: 'Ha Noi station' },
    owner: 'agency',
    class: 'reference',
    kind: 'weather',
    latitude: placeExample[1],
    longitude: placeExample[0],
    altitudeMetres: placeExample[2],
    timeZone: 'Asia/Ho_Chi_Minh',
    administrative: [{ province: '01', commune: '00004', from: '2008-08-01' }],
    datastreams: ['ha-noi-temperature'],
  },
  datastream: {
    id: 'ha-noi-temperature',
    station: 'ha-noi',
    slug: 'air-temperature',
    property: 'air-temperature',
    unit: 'Cel',
    aggregation: 'mean',
    intervalMs: 600_000,
    visibility: 'open',
    licence: 'CC-BY-4.0',
  },
  property: {
    id: 'air-temperature',
    label: { vi: 'Nhiệt độ không khí', en: 'Air temperature' },
    unit: 'Cel',
    domain: 'weather',
    plausible: { min: -80, max: 60 },
    expected: { min: -10, max: 46 },
    links: [
      {
        scheme: 'WMO',
        match: 'exact',
        uri: 'http://codes.wmo.int/wmdr/ObservedVariableAtmosphere/12166',
      },
    ],
    datastreams: 1,
  },
  deployment: {
    id: 'ha-noi-temperature~ml1jpc000',
    datastream: 'ha-noi-temperature',
    station: 'ha-noi',
    property: 'air-temperature',
    owner: 'agency',
    from: '2020-01-01T07:00:00+07:00',
    to: null,
    channel: 'T',
    unit: 'Cel',
    factor: 1,
    offset: 0,
  },
  quality: {
    id: 'flag.1',
    kind: 'flag',
    value: '1',
    place: 1,
    label: flagMeanings[1].label,
    meaning: flagMeanings[1].meaning,
    uri: flagMeanings[1].uri,
  },
  term: {
    id: 'receivedAt',
    label: { vi: meaningOf('receivedAt').vi, en: meaningOf('receivedAt').en },
    type: 'instant',
  },
  owner: {
    id: 'agency',
    name: { vi: 'Sở', en: 'Agency' },
    kind: 'state',
    licence: 'CC-BY-4.0',
    stations: 1,
  },
} as const;
