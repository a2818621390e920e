/** Features of a collection as GeoJSON, a page at a time, in any coordinate system that is offered. */
import { setImmediate } from 'node:timers/promises';

import type { Point } from '../formats/table.ts';
import type { Collected, MapFeature } from './collections.ts';
import { crs84, type CoordinateSystem } from './coordinates.ts';
import type { Passes } from './parameters.ts';

export interface PageOptions {
  readonly collected: Collected;
  readonly passes: Passes;
  readonly system: CoordinateSystem;
  /** Id of the last feature of the page before. */
  readonly after: string | undefined;
  readonly limit: number;
}

export interface FeaturePage {
  readonly texts: readonly string[];
  /** Features of all pages. */
  readonly matched: number;
  /** Id to go on behind; undefined on the last page. */
  readonly next: string | undefined;
}

/** Features made into text in one turn of the event loop: some milliseconds. */
const featuresPerTurn = 1_000;

export async function pageOf(options: PageOptions): Promise<FeaturePage> {
  const { collected, passes, system, after, limit } = options;
  const matching = collected.features.filter(passes);
  const begin = after === undefined ? 0 : matching.findIndex(({ id }) => id > after);
  const shown = begin < 0 ? [] : matching.slice(begin, begin + limit);
  const texts: string[] = [];
  for (let from = 0; from < shown.length; from += featuresPerTurn) {
    if (from > 0) await setImmediate();
    for (const feature of shown.slice(from, from + featuresPerTurn)) {
      texts.push(featureText(feature, system));
    }
  }
  const isLast = begin < 0 || begin + limit >= matching.length;
  return { texts, matched: matching.length, next: isLast ? undefined : shown.at(-1)?.id };
}

/** `links` are members behind the others, already as JSON. */
export function featureText(feature: MapFeature, system: CoordinateSystem, links = ''): string {
  const geometry = { type: 'Point', coordinates: coordinatesOf(feature.point, system) };
  return (
    `{"type":"Feature","id":${JSON.stringify(feature.id)},` +
    `"geometry":${JSON.stringify(geometry)},"properties":${feature.json()}${links}}`
  );
}

/** The height above sea stands only beside longitude and latitude: the other systems are flat. */
function coordinatesOf({ longitude, latitude, altitudeMetres }: Point, system: CoordinateSystem) {
  const flat = system.project(longitude, latitude);
  return system.uri === crs84 && altitudeMetres !== undefined ? [...flat, altitudeMetres] : flat;
}
