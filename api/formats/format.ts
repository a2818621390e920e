import { apiError, badParameter } from '../errors.ts';

export const formats = ['json', 'geojson', 'csv', 'ndjson'] as const;
export type Format = (typeof formats)[number];

export const mediaTypes: Readonly<Record<Format, string>> = {
  json: 'application/json; charset=utf-8',
  geojson: 'application/geo+json; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
  ndjson: 'application/x-ndjson; charset=utf-8',
};

const accepted: Readonly<Record<string, Format>> = {
  'application/json': 'json',
  'application/geo+json': 'geojson',
  'application/vnd.geo+json': 'geojson',
  'text/csv': 'csv',
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
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

/** RFC 9110 §12.5.1, as far as these few types need it: the greatest weight, then our order. */
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
    const range = format === 'csv' ? 'text/*' : 'application/*';
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
