import type { Datastream, ObservedProperty, Owner, Station } from '../../devices/model.ts';
import { attributionOf, licenceOf, readLicence, usualLicence } from '../../devices/licence.ts';
import { embargoOf, visibilityOf } from '../../devices/visible.ts';
import type { NetworkView } from '../network.ts';
import { datastreamNodes, ownerNodes, propertyNodes, stationNodes } from './registry-linked.ts';
import type { Table } from './table.ts';

export function stationTable(view: NetworkView, base: string): Table<Station> {
  return {
    columns: [
      'id',
      'nameVi',
      'nameEn',
      'owner',
      'class',
      'latitude',
      'longitude',
      'altitudeMetres',
      'publicPrecisionMetres',
      'timeZone',
      'province',
      'commune',
      'kind',
    ],
    json: (station) => JSON.stringify(stationObject(view, station)),
    cells(station) {
      const { latitude, longitude } = view.placeOf(station);
      const today = (station.administrative ?? []).find((each) => each.to === undefined);
      return [
        station.id,
        station.name.vi,
        station.name.en,
        station.owner,
        station.class,
        latitude,
        longitude,
        station.altitudeMetres,
        station.publicPrecisionMetres,
        station.timeZone,
        today?.province,
        today?.commune,
        station.kind,
      ];
    },
    licence: ({ owner }) =>
      readLicence(view.registry.owners.get(owner)?.licence ?? usualLicence).uri,
    writers: { jsonld: stationNodes(view, base) },
    id: (station) => station.id,
    point: (station) => ({
      ...view.placeOf(station),
      altitudeMetres: station.altitudeMetres,
    }),
  };
}

function stationObject(view: NetworkView, station: Station): object {
  const { latitude, longitude } = view.placeOf(station);
  return {
    id: station.id,
    name: station.name,
    owner: station.owner,
    class: station.class,
    kind: station.kind,
    latitude,
    longitude,
    altitudeMetres: station.altitudeMetres,
    publicPrecisionMetres: station.publicPrecisionMetres,
    timeZone: station.timeZone,
    administrative: station.administrative ?? [],
    datastreams: view.datastreamsOf(station.id).map((datastream) => datastream.id),
  };
}

export function datastreamTable(view: NetworkView, base: string): Table<Datastream> {
  return {
    columns: [
      'id',
      'station',
      'slug',
      'property',
      'unit',
      'aggregation',
      'intervalMs',
      'heightMetres',
      'visibility',
      'licence',
      'attribution',
      'embargoUntil',
    ],
    json: (datastream) => JSON.stringify(datastreamObject(view, datastream)),
    cells: (datastream) => [
      datastream.id,
      datastream.station,
      datastream.slug,
      datastream.property,
      view.registry.properties.get(datastream.property)?.unit,
      datastream.aggregation,
      datastream.intervalMs,
      datastream.heightMetres,
      visibilityOf(view.registry, datastream),
      licenceOf(view.registry, datastream).id,
      attributionOf(view.registry, datastream),
      embargoOf(view.registry, datastream),
    ],
    licence: (datastream) => licenceOf(view.registry, datastream).uri,
    writers: { jsonld: datastreamNodes(view, base) },
    id: (datastream) => datastream.id,
    point(datastream) {
      const station = view.registry.stations.get(datastream.station);
      return station === undefined ? null : view.placeOf(station);
    },
  };
}

function datastreamObject(view: NetworkView, datastream: Datastream): object {
  return {
    id: datastream.id,
    station: datastream.station,
    slug: datastream.slug,
    property: datastream.property,
    unit: view.registry.properties.get(datastream.property)?.unit ?? '1',
    aggregation: datastream.aggregation,
    intervalMs: datastream.intervalMs,
    heightMetres: datastream.heightMetres,
    visibility: visibilityOf(view.registry, datastream),
    licence: licenceOf(view.registry, datastream).id,
    attribution: attributionOf(view.registry, datastream),
    embargoUntil: embargoOf(view.registry, datastream),
  };
}

/** Counts are of datastreams that the viewer sees. */
export function propertyTable(view: NetworkView, base: string): Table<ObservedProperty> {
  const counts = new Map<string, number>();
  for (const { property } of view.datastreams)
    counts.set(property, (counts.get(property) ?? 0) + 1);
  const countOf = (property: ObservedProperty) => counts.get(property.id) ?? 0;
  return {
    columns: ['id', 'labelVi', 'labelEn', 'unit', 'domain', 'basis', 'min', 'max', 'datastreams'],
    json: (property) => JSON.stringify(propertyObject(property, countOf(property))),
    cells: (property) => [
      property.id,
      property.label.vi,
      property.label.en,
      property.unit,
      property.domain,
      property.basis,
      property.plausible.min,
      property.plausible.max,
      countOf(property),
    ],
    writers: { jsonld: propertyNodes(base) },
    id: (property) => property.id,
    point: () => null,
  };
}

function propertyObject(property: ObservedProperty, datastreams: number): object {
  const { id, label, unit, domain, basis, plausible, expected, circular, links } = property;
  return { id, label, unit, domain, basis, plausible, expected, circular, links, datastreams };
}

export function ownerTable(view: NetworkView, base: string): Table<Owner> {
  const counts = new Map<string, number>();
  for (const { owner } of view.stations) counts.set(owner, (counts.get(owner) ?? 0) + 1);
  return {
    columns: [
      'id',
      'nameVi',
      'nameEn',
      'kind',
      'code',
      'parent',
      'licence',
      'attribution',
      'stations',
    ],
    json: (owner) => JSON.stringify(ownerObject(view, owner, counts.get(owner.id) ?? 0)),
    cells: (owner) => [
      owner.id,
      owner.name.vi,
      owner.name.en,
      owner.kind,
      owner.code,
      parentOf(view, owner),
      owner.licence,
      owner.attribution,
      counts.get(owner.id) ?? 0,
    ],
    licence: (owner) => readLicence(owner.licence ?? usualLicence).uri,
    writers: { jsonld: ownerNodes(view, base) },
    id: (owner) => owner.id,
    point: () => null,
  };
}

/** A parent body that the viewer does not see has no id for them. */
function parentOf(view: NetworkView, { parent }: Owner): string | undefined {
  return parent !== undefined && view.seesOwner(parent) ? parent : undefined;
}

function ownerObject(view: NetworkView, owner: Owner, stations: number): object {
  const { id, name, kind, code, licence, attribution } = owner;
  const parent = parentOf(view, owner);
  return { id, name, kind, code, parent, licence, attribution, stations };
}
