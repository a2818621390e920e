import type { Digit } from './check.ts';

/**
 * Syntax of one measurement that a codec could read: 1 for a number or an honest null, 3 where the
 * device sent a text that is no number for it. What no codec can read never becomes an observation.
 */
export function syntaxDigit(value: number | null, text: string | null): Digit {
  if (value !== null || text === null) return 1;
  return missingTexts.has(text.trim().toLowerCase()) ? 1 : 3;
}

/** Field spellings of "no value". */
const missingTexts: ReadonlySet<string> = new Set([
  '',
  '-',
  '--',
  '---',
  '/',
  '//',
  '///',
  'null',
  'none',
  'nil',
  'na',
  'n/a',
  'nan',
  '+nan',
  '-nan',
  '"nan"',
  '"null"',
  '"n/a"',
  '"na"',
  '""',
  'inf',
  '+inf',
  '-inf',
  'infinity',
  '+infinity',
  '-infinity',
]);
