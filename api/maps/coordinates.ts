/**
 * Coordinate systems that places are given in: WGS 84 and VN-2000, the national one, in degrees and
 * in all its zones. Definitions, zones and the shift to WGS 84 are those of the EPSG dataset
 * v11.022: operation 6960, "VN-2000 to WGS 84 (2)", good to 1 m; its rotations are of the coordinate
 * frame, so their signs are turned for `+towgs84`, which takes those of the position vector.
 */
import proj4 from 'proj4';

import { badParameter } from '../errors.ts';

export interface CoordinateSystem {
  /** As OGC names it. */
  readonly uri: string;
  readonly name: string;
  /** From degrees of WGS 84 to two numbers in the order of this system's axes. */
  project(longitude: number, latitude: number): readonly [number, number];
}

const shift =
  '+towgs84=-191.90441429,-39.30318279,-111.45032835,0.00928836,-0.01975479,0.00427372,0.252906278';
const wgs84 = '+proj=longlat +datum=WGS84 +no_defs';

const epsgUri = (code: number): string => `http://www.opengis.net/def/crs/EPSG/0/${code}`;

export const crs84 = 'http://www.opengis.net/def/crs/OGC/1.3/CRS84';

/** Central meridians of the zones of three degrees, by EPSG code (scale 0.9999). */
const zones: readonly (readonly [number, string, number])[] = [
  [5896, 'TM-3 zone 481', 102],
  [9205, 'TM-3 103-00', 103],
  [9206, 'TM-3 104-00', 104],
  [9207, 'TM-3 104-30', 104.5],
  [9208, 'TM-3 104-45', 104.75],
  [5897, 'TM-3 zone 482', 105],
  [9209, 'TM-3 105-30', 105.5],
  [9210, 'TM-3 105-45', 105.75],
  [9211, 'TM-3 106-00', 106],
  [9212, 'TM-3 106-15', 106.25],
  [9213, 'TM-3 106-30', 106.5],
  [9214, 'TM-3 107-00', 107],
  [9215, 'TM-3 107-15', 107.25],
  [9216, 'TM-3 107-30', 107.5],
  [5899, 'TM-3 107-45', 107.75],
  [5898, 'TM-3 zone 491', 108],
  [9217, 'TM-3 108-15', 108.25],
  [9218, 'TM-3 108-30', 108.5],
];

/** Millimetres, and a tenth of one on the ground for degrees: what the shift is good to is far more. */
const metreDigits = 3;
const degreeDigits = 9;

function round(value: number, digits: number): number {
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor;
}

function inDegrees(code: number, name: string, definition: string | undefined): CoordinateSystem {
  const converter = definition === undefined ? undefined : proj4(wgs84, definition);
  return {
    uri: epsgUri(code),
    name,
    // The axes of both systems are latitude, longitude.
    project(longitude, latitude) {
      if (converter === undefined) return [latitude, longitude];
      const [x = Number.NaN, y = Number.NaN] = converter.forward([longitude, latitude]);
      return [round(y, degreeDigits), round(x, degreeDigits)];
    },
  };
}

function inMetres(code: number, name: string, definition: string): CoordinateSystem {
  const converter = proj4(wgs84, `${definition} +ellps=WGS84 ${shift} +units=m +no_defs`);
  return {
    uri: epsgUri(code),
    name: `VN-2000 / ${name}`,
    // Easting, northing; survey records in Viet Nam write the northing first and call it X.
    project(longitude, latitude) {
      const [x = Number.NaN, y = Number.NaN] = converter.forward([longitude, latitude]);
      return [round(x, metreDigits), round(y, metreDigits)];
    },
  };
}

let made: readonly CoordinateSystem[] | undefined;

/** All of them, that of GeoJSON first. Made when they are first asked for. */
export function coordinateSystems(): readonly CoordinateSystem[] {
  made ??= [
    {
      uri: crs84,
      name: 'WGS 84, longitude, latitude',
      project: (longitude, latitude) => [longitude, latitude],
    },
    inDegrees(4326, 'WGS 84', undefined),
    inDegrees(4756, 'VN-2000', `+proj=longlat +ellps=WGS84 ${shift} +no_defs`),
    inMetres(3405, 'UTM zone 48N', '+proj=utm +zone=48'),
    inMetres(3406, 'UTM zone 49N', '+proj=utm +zone=49'),
    ...zones.map(([code, name, meridian]) =>
      inMetres(code, name, `+proj=tmerc +lat_0=0 +lon_0=${meridian} +k=0.9999 +x_0=500000 +y_0=0`),
    ),
  ];
  return made;
}

/** By its address or as `EPSG:3405`; that of GeoJSON where none is named. Throws API_PARAMETER_INVALID. */
export function readSystem(text: string | undefined, parameter: string): CoordinateSystem {
  const wanted = text?.trim() ?? crs84;
  const code = /^EPSG:(\d{4,5})$/i.exec(wanted)?.[1];
  const uri = code === undefined ? wanted : epsgUri(Number(code));
  const found = coordinateSystems().find((each) => each.uri === uri);
  if (found === undefined) {
    const known = coordinateSystems().map((each) => each.uri);
    throw badParameter(parameter, `one of ${known.join(', ')}`);
  }
  return found;
}
