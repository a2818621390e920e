/**
 * The usual spellings of an instant: a device's time text that follows from the instant itself need
 * not be kept beside it. Anything else is kept as the text it is.
 */
export const timeTextKinds = [
  'none',
  'text',
  'seconds',
  'milliseconds',
  'microseconds',
  'nanoseconds',
  'rfc3339',
  'rfc3339-milliseconds',
] as const;

/** Of years 0001 to 9999, so that RFC 3339 prints them with four digits. */
const rfc3339FromAt = -62_135_596_800_000;
const rfc3339ToAt = 253_402_300_800_000;

/** Index in `timeTextKinds` of the spelling whose text for `endAt` is exactly `text`. */
export function timeTextKind(text: string | null, endAt: number): number {
  if (text === null) return 0;
  const kind = kindOfLength(text.length);
  if (kind === 1) return 1;
  return printTime(kind, endAt) === text ? kind : 1;
}

/** Text of a kind from 2 on; the empty text where the instant has no such spelling. */
export function printTime(kind: number, endAt: number): string {
  if (kind >= 6) return printRfc3339(endAt, kind === 7);
  if (kind === 2) return endAt % 1000 === 0 ? `${endAt / 1000}` : '';
  return `${endAt}${'000000'.slice(0, (kind - 3) * 3)}`;
}

function kindOfLength(length: number): number {
  switch (length) {
    case 10:
      return 2;
    case 13:
      return 3;
    case 16:
      return 4;
    case 19:
      return 5;
    case 20:
      return 6;
    case 24:
      return 7;
    default:
      return 1;
  }
}

function printRfc3339(endAt: number, withMilliseconds: boolean): string {
  if (!(endAt >= rfc3339FromAt && endAt < rfc3339ToAt)) return '';
  const text = new Date(endAt).toISOString();
  if (withMilliseconds) return text;
  return endAt % 1000 === 0 ? `${text.slice(0, 19)}Z` : '';
}
