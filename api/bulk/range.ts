/**
 * Conditions and ranges of one file (RFC 9110 §13, §14), whose strong tag is its hash. One range is
 * answered; several, or what is no range of bytes, is as if none were asked for, as the standard
 * allows.
 */
export interface Representation {
  /** Strong, with its quotes. */
  readonly tag: string;
  readonly modifiedAt: number;
  readonly bytes: number;
}

export interface RangeHeaders {
  readonly 'if-match'?: string | undefined;
  readonly 'if-none-match'?: string | undefined;
  readonly 'if-modified-since'?: string | undefined;
  readonly 'if-unmodified-since'?: string | undefined;
  readonly 'if-range'?: string | undefined;
  readonly range?: string | undefined;
}

export type RangeAnswer =
  | { readonly status: 200 }
  /** First and last byte, both of the range. */
  | { readonly status: 206; readonly first: number; readonly last: number }
  | { readonly status: 304 | 412 | 416 };

/** In the order of §13.2.2. */
export function answerRange(headers: RangeHeaders, what: Representation): RangeAnswer {
  const ifMatch = headers['if-match'];
  const ifNoneMatch = headers['if-none-match'];
  if (ifMatch !== undefined) {
    if (!namesTag(ifMatch, what.tag, 'strong')) return { status: 412 };
  } else if (isBefore(headers['if-unmodified-since'], what)) return { status: 412 };
  if (ifNoneMatch !== undefined) {
    if (namesTag(ifNoneMatch, what.tag, 'weak')) return { status: 304 };
  } else if (isNotBefore(headers['if-modified-since'], what)) return { status: 304 };
  const { range } = headers;
  if (range === undefined || !isOfThis(headers['if-range'], what)) return { status: 200 };
  return readRange(range, what.bytes);
}

const tagsMax = 64;

/** §8.8.3.2: a weak tag never matches strongly. */
function namesTag(header: string, tag: string, comparison: 'strong' | 'weak'): boolean {
  if (header.trim() === '*') return true;
  return header
    .split(',', tagsMax)
    .map((each) => each.trim())
    .some((each) => each === tag || (comparison === 'weak' && each === `W/${tag}`));
}

/** Whole seconds: HTTP dates know no less. A date that is none says nothing (§13.1.3). */
function secondsOf(header: string | undefined): number {
  return header === undefined ? NaN : Math.floor(Date.parse(header) / 1_000);
}

function isBefore(header: string | undefined, { modifiedAt }: Representation): boolean {
  return secondsOf(header) < Math.floor(modifiedAt / 1_000);
}

function isNotBefore(header: string | undefined, { modifiedAt }: Representation): boolean {
  return secondsOf(header) >= Math.floor(modifiedAt / 1_000);
}

/**
 * §13.1.5: a tag, or a date that must be the very one. A date alone cannot tell two versions of one
 * second apart, and files are never so young when they are given out that this would help.
 */
function isOfThis(ifRange: string | undefined, what: Representation): boolean {
  if (ifRange === undefined) return true;
  const value = ifRange.trim();
  if (value.startsWith('"') || value.startsWith('W/')) return value === what.tag;
  return secondsOf(value) === Math.floor(what.modifiedAt / 1_000);
}

/** §14.1.2; a last byte beyond the end is the end. */
function readRange(header: string, bytes: number): RangeAnswer {
  const found = /^bytes[ \t]*=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/i.exec(header);
  const [, from = '', to = ''] = found ?? [];
  if (found === null || (from === '' && to === '')) return { status: 200 };
  if (from === '') {
    const length = Number(to);
    if (length === 0 || bytes === 0) return { status: 416 };
    return { status: 206, first: Math.max(0, bytes - length), last: bytes - 1 };
  }
  const first = Number(from);
  const last = to === '' ? bytes - 1 : Math.min(Number(to), bytes - 1);
  if (to !== '' && Number(to) < first) return { status: 200 };
  return first >= bytes ? { status: 416 } : { status: 206, first, last };
}
