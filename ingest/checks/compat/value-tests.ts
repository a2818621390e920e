import type { Digit } from '../check.ts';

/**
 * QARTOD tests bit by bit as ioos_qc defines them (ioos/ioos_qc: qartod.py, axds.py), edges included,
 * over whole arrays: `compat: ioos`. The platform judges by the checks beside this folder, whose
 * deviations are six and named; these functions are what the deviations are measured against.
 *
 * NaN stands for missing, in values, times (ms UTC) and depths alike.
 */
interface Span {
  readonly min: number;
  readonly max: number;
}

/** Sorted as given, bounds inclusive. An infinite value is outside, not missing. */
export function grossRange(
  values: readonly number[],
  failSpan: readonly [number, number],
  suspectSpan?: readonly [number, number],
): Digit[] {
  const fail = sorted(failSpan);
  const suspect = suspectSpan === undefined ? fail : sorted(suspectSpan);
  if (suspect.min < fail.min || suspect.max > fail.max) {
    throw new RangeError('The suspect span lies outside the fail span');
  }
  return values.map((value) => {
    if (Number.isNaN(value)) return 9;
    if (!isWithin(value, fail)) return 4;
    return isWithin(value, suspect) ? 1 : 3;
  });
}

/** Valid range of axds: the end of the span is exclusive unless said otherwise. */
export function validRange(
  values: readonly number[],
  span: readonly [number, number],
  inclusive: { readonly start: boolean; readonly end: boolean } = { start: true, end: false },
): Digit[] {
  const [start, end] = span;
  return values.map((value) => {
    if (Number.isNaN(value)) return 9;
    const isAbove = inclusive.start ? value >= start : value > start;
    const isBelow = inclusive.end ? value <= end : value < end;
    return isAbove && isBelow ? 1 : 4;
  });
}

type Period = 'month' | 'week' | 'dayofyear' | 'dayofweek' | 'quarter' | 'year';

export interface ClimatologyMember {
  /** Instants (ms UTC), or numbers of the period where one is named. */
  readonly timeSpan: readonly [number, number];
  readonly valueSpan: readonly [number, number];
  readonly failSpan?: readonly [number, number];
  readonly depthSpan?: readonly [number, number];
  readonly period?: Period;
}

/**
 * Spans of time and depth are inclusive, and a later member overwrites an earlier one. A member
 * with depths judges values that have one, a member without judges those that have none. A missing
 * value is 9: that it once came out as good is an accident of a library, and not copied.
 */
export function climatology(
  members: readonly ClimatologyMember[],
  values: readonly number[],
  times: readonly number[],
  depths: readonly number[] = [],
): Digit[] {
  return values.map((value, at) => {
    if (Number.isNaN(value)) return 9;
    const depth = depths[at] ?? Number.NaN;
    let digit: Digit = 2;
    for (const member of members) {
      if (isOfMember(member, times[at] ?? Number.NaN, depth)) digit = memberDigit(member, value);
    }
    return digit;
  });
}

function isOfMember(member: ClimatologyMember, at: number, depth: number): boolean {
  const when = member.period === undefined ? at : periodOf(at, member.period);
  if (!isWithin(when, sorted(member.timeSpan))) return false;
  if (member.depthSpan === undefined) return Number.isNaN(depth);
  return isWithin(depth, sorted(member.depthSpan));
}

function memberDigit(member: ClimatologyMember, value: number): Digit {
  if (member.failSpan !== undefined && !isWithin(value, sorted(member.failSpan))) return 4;
  return isWithin(value, sorted(member.valueSpan)) ? 1 : 3;
}

const dayMs = 86_400_000;

/** Number of the period in UTC: months and quarters from 1, ISO weeks, Monday 0, days of year from 1. */
function periodOf(at: number, period: Period): number {
  const date = new Date(at);
  const dayOfYear = Math.floor((at - Date.UTC(date.getUTCFullYear(), 0, 1)) / dayMs) + 1;
  const dayOfWeek = (date.getUTCDay() + 6) % 7;
  switch (period) {
    case 'year':
      return date.getUTCFullYear();
    case 'quarter':
      return Math.floor(date.getUTCMonth() / 3) + 1;
    case 'month':
      return date.getUTCMonth() + 1;
    case 'dayofyear':
      return dayOfYear;
    case 'dayofweek':
      return dayOfWeek;
    case 'week': {
      // ISO 8601: the week of the year that holds its Thursday.
      const thursday = new Date(at + (3 - dayOfWeek) * dayMs);
      const firstAt = Date.UTC(thursday.getUTCFullYear(), 0, 1);
      return Math.floor((thursday.getTime() - firstAt) / dayMs / 7) + 1;
    }
  }
}

/** Only one coordinate fails, none is missing; the null island passes. */
export function location(
  longitudes: readonly number[],
  latitudes: readonly number[],
  box: readonly [number, number, number, number] = [-180, -90, 180, 90],
): Digit[] {
  const [west, south, east, north] = box;
  return longitudes.map((longitude, at) => {
    const latitude = latitudes[at] ?? Number.NaN;
    const missing = Number(Number.isNaN(longitude)) + Number(Number.isNaN(latitude));
    if (missing === 2) return 9;
    if (missing === 1) return 4;
    const isInside =
      longitude >= west && longitude <= east && latitude >= south && latitude <= north;
    return isInside ? 1 : 4;
  });
}

function sorted([left, right]: readonly [number, number]): Span {
  return left <= right ? { min: left, max: right } : { min: right, max: left };
}

function isWithin(value: number, span: Span): boolean {
  return value >= span.min && value <= span.max;
}
