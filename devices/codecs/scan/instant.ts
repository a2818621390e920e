/**
 * Reads RFC 3339 §5.6 `date-time` from bytes: `2020-01-31T23:59:59.25+07:00`, with `T`, `t` or a
 * space between, `Z`, `z` or an offset at the end; the offset is required. Digits finer than a
 * millisecond are cut off. A leap second `:60` is the first second of the next minute, as in POSIX.
 * @returns integer ms UTC, or NaN where it is no such time
 */
export function instantOfBytes(bytes: Uint8Array, start: number, end: number): number {
  // Shortest: 2020-01-31T23:59:59Z.
  if (end - start < 20) return Number.NaN;
  const year = digitsAt(bytes, start, 4);
  const month = digitsAt(bytes, start + 5, 2);
  const day = digitsAt(bytes, start + 8, 2);
  const hour = digitsAt(bytes, start + 11, 2);
  const minute = digitsAt(bytes, start + 14, 2);
  const second = digitsAt(bytes, start + 17, 2);
  const separated =
    bytes[start + 4] === minus &&
    bytes[start + 7] === minus &&
    isDateEnd(bytes[start + 10]) &&
    bytes[start + 13] === colon &&
    bytes[start + 16] === colon;
  if (!separated || year < 0 || day < 1 || day > daysOf(year, month)) return Number.NaN;
  if (!isBelow(hour, 24) || !isBelow(minute, 60) || !isBelow(second, 61)) return Number.NaN;
  const whole =
    daysFromEpoch(year, month, day) * 86_400_000 + ((hour * 60 + minute) * 60 + second) * 1_000;
  return whole + tailMs(bytes, start + 19, end);
}

/** The same from a text, off the hot path. */
export function instantOfText(text: string): number {
  const bytes = Buffer.from(text, 'utf8');
  return instantOfBytes(bytes, 0, bytes.length);
}

/** Fraction and offset, in ms to add; NaN where they are not as they must be. */
function tailMs(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  let ms = 0;
  if (bytes[at] === point) {
    at += 1;
    const first = at;
    let weight = 100;
    while (at < end && isDigit(bytes[at]!)) {
      ms += (bytes[at]! - zero) * weight;
      weight = weight === 100 ? 10 : weight === 10 ? 1 : 0;
      at += 1;
    }
    if (at === first) return Number.NaN;
  }
  return ms + offsetMs(bytes, at, end);
}

function offsetMs(bytes: Uint8Array, at: number, end: number): number {
  const sign = at < end ? bytes[at]! : 0;
  if (sign === upperZ || sign === lowerZ) return at + 1 === end ? 0 : Number.NaN;
  if ((sign !== plus && sign !== minus) || at + 6 !== end) return Number.NaN;
  const hour = digitsAt(bytes, at + 1, 2);
  const minute = digitsAt(bytes, at + 4, 2);
  if (bytes[at + 3] !== colon || !isBelow(hour, 24) || !isBelow(minute, 60)) return Number.NaN;
  const ms = (hour * 60 + minute) * 60_000;
  return sign === minus ? ms : -ms;
}

/** The number of `count` digits, or -1 where one of them is none. */
function digitsAt(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let index = at; index < at + count; index += 1) {
    const byte = bytes[index]!;
    if (!isDigit(byte)) return -1;
    value = value * 10 + (byte - zero);
  }
  return value;
}

function isBelow(value: number, bound: number): boolean {
  return value >= 0 && value < bound;
}

function isDigit(byte: number): boolean {
  return byte >= zero && byte <= nine;
}

function isDateEnd(byte: number | undefined): boolean {
  return byte === upperT || byte === lowerT || byte === space;
}

/** Days of the month; 0 where there is no such month. */
function daysOf(year: number, month: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28;
  if (month === 4 || month === 6 || month === 9 || month === 11) return 30;
  return month >= 1 && month <= 12 ? 31 : 0;
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/** Days since 1970-01-01 in the proleptic Gregorian calendar, counting years from March. */
function daysFromEpoch(year: number, month: number, day: number): number {
  const fromMarch = month > 2 ? month - 3 : month + 9;
  const marchYear = month > 2 ? year : year - 1;
  const leaps =
    Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400);
  return marchYear * 365 + leaps + Math.floor((153 * fromMarch + 2) / 5) + day - 1 - 719_468;
}

const zero = 0x30;
const nine = 0x39;
const minus = 0x2d;
const plus = 0x2b;
const colon = 0x3a;
const point = 0x2e;
const space = 0x20;
const upperT = 0x54;
const lowerT = 0x74;
const upperZ = 0x5a;
const lowerZ = 0x7a;
