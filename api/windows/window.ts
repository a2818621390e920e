/**
 * Windows of time in a station's local calendar. A window holds what ends in (start, end] and is
 * named by its end, so the hour 07:00 is 06:00 to 07:00, and midnight belongs to the day before.
 */
import type { LocalTime } from '../../ingest/observations/local-time.ts';

export const windowNames = ['PT1M', 'PT1H', 'P1D', 'P1M', 'P1Y'] as const;
export type WindowName = (typeof windowNames)[number];

export interface TimeWindow {
  readonly startAt: number;
  readonly endAt: number;
}

const minuteMs = 60_000;
const quarterMs = 900_000;
const hourMs = 3_600_000;
/** No zone keeps an offset for less. */
const zoneStepMs = 25 * 86_400_000;

/** The window that an interval or instant ending at `at` belongs to. */
export function windowOf(name: WindowName, at: number, time: LocalTime): TimeWindow {
  if (name === 'PT1M') return clockWindow(minuteMs, at, time);
  if (name === 'PT1H') return clockWindow(hourMs, at, time);
  const inside = at - 1;
  const local = new Date(inside + time.offsetMs(inside));
  const year = local.getUTCFullYear();
  const month = local.getUTCMonth();
  const day = local.getUTCDate();
  if (name === 'P1D') {
    return { startAt: utcOf(year, month, day, time), endAt: utcOf(year, month, day + 1, time) };
  }
  if (name === 'P1M') {
    return { startAt: utcOf(year, month, 1, time), endAt: utcOf(year, month + 1, 1, time) };
  }
  return { startAt: utcOf(year, 0, 1, time), endAt: utcOf(year + 1, 0, 1, time) };
}

/**
 * Minutes and hours of the clock on the wall; the offset just before the end is theirs. Where the
 * clock changes by less than an hour (Lord Howe), an hour begins or ends with the change.
 */
function clockWindow(lengthMs: number, at: number, time: LocalTime): TimeWindow {
  const offset = time.offsetMs(at - 1);
  const endAt = Math.ceil((at + offset) / lengthMs) * lengthMs - offset;
  const startAt = endAt - lengthMs;
  if (time.offsetMs(startAt) === offset && time.offsetMs(endAt - 1) === offset) {
    return { startAt, endAt };
  }
  const changes = quartersOf(startAt, endAt).filter(
    (each) => time.offsetMs(each) !== time.offsetMs(each - 1),
  );
  return {
    startAt: changes.findLast((each) => each < at) ?? startAt,
    endAt: changes.find((each) => each >= at) ?? endAt,
  };
}

/** Zones change at whole quarters of an hour of UTC. */
function quartersOf(fromAt: number, toAt: number): number[] {
  const first = Math.floor(fromAt / quarterMs + 1) * quarterMs;
  const count = Math.max(0, Math.ceil((toAt - first) / quarterMs));
  return Array.from({ length: count }, (_, index) => first + index * quarterMs);
}

/** The instant at which a local day begins: its first, where a change of the clock repeats it. */
function utcOf(year: number, month: number, day: number, time: LocalTime): number {
  const wall = new Date(0);
  wall.setUTCFullYear(year, month, day);
  wall.setUTCHours(0, 0, 0, 0);
  const local = wall.getTime();
  const before = local - time.offsetMs(local - 86_400_000);
  const after = local - time.offsetMs(local + 86_400_000);
  // The two differ only around a change of the offset; the one that is true on the wall wins.
  const candidates = [Math.min(before, after), Math.max(before, after)];
  return candidates.find((at) => at + time.offsetMs(at) === local) ?? Math.max(before, after);
}

/** True where hours of the UTC clock are hours of the wall clock throughout the window. */
export function isWholeHours(window: TimeWindow, time: LocalTime): boolean {
  for (let at = window.startAt; at < window.endAt; at += zoneStepMs) {
    if (time.offsetMs(at) % hourMs !== 0) return false;
  }
  return time.offsetMs(window.endAt) % hourMs === 0;
}
