import { provinceOf } from '../../devices/administrative.ts';
import type { Station } from '../../devices/model.ts';
import type { NetworkView } from '../network.ts';

/** Degrees; of places as the viewer may know them. */
export interface Box {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}

/** A province as it is called today. */
export interface Place {
  readonly code: string;
  readonly name: string;
}

/** Undefined of no stations. A box never crosses 180°: then it goes around the whole Earth. */
export function boxOf(view: NetworkView, stations: readonly Station[]): Box | undefined {
  if (stations.length === 0) return undefined;
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const station of stations) {
    const { latitude, longitude } = view.placeOf(station);
    west = Math.min(west, longitude);
    east = Math.max(east, longitude);
    south = Math.min(south, latitude);
    north = Math.max(north, latitude);
  }
  return { west, south, east, north };
}

/** Provinces in which the stations are on this day, by code. */
export function placesOf(stations: readonly Station[], today: string): readonly Place[] {
  const places = new Map<string, Place>();
  for (const { administrative = [] } of stations) {
    const now = administrative.find(
      ({ from, to }) => from <= today && (to === undefined || to > today),
    );
    if (now === undefined) continue;
    const name = provinceOf(now.province, today)?.name ?? now.province;
    places.set(now.province, { code: now.province, name });
  }
  return [...places.values()].sort((a, b) => (a.code < b.code ? -1 : 1));
}

/** WKT of the closed ring; longitude first, as CRS84 has it. */
export function wktOf({ west, south, east, north }: Box): string {
  return `POLYGON((${west} ${south},${east} ${south},${east} ${north},${west} ${north},${west} ${south}))`;
}
