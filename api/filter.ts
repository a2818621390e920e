/** The filters that all feeds share, from text to the datastreams and stations that they let through. */
import { z } from 'zod';

import type { Datastream, Station, StationClass } from '../devices/model.ts';
import { distanceMetres, type Place } from '../ingest/observations/public-place.ts';
import { apiError, badParameter, type ApiErrorCode } from './errors.ts';
import type { NetworkView } from './network.ts';

const list = (what: string) =>
  z.string().min(1).max(65_536).optional().describe(`One or more ${what}, separated by commas.`);

/** Members of every filtered query; values are text and are read by `readFilter`. */
export const filterQuery = {
  datastream: list('ids of datastreams'),
  station: list('ids of stations'),
  property: list('ids of observed properties'),
  owner: list('ids of owners'),
  class: list('station classes: reference, regulatory, enterprise, indicative, citizen'),
  province: list('province codes, of today or of any time'),
  bbox: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('minLon,minLat,maxLon,maxLat in degrees; minLon > maxLon crosses 180°.'),
  near: z.string().min(1).max(200).optional().describe('lon,lat,km: within so many kilometres.'),
} as const;

export type FilterQuery = { readonly [Name in keyof typeof filterQuery]?: string | undefined };

export interface Filter {
  readonly datastreams: ReadonlySet<string> | null;
  readonly stations: ReadonlySet<string> | null;
  readonly properties: ReadonlySet<string> | null;
  readonly owners: ReadonlySet<string> | null;
  readonly classes: ReadonlySet<string> | null;
  readonly provinces: ReadonlySet<string> | null;
  readonly contains: ((place: Place) => boolean) | null;
}

const classes: readonly StationClass[] = [
  'reference',
  'regulatory',
  'enterprise',
  'indicative',
  'citizen',
];
const decimal = /^[+-]?\d{1,9}(\.\d{1,15})?$/;

/** Throws API_PARAMETER_INVALID that names the parameter. */
export function readFilter(query: FilterQuery, valuesMax: number): Filter {
  const read = (name: keyof FilterQuery) => readList(query[name], name, valuesMax);
  return {
    datastreams: read('datastream'),
    stations: read('station'),
    properties: read('property'),
    owners: read('owner'),
    classes: readClasses(read('class')),
    provinces: read('province'),
    contains: bothOf(readBox(query.bbox), readCircle(query.near)),
  };
}

/** Every id that the filter names must exist for the viewer: else 404, whether hidden or unknown. */
function requireKnown(filter: Filter, view: NetworkView): void {
  const { registry } = view;
  const sees = (id: string) => {
    const datastream = registry.datastreams.get(id);
    return datastream !== undefined && view.sees(datastream.series);
  };
  requireEach(filter.datastreams, 'datastream', 'API_DATASTREAM_UNKNOWN', sees);
  requireEach(filter.stations, 'station', 'API_STATION_UNKNOWN', (id) => view.seesStation(id));
  requireEach(filter.properties, 'property', 'API_PROPERTY_UNKNOWN', (id) =>
    registry.properties.has(id),
  );
  requireEach(filter.owners, 'owner', 'API_OWNER_UNKNOWN', (id) => view.seesOwner(id));
}

/** Visible datastreams that the filter lets through, by id. */
export function selectDatastreams(view: NetworkView, filter: Filter): readonly Datastream[] {
  if (Object.values(filter).every((part) => part === null)) return view.datastreams;
  requireKnown(filter, view);
  const verdicts = new Map<string, boolean>();
  return candidatesOf(view, filter).filter((datastream) => {
    let passes = verdicts.get(datastream.station);
    if (passes === undefined) {
      const station = view.registry.stations.get(datastream.station);
      passes = station !== undefined && passesStation(view, filter, station);
      verdicts.set(datastream.station, passes);
    }
    return passes && passesDatastream(filter, datastream);
  });
}

/** Those that can pass, by id: a question about a few things must not look at the whole network. */
function candidatesOf(view: NetworkView, filter: Filter): readonly Datastream[] {
  const { datastreams, stations } = filter;
  if (datastreams !== null) {
    return [...datastreams]
      .sort((a, b) => (a < b ? -1 : 1))
      .flatMap((id) => view.registry.datastreams.get(id) ?? [])
      .filter(({ series }) => view.sees(series));
  }
  if (stations === null || stations.size > 100) return view.datastreams;
  return [...stations]
    .flatMap((id) => view.datastreamsOf(id))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Visible stations that the filter lets through, by id. */
export function selectStations(view: NetworkView, filter: Filter): readonly Station[] {
  requireKnown(filter, view);
  const needsDatastream = filter.datastreams !== null || filter.properties !== null;
  return view.stations.filter(
    (station) =>
      passesStation(view, filter, station) &&
      (!needsDatastream ||
        view.datastreamsOf(station.id).some((each) => passesDatastream(filter, each))),
  );
}

/** By the place as the viewer may know it, so that no filter tells more than the list does. */
export function passesStation(view: NetworkView, filter: Filter, station: Station): boolean {
  return (
    (filter.stations === null || filter.stations.has(station.id)) &&
    (filter.owners === null || filter.owners.has(station.owner)) &&
    (filter.classes === null || filter.classes.has(station.class)) &&
    passesProvince(filter, station) &&
    (filter.contains === null || filter.contains(view.placeOf(station)))
  );
}

export function passesDatastream(filter: Filter, datastream: Datastream): boolean {
  return (
    (filter.datastreams === null || filter.datastreams.has(datastream.id)) &&
    (filter.properties === null || filter.properties.has(datastream.property))
  );
}

function passesProvince({ provinces }: Filter, station: Station): boolean {
  if (provinces === null) return true;
  return (station.administrative ?? []).some((each) => provinces.has(each.province));
}

function requireEach(
  ids: ReadonlySet<string> | null,
  parameter: string,
  code: ApiErrorCode,
  exists: (id: string) => boolean,
): void {
  for (const id of ids ?? []) {
    if (!exists(id)) throw apiError(code, { parameter, value: id.slice(0, 100) });
  }
}

/** Distinct values of a comma-separated parameter, or null without one. */
export function readList(
  text: string | undefined,
  parameter: string,
  valuesMax: number,
): ReadonlySet<string> | null {
  if (text === undefined) return null;
  const values = text.split(',').map((value) => value.trim());
  if (values.length > valuesMax) throw badParameter(parameter, `at most ${valuesMax} values`);
  if (values.includes('')) throw badParameter(parameter, 'values separated by single commas');
  return new Set(values);
}

function readClasses(given: ReadonlySet<string> | null): ReadonlySet<string> | null {
  for (const value of given ?? []) {
    if (!(classes as readonly string[]).includes(value)) {
      throw badParameter('class', classes.join(', '));
    }
  }
  return given;
}

function readNumbers(text: string, parameter: string, expected: string): readonly number[] {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.length !== expected.split(',').length || !parts.every((part) => decimal.test(part))) {
    throw badParameter(parameter, expected);
  }
  return parts.map(Number);
}

function readBox(text: string | undefined): ((place: Place) => boolean) | null {
  if (text === undefined) return null;
  const expected = 'minLon,minLat,maxLon,maxLat';
  const [west = 0, south = 0, east = 0, north = 0] = readNumbers(text, 'bbox', expected);
  const isOnEarth = Math.abs(west) <= 180 && Math.abs(east) <= 180;
  if (!isOnEarth || south < -90 || north > 90 || south > north) {
    throw badParameter('bbox', `${expected} in degrees, minLat ≤ maxLat`);
  }
  return ({ latitude, longitude }) =>
    latitude >= south &&
    latitude <= north &&
    (west <= east
      ? longitude >= west && longitude <= east
      : longitude >= west || longitude <= east);
}

function readCircle(text: string | undefined): ((place: Place) => boolean) | null {
  if (text === undefined) return null;
  const [longitude = 0, latitude = 0, km = 0] = readNumbers(text, 'near', 'lon,lat,km');
  if (Math.abs(longitude) > 180 || Math.abs(latitude) > 90 || !(km > 0 && km <= 20_040)) {
    throw badParameter('near', 'lon,lat,km in degrees and kilometres, 0 < km ≤ 20040');
  }
  return (place) => distanceMetres({ latitude, longitude }, place) <= km * 1000;
}

function bothOf(
  first: ((place: Place) => boolean) | null,
  second: ((place: Place) => boolean) | null,
): ((place: Place) => boolean) | null {
  if (first === null || second === null) return first ?? second;
  return (place) => first(place) && second(place);
}
