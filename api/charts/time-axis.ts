/** The axis of time: ticks at whole steps of the clock and the calendar on the station's wall. */
import type { LocalTime } from '../../ingest/observations/local-time.ts';
import type { Language } from '../page-words.ts';
import { windowOf, type WindowName } from '../windows/window.ts';

export interface TimeTick {
  readonly at: number;
  readonly text: string;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const clockSteps = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720].map(
  (minutes) => minutes * minuteMs,
);
/** Days, months and years between two ticks, by how long they are about. */
const calendarSteps: readonly (readonly [WindowName, number, number])[] = [
  ['P1D', 1, dayMs],
  ['P1D', 2, 2 * dayMs],
  ['P1D', 5, 5 * dayMs],
  ['P1D', 10, 10 * dayMs],
  ['P1M', 1, 31 * dayMs],
  ['P1M', 3, 92 * dayMs],
  ['P1M', 6, 184 * dayMs],
  ['P1Y', 1, 366 * dayMs],
  ['P1Y', 2, 2 * 366 * dayMs],
  ['P1Y', 5, 5 * 366 * dayMs],
  ['P1Y', 10, 10 * 366 * dayMs],
  ['P1Y', 50, 50 * 366 * dayMs],
  ['P1Y', 500, 500 * 366 * dayMs],
];
/** Enough for any step of the lists over any span that they are chosen for. */
const ticksMax = 200;

/** Ticks in [fromAt, toAt], at most about so many. */
export function timeTicks(
  span: { readonly fromAt: number; readonly toAt: number },
  ticksWanted: number,
  { time, language }: { readonly time: LocalTime; readonly language: Language },
): readonly TimeTick[] {
  const stepMs = (span.toAt - span.fromAt) / Math.max(1, ticksWanted);
  const clock = clockSteps.find((each) => each >= stepMs);
  if (clock !== undefined) {
    return clockTicks(span, clock, time).map((at) => ({ at, text: clockText(at, time, language) }));
  }
  const [name, every] = calendarSteps.find(([, , lengthMs]) => lengthMs >= stepMs) ?? [
    'P1Y',
    5_000,
  ];
  return calendarTicks(span, name, { every, time }).map((at) => ({
    at,
    text: calendarText(name, new Date(at + time.offsetMs(at)), language),
  }));
}

function clockTicks(
  { fromAt, toAt }: { readonly fromAt: number; readonly toAt: number },
  stepMs: number,
  time: LocalTime,
): number[] {
  const ticks: number[] = [];
  const first = fromAt + time.offsetMs(fromAt);
  for (let wall = Math.ceil(first / stepMs) * stepMs; ticks.length < ticksMax; wall += stepMs) {
    const guess = wall - time.offsetMs(fromAt);
    const at = wall - time.offsetMs(wall - time.offsetMs(guess));
    if (at > toAt) break;
    // A change of the clock leaves hours out, or repeats them.
    if (at >= fromAt && at > (ticks.at(-1) ?? -Infinity)) ticks.push(at);
  }
  return ticks;
}

function calendarTicks(
  { fromAt, toAt }: { readonly fromAt: number; readonly toAt: number },
  name: WindowName,
  { every, time }: { readonly every: number; readonly time: LocalTime },
): number[] {
  if (name === 'P1Y') return yearTicks({ fromAt, toAt }, every, time);
  const ticks: number[] = [];
  let at = windowOf(name, fromAt, time).endAt;
  for (let steps = 0; at <= toAt && steps < ticksMax * every; steps++) {
    if (isTick(name, new Date(at + time.offsetMs(at)), every)) ticks.push(at);
    at = windowOf(name, at + 1, time).endAt;
  }
  return ticks;
}

/** Each by itself: there may be thousands of years between them. */
function yearTicks(
  { fromAt, toAt }: { readonly fromAt: number; readonly toAt: number },
  every: number,
  time: LocalTime,
): number[] {
  const first = Math.ceil(new Date(fromAt).getUTCFullYear() / every) * every;
  const last = new Date(toAt).getUTCFullYear() + 1;
  const count = Math.min(ticksMax, Math.floor((last - first) / every) + 1);
  const inYear = new Date(0);
  return Array.from({ length: Math.max(0, count) }, (_, index) => {
    const inside = inYear.setUTCFullYear(first + index * every, 6, 1);
    return windowOf('P1Y', inside, time).startAt;
  }).filter((at) => at >= fromAt && at <= toAt);
}

/** Every second day of a month, each quarter: never two ticks close to each other. */
function isTick(name: WindowName, wall: Date, every: number): boolean {
  if (name === 'P1M') return wall.getUTCMonth() % every === 0;
  const day = wall.getUTCDate() - 1;
  return day % every === 0 && (every === 1 || day + every <= 31);
}

const two = (value: number): string => String(value).padStart(2, '0');
const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** The hour, and at midnight the day. */
function clockText(at: number, time: LocalTime, language: Language): string {
  const wall = new Date(at + time.offsetMs(at));
  const minutes = wall.getUTCHours() * 60 + wall.getUTCMinutes();
  if (minutes === 0) return calendarText('P1D', wall, language);
  return `${two(wall.getUTCHours())}:${two(wall.getUTCMinutes())}`;
}

function calendarText(name: WindowName, wall: Date, language: Language): string {
  const year = String(wall.getUTCFullYear());
  const month = wall.getUTCMonth();
  if (name === 'P1Y') return year;
  if (name === 'P1M')
    return language === 'vi' ? `${two(month + 1)}/${year}` : `${months[month]} ${year}`;
  const day = wall.getUTCDate();
  return language === 'vi' ? `${two(day)}/${two(month + 1)}` : `${day} ${months[month]}`;
}

/** A day and a time of it, with the year. */
export function instantText(at: number, time: LocalTime, language: Language): string {
  const wall = new Date(at + time.offsetMs(at));
  const date = `${calendarText('P1D', wall, language)}${language === 'vi' ? '/' : ' '}${wall.getUTCFullYear()}`;
  return `${date} ${two(wall.getUTCHours())}:${two(wall.getUTCMinutes())}`;
}

/** `UTC+07:00`. */
export function offsetText(at: number, time: LocalTime): string {
  const minutes = Math.abs(time.offsetMs(at)) / minuteMs;
  const sign = time.offsetMs(at) < 0 ? '−' : '+';
  return `UTC${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
