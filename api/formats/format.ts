import { apiError, badParameter } from '../errors.ts';

export const formats = [
  'json',
  'geojson',
  'csv',
  'ndjson',
  'jsonld',
  'parquet',
  'covjson',
  'atom',
] as const;
export type Format = (typeof formats)[number];

export const mediaTypes: Readonly<Record<Format, string>> = {
  json: 'application/json; charset=utf-8',
  geojson: 'application/geo+json; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
  ndjson: 'application/x-ndjson; charset=utf-8',
  jsonld: 'application/ld+json; charset=utf-8',
  parquet: 'application/vnd.apache.parquet',
  covjson: 'application/prs.coverage+json; charset=utf-8',
  atom: 'application/atom+xml; charset=utf-8',
};

/** What a list of things gives, what one with places on a map, and what one with values over time. */
export const listFormats: readonly Format[] = ['json', 'csv', 'ndjson', 'jsonld', 'parquet'];
export const mapFormats: readonly Format[] = [
  'json',
  'geojson',
  'csv',
  'ndjson',
  'jsonld',
  'parquet',
];
export const seriesFormats: readonly Format[] = [...mapFormats, 'covjson'];

export const eventFormats: readonly Format[] = [...listFormats, 'atom'];

/** Formats that are read as one document, so that a page of them must stay small. */
export function isPaged(format: Format): boolean {
  return format === 'json' || format === 'geojson' || format === 'jsonld' || format === 'covjson';
}

const accepted: Readonly<Record<string, Format>> = {
  'application/json': 'json',
  'application/geo+json': 'geojson',
  'application/vnd.geo+json': 'geojson',
  'text/csv': 'csv',
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'application/ld+json': 'jsonld',
  'application/vnd.apache.parquet': 'parquet',
  'application/parquet': 'parquet',
  'application/x-parquet': 'parquet',
  'application/prs.coverage+json': 'covjson',
  'application/vnd.cov+json': 'covjson',
  'application/atom+xml': 'atom',
};
const acceptEntriesMax = 64;

export interface Wish {
  /** Of the path, which no parameter may contradict. */
  readonly extension: Format | undefined;
  readonly format: string | undefined;
  readonly accept: string | undefined;
}

/**
 * Extension, then `format=`, then Accept; JSON where nothing is wished. Throws
 * API_PARAMETER_INVALID, API_FORMAT_UNSUPPORTED (400) or API_NOT_ACCEPTABLE (406).
 */
export function chooseFormat(wish: Wish, offered: readonly Format[]): Format {
  const named = readNamed(wish);
  if (named !== undefined) {
    if (offered.includes(named)) return named;
    throw apiError('API_FORMAT_UNSUPPORTED', { parameter: 'format', accepted: offered });
  }
  if (wish.accept === undefined) return offered[0] ?? 'json';
  const best = bestAccepted(wish.accept, offered);
  if (best === undefined) throw apiError('API_NOT_ACCEPTABLE', { accepted: offered });
  return best;
}

function readNamed({ extension, format }: Wish): Format | undefined {
  if (format === undefined) return extension;
  const named = formats.find((each) => each === format);
  if (named === undefined) throw badParameter('format', formats.join(', '));
  if (extension !== undefined && extension !== named) {
    throw badParameter('format', 'the format of the extension, or none');
  }
  return named;
}

/** RFC 9110 §12.5.1, as far as these few types need it: of each type the weight of its most exact range, then
 * the greatest weight, then our order. */
function bestAccepted(accept: string, offered: readonly Format[]): Format | undefined {
  const weights = new Map<Format, number>();
  const wildcards = new Map<string, number>();
  for (const entry of accept.split(',').slice(0, acceptEntriesMax)) {
    const [type = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase());
    const weight = weightOf(parameters);
    const format = Object.hasOwn(accepted, type) ? accepted[type] : undefined;
    if (format === undefined) wildcards.set(type, weight);
    else weights.set(format, Math.max(weight, weights.get(format) ?? 0));
  }
  let best: Format | undefined;
  let bestWeight = 0;
  for (const format of offered) {
    const range = `${mediaTypes[format].split('/', 1)[0]}/*`;
    const weight = weights.get(format) ?? wildcards.get(range) ?? wildcards.get('*/*') ?? 0;
    if (weight > bestWeight) {
      best = format;
      bestWeight = weight;
    }
  }
  return best;
}

function weightOf(parameters: readonly string[]): number {
  const given = parameters.find((parameter) => parameter.startsWith('q='));
  if (given === undefined) return 1;
  const weight = Number(given.slice(2));
  return weight >= 0 && weight <= 1 ? weight : 0;
}
