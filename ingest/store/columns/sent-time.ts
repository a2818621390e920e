/**
 * The text of a time as sent. Most are the end of the phenomenon time in one of a few forms; the
 * form alone is kept, and the text made again to the letter. Any other text is kept as it is.
 *
 *   0 none   1 milliseconds since 1970   2 seconds since 1970   3 literal
 *   16 + parts + 64 × (offset in minutes + 1,024)   RFC 3339 and its local relatives; parts:
 *      bits 0–1 digits of the fraction (0–3), bit 2 a space for `T`, bit 3 no seconds,
 *      bits 4–5 the zone: 0 `Z`, 1 `+hh:mm`, 2 none written
 */

export const timeForms = { none: 0, milliseconds: 1, seconds: 2, literal: 3, civil: 16 } as const;

const minuteMs = 60_000;
const dayMs = 86_400_000;
const offsetBase = 1_024;
const partsSize = 64;
const formsEnd = 16 + partsSize * 2 * offsetBase;
const zones = { utc: 0, offset: 1, none: 2 } as const;

/** Whether a number read from a block is a form at all. */
export function isTimeForm(form: number): boolean {
  if (!Number.isInteger(form) || form < 0) return false;
  return form <= timeForms.literal || (form >= timeForms.civil && form < formsEnd);
}

/** The form that gives `text` back for `endAt`; `timeForms.literal` where there is none. */
export function timeFormOf(text: string | null, endAt: number): number {
  if (text === null) return timeForms.none;
  const length = text.length;
  if (length >= 16 && text.charCodeAt(4) === 45) {
    return civilFormOf(text, endAt);
  }
  if (length > 16) return timeForms.literal;
  if (text === String(endAt)) return timeForms.milliseconds;
  return text === String(endAt / 1_000) && endAt % 1_000 === 0
    ? timeForms.seconds
    : timeForms.literal;
}

/** The text of a form other than literal. */
export function timeTextOf(form: number, endAt: number): string | null {
  if (form === timeForms.none) return null;
  if (form === timeForms.milliseconds) return String(endAt);
  if (form === timeForms.seconds) return String(endAt / 1_000);
  const code = form - timeForms.civil;
  const parts = code % partsSize;
  const offsetMinutes = Math.floor(code / partsSize) - offsetBase;
  const iso = new Date(endAt + offsetMinutes * minuteMs).toISOString();
  const date = iso.slice(0, 10);
  const separator = (parts & 4) === 0 ? 'T' : ' ';
  const fraction = parts & 3;
  const time =
    (parts & 8) !== 0 ? iso.slice(11, 16) : iso.slice(11, fraction === 0 ? 19 : 20 + fraction);
  return date + separator + time + zoneText(parts >> 4, offsetMinutes);
}

function zoneText(zone: number, offsetMinutes: number): string {
  if (zone === zones.utc) return 'Z';
  if (zone === zones.none) return '';
  const minutes = Math.abs(offsetMinutes);
  const hours = String(Math.floor(minutes / 60)).padStart(2, '0');
  return `${offsetMinutes < 0 ? '-' : '+'}${hours}:${String(minutes % 60).padStart(2, '0')}`;
}

function civilFormOf(text: string, endAt: number): number {
  const separator = text.charCodeAt(10);
  if (separator !== 84 && separator !== 32) return timeForms.literal;
  const hasSeconds = text.charCodeAt(16) === 58;
  const fraction = hasSeconds ? fractionDigits(text) : 0;
  if (fraction < 0) return timeForms.literal;
  const civilMs = minuteOf(text) + (hasSeconds ? secondsMs(text, fraction) : 0);
  const offsetMinutes = (civilMs - endAt) / minuteMs;
  if (!Number.isInteger(offsetMinutes) || Math.abs(offsetMinutes) >= offsetBase) {
    return timeForms.literal;
  }
  const fractionEnd = fraction === 0 ? 19 : 20 + fraction;
  const zone = zoneOf(text, hasSeconds ? fractionEnd : 16, offsetMinutes);
  if (zone < 0) return timeForms.literal;
  const parts = fraction | (separator === 32 ? 4 : 0) | (hasSeconds ? 0 : 8) | (zone << 4);
  return timeForms.civil + parts + partsSize * (offsetMinutes + offsetBase);
}

/** Digits behind the seconds' point: 0 where there is no point, −1 where they are not one to three. */
function fractionDigits(text: string): number {
  if (text.charCodeAt(19) !== 46) return 0;
  let digits = 0;
  while (isDigit(text.charCodeAt(20 + digits))) digits++;
  return digits >= 1 && digits <= 3 ? digits : -1;
}

/** NaN where the seconds are no two digits below 60. */
function secondsMs(text: string, fraction: number): number {
  const seconds = twoDigits(text, 17);
  let milliseconds = 0;
  let scale = 100;
  for (let at = 0; at < fraction; at++) {
    milliseconds += (text.charCodeAt(20 + at) - 48) * scale;
    scale /= 10;
  }
  return seconds > 59 ? Number.NaN : seconds * 1_000 + milliseconds;
}

/** The zone at `at`, −1 where it does not say `offsetMinutes` in the one way that is made again. */
function zoneOf(text: string, at: number, offsetMinutes: number): number {
  const { length } = text;
  if (at === length) return zones.none;
  if (at === length - 1) return text.charCodeAt(at) === 90 && offsetMinutes === 0 ? zones.utc : -1;
  return length - at === 6 && text.slice(at) === zoneText(zones.offset, offsetMinutes)
    ? zones.offset
    : -1;
}

/** `YYYY-MM-DDThh:mm` as if it were UTC; NaN where the digits or dashes are not there. */
function minuteOf(text: string): number {
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  if (text.charCodeAt(7) !== 45 || text.charCodeAt(13) !== 58) return Number.NaN;
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return Number.NaN;
  const hours = twoDigits(text, 11);
  const minutes = twoDigits(text, 14);
  if (hours > 23 || minutes > 59) return Number.NaN;
  return daysBefore(year, month, day) * dayMs + (hours * 60 + minutes) * minuteMs;
}

function daysIn(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

/** Days from 1970-01-01 in the Gregorian calendar. */
function daysBefore(year: number, month: number, day: number): number {
  const shifted = month > 2 ? year : year - 1;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const units = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && units >= 0 && units <= 9 ? tens * 10 + units : Number.NaN;
}
