/**
 * Terms of published vocabularies that the catalogue uses. Sources: authority tables of the
 * Publications Office of the EU (`http://publications.europa.eu/resource/authority/…`: data-theme,
 * frequency, language, access-right, file-type), its list of high-value dataset categories
 * (`http://data.europa.eu/bna/…`), ADMS status codes (`http://purl.org/adms/status/…`).
 */
import type { Name } from '../../devices/model.ts';
import type { Domain } from './datasets.ts';

export interface Concept {
  readonly uri: string;
  readonly label: Name;
}

const authority = 'http://publications.europa.eu/resource/authority';

export const themeScheme: Concept = {
  uri: `${authority}/data-theme`,
  label: { vi: 'Chủ đề dữ liệu', en: 'Data theme' },
};

/** Every domain is of the environment; what an equipment reports too is about its monitoring. */
export const environmentTheme: Concept = {
  uri: `${authority}/data-theme/ENVI`,
  label: { vi: 'Môi trường', en: 'Environment' },
};

export const languages = {
  vi: `${authority}/language/VIE`,
  en: `${authority}/language/ENG`,
} as const;

const environmentCategory: Concept = {
  uri: 'http://data.europa.eu/bna/c_dd313021',
  label: { vi: 'Quan sát Trái Đất và môi trường', en: 'Earth observation and environment' },
};

/**
 * Categories of high-value data by their subject. They help to find; no `applicableLegislation` goes
 * with them, since no law of the EU binds whoever publishes here.
 */
export const highValueCategories: Readonly<Record<Domain, readonly Concept[]>> = {
  weather: [
    {
      uri: 'http://data.europa.eu/bna/c_164e0bf5',
      label: { vi: 'Khí tượng', en: 'Meteorological' },
    },
    {
      uri: 'http://data.europa.eu/bna/c_3af3368c',
      label: {
        vi: 'Số liệu đo tại trạm khí tượng',
        en: 'Observations data measured by weather stations',
      },
    },
  ],
  water: [
    environmentCategory,
    { uri: 'http://data.europa.eu/bna/c_43f88346', label: { vi: 'Nước', en: 'Water' } },
  ],
  air: [
    environmentCategory,
    { uri: 'http://data.europa.eu/bna/c_63b37dd4', label: { vi: 'Không khí', en: 'Air' } },
  ],
  noise: [
    environmentCategory,
    { uri: 'http://data.europa.eu/bna/c_e4358335', label: { vi: 'Tiếng ồn', en: 'Noise' } },
  ],
  soil: [
    environmentCategory,
    { uri: 'http://data.europa.eu/bna/c_87a129d9', label: { vi: 'Đất', en: 'Soil' } },
  ],
  platform: [environmentCategory],
};

export type Access = 'public' | 'restricted' | 'non-public';

export const accessRights: Readonly<Record<Access, Concept>> = {
  public: {
    uri: `${authority}/access-right/PUBLIC`,
    label: { vi: 'Công khai', en: 'Public' },
  },
  restricted: {
    uri: `${authority}/access-right/RESTRICTED`,
    label: { vi: 'Hạn chế', en: 'Restricted' },
  },
  'non-public': {
    uri: `${authority}/access-right/NON_PUBLIC`,
    label: { vi: 'Không công khai', en: 'Non-public' },
  },
};

const minute = 60_000;

/** From the shortest up. An interval between two of them is updated at least as often as the longer. */
const frequencies: readonly (readonly [upToMs: number, code: string, label: Name])[] = [
  [minute / 2, 'UPDATE_CONT', { vi: 'Liên tục', en: 'continuously updated' }],
  [minute, '1MIN', { vi: 'Mỗi phút', en: 'every minute' }],
  [5 * minute, '5MIN', { vi: '5 phút một lần', en: 'every five minutes' }],
  [10 * minute, '10MIN', { vi: '10 phút một lần', en: 'every ten minutes' }],
  [15 * minute, '15MIN', { vi: '15 phút một lần', en: 'every fifteen minutes' }],
  [30 * minute, '30MIN', { vi: '30 phút một lần', en: 'every thirty minutes' }],
  [60 * minute, 'HOURLY', { vi: 'Hằng giờ', en: 'hourly' }],
  [120 * minute, 'BIHOURLY', { vi: '2 giờ một lần', en: 'every two hours' }],
  [180 * minute, 'TRIHOURLY', { vi: '3 giờ một lần', en: 'every three hours' }],
  [720 * minute, '12HRS', { vi: '12 giờ một lần', en: 'every twelve hours' }],
  [1_440 * minute, 'DAILY', { vi: 'Hằng ngày', en: 'daily' }],
  [7 * 1_440 * minute, 'WEEKLY', { vi: 'Hằng tuần', en: 'weekly' }],
  [31 * 1_440 * minute, 'MONTHLY', { vi: 'Hằng tháng', en: 'monthly' }],
  [92 * 1_440 * minute, 'QUARTERLY', { vi: 'Hằng quý', en: 'quarterly' }],
  [366 * 1_440 * minute, 'ANNUAL', { vi: 'Hằng năm', en: 'annual' }],
];

const irregular: Concept = {
  uri: `${authority}/frequency/IRREG`,
  label: { vi: 'Không định kỳ', en: 'irregular' },
};

/** How often something new comes, of a reporting interval. */
export function frequencyOf(intervalMs: number): Concept {
  const found = frequencies.find(([upToMs]) => intervalMs <= upToMs);
  if (found === undefined) return irregular;
  return { uri: `${authority}/frequency/${found[1]}`, label: found[2] };
}

/** xsd:duration and ISO 8601 of an interval, whole seconds and less told exactly. */
export function durationOf(intervalMs: number): string {
  const units = [
    [86_400_000, 'P', 'D'],
    [3_600_000, 'PT', 'H'],
    [60_000, 'PT', 'M'],
  ] as const;
  const whole = units.find(([ms]) => intervalMs % ms === 0);
  if (whole !== undefined) return `${whole[1]}${intervalMs / whole[0]}${whole[2]}`;
  return `PT${intervalMs / 1_000}S`;
}

/** Of a dataset that is announced and not open yet. */
export const plannedStatus: Concept = {
  uri: 'http://purl.org/adms/status/UnderDevelopment',
  label: { vi: 'Dự kiến', en: 'Planned' },
};

export interface FileKind {
  /** As people call it, and as CKAN does. */
  readonly label: string;
  /** IANA's. */
  readonly mediaType: string;
  /** Code of the authority table file-type; none where it has none. */
  readonly code?: string;
  /** Media type of the compression around it. */
  readonly compression?: string;
}

export const fileKinds = {
  json: { label: 'JSON', mediaType: 'application/json', code: 'JSON' },
  geojson: { label: 'GeoJSON', mediaType: 'application/geo+json', code: 'GEOJSON' },
  csv: { label: 'CSV', mediaType: 'text/csv', code: 'CSV' },
  ndjson: { label: 'NDJSON', mediaType: 'application/x-ndjson' },
  parquet: { label: 'Parquet', mediaType: 'application/vnd.apache.parquet', code: 'PARQUET' },
  'csv.gz': {
    label: 'CSV',
    mediaType: 'text/csv',
    code: 'CSV',
    compression: 'application/gzip',
  },
  datapackage: { label: 'JSON', mediaType: 'application/json', code: 'JSON' },
  csvw: { label: 'JSON-LD', mediaType: 'application/ld+json', code: 'JSON_LD' },
  events: { label: 'SSE', mediaType: 'text/event-stream' },
} as const satisfies Readonly<Record<string, FileKind>>;

export function fileTypeUri(code: string): string {
  return `${authority}/file-type/${code}`;
}

export function mediaTypeUri(mediaType: string): string {
  return `https://www.iana.org/assignments/media-types/${mediaType}`;
}
