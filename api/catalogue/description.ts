/** A dataset as this API describes it, and its example. */
import { z } from 'zod';

import type { Distribution } from './distributions.ts';
import type { Entry } from './entry.ts';
import { uriOf } from './uris.ts';
import { durationOf, frequencyOf, highValueCategories } from './vocabulary.ts';

const name = z.strictObject({ vi: z.string(), en: z.string() });
const instant = z.iso.datetime({ offset: true });
const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const address = z.string();

const distributionSchema = z.strictObject({
  id: z.string(),
  uri: address,
  title: name,
  format: z.string(),
  mediaType: z.string(),
  compression: z.string().optional(),
  url: address,
  month: z.string().optional().describe('Of a file: the month whose rows it holds.'),
  bytes: count.optional(),
  sha256: z.string().optional(),
  rows: count.optional(),
  madeAt: instant.optional(),
});

export const datasetSchema = z.strictObject({
  id: z.string().describe('{owner}~{domain}, {station}~{property}, or planned~{id}.'),
  uri: address.describe('Its name for good; it survives mergers of provinces and new devices.'),
  kind: z.enum(['network', 'series', 'planned']),
  state: z.enum(['available', 'planned']),
  title: name,
  description: name,
  domain: z.enum(['weather', 'water', 'air', 'noise', 'soil', 'platform']),
  keywords: z.strictObject({ vi: z.array(z.string()), en: z.array(z.string()) }),
  categories: z.array(z.strictObject({ uri: address, label: name })),
  owner: z.strictObject({ id: z.string(), uri: address, name }).nullable(),
  licences: z.array(z.strictObject({ id: z.string(), uri: address, title: name })),
  access: z
    .enum(['public', 'restricted', 'non-public'])
    .describe('restricted: named recipients only; non-public: the owner and operators only.'),
  stations: count,
  series: count,
  observedProperties: z.array(
    z.strictObject({ id: z.string(), uri: address, label: name, unit: z.string() }),
  ),
  interval: z.string().nullable().describe('Shortest reporting interval, ISO 8601.'),
  frequency: address.nullable().describe('The same in the EU vocabulary of frequencies.'),
  bbox: z
    .array(z.number())
    .length(4)
    .nullable()
    .describe('minLon, minLat, maxLon, maxLat, of places as far as they are public.'),
  provinces: z.array(z.strictObject({ code: z.string(), name: z.string() })),
  from: instant.nullable().describe('End of the first row; null where none is known.'),
  issued: instant.describe('Since when it is open; of a planned one, when it is to be.'),
  modified: instant
    .nullable()
    .describe('When its description or its files last changed; rows come in all the time.'),
  landingPage: address,
  distributions: z.array(distributionSchema),
});

export function datasetObject(entry: Entry, base: string): object {
  const { id, uri, kind, state, title, description, domain, keywords, owner, licences } = entry;
  const { intervalMs, box, places, startAt, issuedAt, modifiedAt } = entry;
  return {
    id,
    uri,
    kind,
    state,
    title,
    description,
    domain,
    keywords: { vi: keywords.vi, en: keywords.en },
    categories: highValueCategories[domain],
    owner:
      owner === undefined
        ? null
        : { id: owner.id, uri: uriOf(base, 'owner', owner.id), name: owner.name },
    licences,
    access: entry.access,
    stations: entry.stations.length,
    series: entry.series,
    observedProperties: entry.properties.map((property) => ({
      id: property.id,
      uri: uriOf(base, 'property', property.id),
      label: property.label,
      unit: property.unit,
    })),
    interval: intervalMs === undefined ? null : durationOf(intervalMs),
    frequency: intervalMs === undefined ? null : frequencyOf(intervalMs).uri,
    bbox: box === undefined ? null : [box.west, box.south, box.east, box.north],
    provinces: places,
    from: startAt === undefined ? null : secondsText(startAt),
    issued: secondsText(issuedAt),
    modified: modifiedAt === undefined ? null : secondsText(modifiedAt),
    landingPage: entry.page,
    distributions: entry.distributions.map(distributionObject),
  };
}

function distributionObject({ id, uri, title, kind, url, file }: Distribution): object {
  return {
    id,
    uri,
    title,
    format: kind.label,
    mediaType: kind.mediaType,
    compression: kind.compression,
    url,
    month: file?.month,
    bytes: file?.bytes,
    sha256: file?.sha256,
    rows: file?.rows,
    madeAt: file === undefined ? undefined : secondsText(file.madeAt),
  };
}

/** RFC 3339 in UTC, whole seconds. */
export function secondsText(at: number): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

const base = 'https://data.example.vn';

export const datasetExample = {
  id: 'agency~weather',
  uri: `${base}/id/dataset/agency~weather`,
  kind: 'network',
  state: 'available',
  title: { vi: 'Khí tượng – Sở', en: 'Weather – Agency' },
  description: {
    vi: 'Số liệu quan trắc khí tượng của Sở: 1 trạm, 1 thông số, kèm cờ chất lượng và lịch sử hiệu chỉnh.',
    en: 'Observations of weather by Agency: 1 station, 1 property, with quality flags and every correction.',
  },
  domain: 'weather',
  keywords: { vi: ['khí tượng', 'dữ liệu mở'], en: ['weather', 'open data'] },
  categories: highValueCategories.weather,
  owner: { id: 'agency', uri: `${base}/id/owner/agency`, name: { vi: 'Sở', en: 'Agency' } },
  licences: [
    {
      id: 'CC-BY-4.0',
      uri: 'https://creativecommons.org/licenses/by/4.0/',
      title: {
        vi: 'Creative Commons Ghi công 4.0 Quốc tế',
        en: 'Creative Commons Attribution 4.0 International',
      },
    },
  ],
  access: 'public',
  stations: 1,
  series: 1,
  observedProperties: [
    {
      id: 'air-temperature',
      uri: `${base}/id/property/air-temperature`,
      label: { vi: 'Nhiệt độ không khí', en: 'Air temperature' },
      unit: 'Cel',
    },
  ],
  interval: 'PT10M',
  frequency: 'http://publications.europa.eu/resource/authority/frequency/10MIN',
  bbox: [105.8542, 21.0285, 105.8542, 21.0285],
  provinces: [{ code: '01', name: 'Hà Nội' }],
  from: '2024-06-01T00:00:00Z',
  issued: '2024-06-01T00:00:00Z',
  modified: '2024-06-01T00:00:00Z',
  landingPage: `${base}/api/v1/datasets/agency~weather`,
  distributions: [
    {
      id: 'agency~weather~latest.csv',
      uri: `${base}/id/distribution/agency~weather~latest.csv`,
      title: { vi: 'Số liệu mới nhất (CSV)', en: 'Latest values (CSV)' },
      format: 'CSV',
      mediaType: 'text/csv',
      url: `${base}/api/v1/latest.csv?owner=agency&property=air-temperature`,
    },
  ],
} as const;
