/**
 * The catalogue as a table, with the columns under which open-data portals in Viet Nam list their
 * datasets. No official list of columns is known; these are the facts that the rules ask a publisher
 * to state: what, by whom, about what, how often, in which form, under which terms, since when.
 */
import type { Publisher } from './dcat/publisher.ts';
import { domainNames } from './domain-names.ts';
import type { Entry } from './entry.ts';
import { accessRights, frequencyOf } from './vocabulary.ts';

type Language = 'vi' | 'en';

interface Column {
  readonly vi: string;
  readonly en: string;
  readonly cell: (entry: Entry, language: Language, publisher: Publisher) => string;
}

const columns: readonly Column[] = [
  { vi: 'Mã bộ dữ liệu', en: 'Identifier', cell: ({ id }) => id },
  { vi: 'Tên bộ dữ liệu', en: 'Title', cell: ({ title }, language) => title[language] },
  { vi: 'Mô tả', en: 'Description', cell: ({ description }, language) => description[language] },
  { vi: 'Lĩnh vực', en: 'Domain', cell: ({ domain }, language) => domainNames[domain][language] },
  {
    vi: 'Đơn vị cung cấp',
    en: 'Provider',
    cell: ({ owner }, language, publisher) => (owner?.name ?? publisher.name)[language],
  },
  {
    vi: 'Thông số quan trắc',
    en: 'Observed properties',
    cell: ({ properties }, language) => properties.map(({ label }) => label[language]).join('; '),
  },
  { vi: 'Số trạm', en: 'Stations', cell: ({ stations }) => String(stations.length) },
  {
    vi: 'Phạm vi (tỉnh, thành phố)',
    en: 'Provinces',
    cell: ({ places }) => places.map(({ name }) => name).join('; '),
  },
  {
    vi: 'Tần suất cập nhật',
    en: 'Update frequency',
    cell: ({ intervalMs }, language) =>
      intervalMs === undefined ? '' : frequencyOf(intervalMs).label[language],
  },
  {
    vi: 'Định dạng',
    en: 'Formats',
    cell: ({ distributions }) =>
      [...new Set(distributions.map(({ kind }) => kind.label))].join('; '),
  },
  {
    vi: 'Giấy phép',
    en: 'Licence',
    cell: ({ licences }, language) => licences.map(({ title }) => title[language]).join('; '),
  },
  {
    vi: 'Mức độ truy cập',
    en: 'Access',
    cell: ({ access }, language) => accessRights[access].label[language],
  },
  {
    vi: 'Trạng thái',
    en: 'State',
    cell: ({ state }, language) => states[state][language],
  },
  { vi: 'Dữ liệu từ ngày', en: 'Data from', cell: ({ startAt }) => dayText(startAt) },
  { vi: 'Ngày công bố', en: 'Issued', cell: ({ issuedAt }) => dayText(issuedAt) },
  {
    vi: 'Ngày cập nhật mô tả',
    en: 'Description changed',
    cell: ({ modifiedAt }) => dayText(modifiedAt),
  },
  { vi: 'Đường dẫn', en: 'Address', cell: ({ page }) => page },
];

const states = {
  available: { vi: 'Đã công bố', en: 'Available' },
  planned: { vi: 'Dự kiến', en: 'Planned' },
} as const;

/** Days of Viet Nam (UTC+7, no summer time), as ISO 8601 writes them. */
function dayText(at: number | undefined): string {
  return at === undefined ? '' : new Date(at + 7 * 3_600_000).toISOString().slice(0, 10);
}

/** RFC 4180, UTF-8; with a byte order mark, without which spreadsheets misread Vietnamese. */
export function csvHeader(language: Language): string {
  return `\uFEFF${line(columns.map((column) => column[language]))}`;
}

export function csvRow(entry: Entry, language: Language, publisher: Publisher): string {
  return line(columns.map(({ cell }) => cell(entry, language, publisher)));
}

function line(cells: readonly string[]): string {
  return `${cells.map(quoted).join(',')}\r\n`;
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
