/**
 * The text of a value as sent. A plain decimal (`-12.50`: at most 15 digits, no needless leading
 * zero) is kept as its digits, a whole number, and the count of its decimals, and is made again to
 * the letter; any other text is kept as it is.
 */
import { decimalText } from '../../observations/decimal-text.ts';

/** Stand in place of the count of decimals: a null, and a text kept as it is. */
export const sentNull = -2;
export const sentLiteral = -1;

export function sentTextOf(
  digits: number,
  decimals: number,
  literal: string | null,
): string | null {
  if (decimals === sentNull) return null;
  return decimals === sentLiteral ? literal : decimalText(digits, decimals);
}
