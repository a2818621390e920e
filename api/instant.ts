import { badParameter } from './errors.ts';

/**
 * Around the end of every observation, milliseconds UTC: the year 1, at which ids begin
 * (`observation-id.ts`), and the year 3205, before which they end (3218).
 */
export const everFromAt = -62_135_596_800_000;
export const everToAt = 39_000_000_000_000;

const grammar =
  /^(\d{4}-\d{2}-\d{2})[Tt]((?:[01]\d|2[0-3]):\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+ -]\d{2}:\d{2})$/;

/**
 * An RFC 3339 instant as integer milliseconds UTC; digits beyond the millisecond are cut. A blank
 * stands for the `+` that a query string turns into one. Throws API_PARAMETER_INVALID.
 */
export function readInstant(text: string, parameter: string): number {
  const parts = grammar.exec(text);
  const at = parts === null ? NaN : instantOf(parts);
  if (Number.isNaN(at)) {
    throw badParameter(parameter, 'RFC 3339 with an offset, such as 2024-01-31T00:00:00+07:00');
  }
  return at;
}

/** NaN for a day or an offset that does not exist. */
function instantOf([, date = '', time = '', fraction = '', zone = '']: RegExpExecArray): number {
  const milliseconds = fraction.padEnd(3, '0').slice(0, 3);
  const at = Date.parse(`${date}T${time}.${milliseconds}${zone.toUpperCase().replace(' ', '+')}`);
  // Date.parse takes February 30 for March 1: the day must come back as it was given.
  const dayAt = Date.parse(`${date}T00:00:00Z`);
  const isDay = !Number.isNaN(dayAt) && new Date(dayAt).toISOString().startsWith(date);
  return isDay ? at : NaN;
}

export function readOptionalInstant(text: string | undefined, parameter: string): number | null {
  return text === undefined ? null : readInstant(text, parameter);
}
