import type { Digit } from './check.ts';

/**
 * QARTOD location of a measurement's own position: outside ±90/±180 or only one coordinate fails,
 * none at all is not evaluated. A position of exactly 0, 0 is a receiver without a fix, and suspect.
 */
export function locationDigit(latitude: number, longitude: number): Digit {
  const hasLatitude = !Number.isNaN(latitude);
  if (hasLatitude === Number.isNaN(longitude)) return 4;
  if (!hasLatitude) return 2;
  if (!(Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180)) return 4;
  return latitude === 0 && longitude === 0 ? 3 : 1;
}
