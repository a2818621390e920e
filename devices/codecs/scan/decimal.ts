/**
 * A number together with its own text, as the port `codec.ts` keeps it: `decimals` ≥ 0 stands for
 * the text `value.toFixed(decimals)`, -1 for the text in `text`. `value` is null for what means
 * "no value": NaN and the infinities.
 */
export interface Decimal {
  readonly value: number | null;
  readonly decimals: number;
  readonly text: string | null;
}

/**
 * Digits, leading zeros counted, up to which a decimal fraction is carried by value and count of
 * decimals alone: below 10^15 < 2^52 mantissa and power of ten are exact, so their quotient is the
 * nearest double, and `toFixed` of it gives the digits back.
 */
export const exactDigitsMax = 15;

/** Powers of ten that are exact in a double. */
export const powersOfTen: readonly number[] = Array.from({ length: 16 }, (_, power) =>
  Number(`1e${power}`),
);

const decimalForm = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const bareForm = /^[+-]?(?:nan|inf(?:inity)?)$/i;

/** Reads a number's text, exactly; undefined where it is none. NaN and infinity give null. */
export function decimalOfText(text: string): Decimal | undefined {
  const exact = exactDecimal(text);
  if (exact !== undefined) return exact;
  if (!decimalForm.test(text)) {
    return bareForm.test(text) ? { value: null, decimals: -1, text } : undefined;
  }
  const value = Number(text);
  return { value: Number.isFinite(value) ? value : null, decimals: -1, text };
}

/** The usual case without a regular expression: `-12.50`, of at most 15 digits; else undefined. */
function exactDecimal(text: string): Decimal | undefined {
  const { length } = text;
  const first = text.charCodeAt(0) === minus ? 1 : 0;
  const point = text.indexOf('.');
  const wholeEnd = point < 0 ? length : point;
  const decimals = point < 0 ? 0 : length - 1 - point;
  if (!isCanonical(text, first, wholeEnd) || point === length - 1) return undefined;
  if (wholeEnd - first + decimals > exactDigitsMax) return undefined;
  const whole = mantissaOf(text, first, wholeEnd, 0);
  const mantissa = point < 0 ? whole : mantissaOf(text, point + 1, length, whole);
  if (Number.isNaN(mantissa) || (first === 1 && mantissa === 0)) return undefined;
  const size = mantissa / powersOfTen[decimals]!;
  return { value: first === 1 ? -size : size, decimals, text: null };
}

/** Whether `toFixed` would write the digits before the point so: at least one, no leading zero. */
function isCanonical(text: string, first: number, wholeEnd: number): boolean {
  return wholeEnd > first && (text.charCodeAt(first) !== zero || wholeEnd === first + 1);
}

/** The mantissa continued by digits; NaN where one of them is none. */
function mantissaOf(text: string, start: number, end: number, before: number): number {
  let mantissa = before;
  for (let index = start; index < end; index += 1) {
    const code = text.charCodeAt(index);
    if (code < zero || code > nine) return Number.NaN;
    mantissa = mantissa * 10 + (code - zero);
  }
  return mantissa;
}

/** The shortest decimal of a number that came without a text. */
export function decimalOfNumber(value: number): Decimal {
  return decimalOfText(Object.is(value, -0) ? '-0' : String(value)) as Decimal;
}

/** The text of a decimal; null for a value that has none. */
export function textOf(decimal: Decimal): string | null {
  if (decimal.decimals < 0) return decimal.text;
  return (decimal.value as number).toFixed(decimal.decimals);
}

/**
 * The sum as a person would write it (20.1 + 0.2 is 20.3): decimals are added as integers where
 * they are exact. A missing value makes the sum missing.
 */
export function sumOf(left: Decimal, right: Decimal): Decimal {
  if (left.value === null) return left;
  if (right.value === null) return right;
  const decimals = Math.max(left.decimals, right.decimals);
  if (left.decimals < 0 || right.decimals < 0) return decimalOfNumber(left.value + right.value);
  const scale = powersOfTen[decimals] as number;
  const mantissa = Math.round(left.value * scale) + Math.round(right.value * scale);
  if (Math.abs(mantissa) >= 1e15) return decimalOfNumber(left.value + right.value);
  return decimalOfNumber(mantissa / scale);
}

const minus = 0x2d;
const zero = 0x30;
const nine = 0x39;
