/**
 * One text for one value: RFC 8785 (JSON Canonicalization Scheme), for values without NaN, infinities
 * and lone surrogates. Members are sorted by UTF-16 code units (§3.2.3), numbers and strings are as
 * ECMAScript writes them (§3.2.2), and there is no white space.
 */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [member: string]: Json | undefined };

/** Members that are undefined are left out. Throws RangeError for a number that JSON lacks. */
export function canonicalJson(value: Json): string {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new RangeError('JSON has no NaN and no infinities');
  }
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (isList(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.keys(value)
    .sort()
    .flatMap((name) => {
      const member = value[name];
      return member === undefined ? [] : [`${JSON.stringify(name)}:${canonicalJson(member)}`];
    });
  return `{${members.join(',')}}`;
}

/** The value of a text that is written in this form and no other; undefined for any other text. */
export function readCanonicalJson(text: string): Json | undefined {
  try {
    const value = JSON.parse(text) as Json;
    return canonicalJson(value) === text ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isList(value: object): value is readonly Json[] {
  return Array.isArray(value);
}
