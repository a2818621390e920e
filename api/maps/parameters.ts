/** What a request for features says: where, when, in which coordinates. */
import { readInstant } from '../instant.ts';
import { badParameter } from '../errors.ts';
import type { MapFeature } from './collections.ts';
import { readSystem, type CoordinateSystem } from './coordinates.ts';

export type Passes = (feature: MapFeature) => boolean;

const number = /^[+-]?\d{1,12}(\.\d{1,15})?$/;

/**
 * `bbox` of four or six numbers in the axes of `bbox-crs`; heights are passed over, since places are
 * shown flat. In longitudes a west above the east crosses 180° (OGC 17-069r4, 7.15.3).
 */
export function readBox(text: string | undefined, system: CoordinateSystem): Passes {
  if (text === undefined) return () => true;
  const parts = text.split(',').map((part) => part.trim());
  const isRight =
    (parts.length === 4 || parts.length === 6) && parts.every((each) => number.test(each));
  if (!isRight)
    throw badParameter('bbox', 'four or six numbers: the lower corner, then the upper one');
  const [a = 0, b = 0, c = 0, d = 0] = (
    parts.length === 4 ? parts : [parts[0], parts[1], parts[3], parts[4]]
  ).map(Number);
  const wraps = readSystem(undefined, 'bbox-crs').uri === system.uri && a > c;
  if ((a > c && !wraps) || b > d) throw badParameter('bbox', 'the lower corner first');
  return ({ point }) => {
    const [x, y] = system.project(point.longitude, point.latitude);
    const isAcross = wraps ? x >= a || x <= c : x >= a && x <= c;
    return isAcross && y >= b && y <= d;
  };
}

/** `datetime`: an instant, or an interval open with `..` or nothing at one end (OGC 17-069r4, 7.15.4). */
export function readTime(text: string | undefined): Passes {
  if (text === undefined) return () => true;
  const [from, to, ...more] = text.split('/');
  const isInterval = to !== undefined;
  if (more.length > 0 || (isInterval && isOpen(from) && isOpen(to))) {
    throw badParameter('datetime', 'an instant, or start/end with at most one end open');
  }
  const fromAt = isOpen(from) && isInterval ? -Infinity : readInstant(from ?? '', 'datetime');
  const toAt = !isInterval ? fromAt : isOpen(to) ? Infinity : readInstant(to, 'datetime');
  if (fromAt > toAt) throw badParameter('datetime', 'the start before the end');
  // What has no time is there at any time.
  return ({ time }) => time === null || (time[1] >= fromAt && time[0] <= toAt);
}

function isOpen(text: string | undefined): boolean {
  return text === undefined || text === '' || text === '..';
}
