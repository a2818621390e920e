/**
 * Decimal texts as integers: `"21.50"` is 2150 with two decimals. A text that these two functions
 * turn round exactly need not be kept beside its number (design.md §6: raw text is kept as sent).
 */
export interface Decimal {
  /** Integer below 10^15, so that `scaled / 10^decimals` is the double nearest to the text. */
  scaled: number;
  /** 0 to 15. */
  decimals: number;
}

const digitsMax = 15;

export const powersOfTen: readonly number[] = Array.from({ length: 16 }, (_, power) => 10 ** power);

/** `.0` to `.9`, `.00` to `.99`, `.000` to `.999`. */
const fractions: readonly (readonly string[])[] = [1, 2, 3].map((decimals) =>
  Array.from({ length: 10 ** decimals }, (_, n) => `.${String(n).padStart(decimals, '0')}`),
);

/**
 * Fills `into` and returns true when `text` is what `decimalText` prints for it: an optional minus,
 * no leading zeros, at most 15 digits, no minus zero.
 */
export function scanDecimal(text: string, into: Decimal): boolean {
  const length = text.length;
  const start = text.charCodeAt(0) === 45 ? 1 : 0;
  let point = -1;
  let scaled = 0;
  for (let index = start; index < length; index++) {
    const digit = text.charCodeAt(index) - 48;
    if (digit >= 0 && digit <= 9) scaled = scaled * 10 + digit;
    else if (digit === -2 && point < 0) point = index;
    else return false;
  }
  into.scaled = start === 1 ? -scaled : scaled;
  into.decimals = point < 0 ? 0 : length - 1 - point;
  if (start === 1 && scaled === 0) return false;
  return isCanonical(text, start, point < 0 ? length : point, into.decimals);
}

/** At most 15 digits, one before the point at least, no leading zero, none missing behind it. */
function isCanonical(text: string, start: number, wholeEnd: number, decimals: number): boolean {
  const wholeDigits = wholeEnd - start;
  if (wholeDigits === 0 || wholeDigits + decimals > digitsMax) return false;
  if (decimals === 0 && wholeEnd < text.length) return false;
  return wholeDigits === 1 || text.charCodeAt(start) !== 48;
}

/** Text of `scaled / 10^decimals` with exactly that many decimals. */
export function decimalText(scaled: number, decimals: number): string {
  if (decimals === 0) return `${scaled}`;
  const positive = scaled < 0 ? -scaled : scaled;
  const power = powersOfTen[decimals] ?? 1;
  const whole = Math.floor(positive / power);
  const rest = positive - whole * power;
  const fraction =
    decimals <= 3 ? fractions[decimals - 1]?.[rest] : `.${`${rest}`.padStart(decimals, '0')}`;
  return scaled < 0 ? `-${whole}${fraction}` : `${whole}${fraction}`;
}

/** Fills `into` and returns true when `value.toFixed(decimals)` is a text that `scanDecimal` takes. */
export function scaleDecimal(value: number, decimals: number, into: Decimal): boolean {
  if (!(decimals >= 0 && decimals < digitsMax)) return false;
  const power = powersOfTen[decimals] ?? 1;
  const scaled = Math.round(value * power);
  if (scaled / power !== value || scaled >= 1e15 || scaled <= -1e15) return false;
  if (scaled === 0 && Object.is(value, -0)) return false;
  into.scaled = scaled;
  into.decimals = decimals;
  return true;
}

/** The same as `value.toFixed(decimals)`, at a third of its price for the usual numbers. */
export function fixedText(value: number, decimals: number): string {
  const power = powersOfTen[decimals] ?? 1;
  const scaled = Math.round(value * power);
  const isExact = scaled / power === value && scaled < 1e15 && scaled > -1e15 && scaled !== 0;
  return isExact && decimals < digitsMax ? decimalText(scaled, decimals) : value.toFixed(decimals);
}
