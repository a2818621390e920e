/**
 * Mapbox Vector Tiles 2.1 of points, in the squares of web maps (EPSG 3857, the tile matrix set
 * WebMercatorQuad): a tile holds what lies in it and in a rim around it, so that symbols on an edge
 * are drawn whole by both neighbours.
 */
import { setImmediate } from 'node:timers/promises';

import encode from 'vt-pbf';

import type { MapFeature, Tags } from './collections.ts';

export interface TileAddress {
  readonly zoom: number;
  readonly column: number;
  readonly row: number;
}

const extent = 4_096;
/** Features whose tags are made in one turn of the event loop: some milliseconds. */
const featuresPerTurn = 500;
/** A sixteenth of a tile: 32 of 512 pixels. */
const rim = extent / 16;
/** Web Mercator ends here; beyond it nothing can be shown. */
const latitudeMax = 85.051_128_779_806_59;

/** Of the square world: from the north-west corner, 0 to 1. */
function unitOf(longitude: number, latitude: number): readonly [number, number] {
  const sine = Math.sin((latitude * Math.PI) / 180);
  return [(longitude + 180) / 360, 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)];
}

/** Those that the tile shows, with their places in it. */
export function placeInTile(
  features: readonly MapFeature[],
  { zoom, column, row }: TileAddress,
): { readonly feature: MapFeature; readonly x: number; readonly y: number }[] {
  const tiles = 2 ** zoom;
  return features.flatMap((feature) => {
    const { longitude, latitude } = feature.point;
    if (Math.abs(latitude) > latitudeMax) return [];
    const [across, down] = unitOf(longitude, latitude);
    const x = Math.round((across * tiles - column) * extent);
    const y = Math.round((down * tiles - row) * extent);
    const isShown = x >= -rim && x <= extent + rim && y >= -rim && y <= extent + rim;
    return isShown ? [{ feature, x, y }] : [];
  });
}

/** The tile's bytes, of one layer. */
export async function encodeTile(
  layer: string,
  placed: ReturnType<typeof placeInTile>,
): Promise<Buffer> {
  const features: { type: number; geometry: number[][]; tags: Tags }[] = [];
  for (const [index, { feature, x, y }] of placed.entries()) {
    if (index % featuresPerTurn === featuresPerTurn - 1) await setImmediate();
    features.push({ type: 1, geometry: [[x, y]], tags: feature.tags() });
  }
  return Buffer.from(encode.fromGeojsonVt({ [layer]: { features } }, { version: 2, extent }));
}
