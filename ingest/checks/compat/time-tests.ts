import type { Digit } from '../check.ts';

/** Tests of times and of text as ioos_qc defines them. Times are ms UTC, NaN stands for none. */
const hourMs = 3_600_000;

/**
 * 4 on the later value of a gap longer than the span. After a missing time the step is unknown; the
 * first value has no step and takes the digit of the second.
 */
export function timeGap(times: readonly number[], failSpanMs = 2 * hourMs): Digit[] {
  const digits = times.map((at, place): Digit => {
    if (Number.isNaN(at)) return 9;
    const stepMs = at - (times[place - 1] ?? Number.NaN);
    if (Number.isNaN(stepMs)) return 2;
    return stepMs > failSpanMs ? 4 : 1;
  });
  if (digits.length > 1 && digits[0] !== 9) digits[0] = digits[1] === 9 ? 2 : (digits[1] ?? 2);
  return digits;
}

/** 4 where a value reached us later than the span. */
export function dataReception(
  times: readonly number[],
  receivedAt: number,
  failSpanMs = 6 * hourMs,
): Digit[] {
  return times.map((at) => {
    if (Number.isNaN(at)) return 9;
    return receivedAt - at > failSpanMs ? 4 : 1;
  });
}

/** 4 for a time that has not come yet. */
export function impossibleDate(times: readonly number[], now: number): Digit[] {
  return times.map((at) => {
    if (Number.isNaN(at)) return 9;
    return at > now ? 4 : 1;
  });
}

/** 3 on every member of a set of equal times. */
export function duplicateTimes(times: readonly number[]): Digit[] {
  const counts = new Map<number, number>();
  for (const at of times) counts.set(at, (counts.get(at) ?? 0) + 1);
  return times.map((at) => {
    if (Number.isNaN(at)) return 9;
    return (counts.get(at) ?? 0) > 1 ? 3 : 1;
  });
}

/** 4 where the count of characters, bytes or fields is not the expected one. */
export function syntax(
  lines: readonly string[],
  count: number,
  rule: { readonly of: 'characters' | 'bytes' | 'fields'; readonly delimiter?: string },
): Digit[] {
  return lines.map((line) => (countOf(line, rule) === count ? 1 : 4));
}

function countOf(line: string, rule: { readonly of: string; readonly delimiter?: string }): number {
  if (rule.of === 'bytes') return Buffer.byteLength(line);
  return rule.of === 'fields' ? line.split(rule.delimiter ?? ',').length : Array.from(line).length;
}
