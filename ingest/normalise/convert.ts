/**
 * `value × scale + shift`, with the noise of binary fractions taken off: 23 × 0.1 is 2.3. Keeps 13
 * significant digits or more, a thousand times finer than the 1e-9 up to which values are the same.
 */
export function convert(value: number, scale: number, shift: number): number {
  if (scale === 1 && shift === 0) return value;
  const exact = value * scale + shift;
  const size = Math.abs(exact);
  if (!(size >= 1e-6 && size < 1e9)) return exact;
  const power = powersOfTen[12 - Math.floor(Math.log10(size))] ?? 1;
  return Math.round(exact * power) / power;
}

/** 10^0 to 10^22: each is exact as a double, so the quotient is the nearest double to the decimal. */
const powersOfTen: readonly number[] = Array.from({ length: 23 }, (_, exponent) =>
  Number(`1e${exponent}`),
);
