/** Stations, datastreams, properties and owners in the terms of SOSA, SSN, SKOS and FOAF. */
import { readLicence, usualLicence } from '../../devices/licence.ts';
import type { Datastream, ObservedProperty, Owner, Station } from '../../devices/model.ts';
import type { NetworkView } from '../network.ts';
import { addressesAt, createLinkedWriter, qudtOf } from './linked.ts';
import type { ListWriter } from './table.ts';

type Nodes<Item> = () => ListWriter<Item>;
type NodeOf<Item> = (item: Item) => object;

function nodesOf<Item>(base: string, nodeOf: (item: Item) => object): Nodes<Item> {
  return () => createLinkedWriter(base, (item: Item) => JSON.stringify(nodeOf(item)));
}

export function stationNodes(view: NetworkView, base: string): Nodes<Station> {
  return nodesOf(base, stationNode(view, base));
}

export function stationNode(view: NetworkView, base: string): NodeOf<Station> {
  const addresses = addressesAt(base);
  return (station) => {
    const { latitude, longitude } = view.placeOf(station);
    const today = (station.administrative ?? []).find((each) => each.to === undefined);
    return {
      id: addresses.station(station.id),
      type: ['sosa:Platform', 'sosa:FeatureOfInterest'],
      identifier: station.id,
      label: station.name,
      publisher: addresses.owner(station.owner),
      lat: latitude,
      long: longitude,
      alt: station.altitudeMetres,
      publicPrecisionMetres: station.publicPrecisionMetres,
      class: station.class,
      kind: station.kind,
      timeZone: station.timeZone,
      province: today?.province,
      commune: today?.commune,
      hosts: view
        .datastreamsOf(station.id)
        .map((datastream) => `${addresses.datastream(datastream.id)}#sensor`),
    };
  };
}

export function datastreamNodes(view: NetworkView, base: string): Nodes<Datastream> {
  return nodesOf(base, datastreamNode(view, base));
}

export function datastreamNode(view: NetworkView, base: string): NodeOf<Datastream> {
  const addresses = addressesAt(base);
  return (datastream) => {
    const id = addresses.datastream(datastream.id);
    const property = view.registry.properties.get(datastream.property);
    const observedProperty = addresses.property(datastream.property);
    const station = addresses.station(datastream.station);
    return {
      id,
      type: 'quantrac:Datastream',
      identifier: datastream.id,
      hasFeatureOfInterest: station,
      observedProperty,
      madeBySensor: {
        id: `${id}#sensor`,
        type: 'sosa:Sensor',
        observes: observedProperty,
        isHostedBy: station,
        implements: `${id}#procedure`,
      },
      usedProcedure: {
        id: `${id}#procedure`,
        type: 'sosa:Procedure',
        aggregation: datastream.aggregation,
        intervalMs: datastream.intervalMs,
        heightMetres: datastream.heightMetres,
      },
      hasUnit: qudtOf(property),
      ucumCode: property?.unit ?? '1',
    };
  };
}

export function propertyNodes(base: string): Nodes<ObservedProperty> {
  return nodesOf(base, propertyNode(base));
}

export function propertyNode(base: string): NodeOf<ObservedProperty> {
  const addresses = addressesAt(base);
  return (property) => {
    // QUDT links are of the unit, not of what is measured in it.
    const links = property.links.filter(({ scheme }) => scheme !== 'QUDT');
    const matches = (match: 'exact' | 'close') =>
      links.filter((link) => link.match === match).map(({ uri }) => uri);
    return {
      id: addresses.property(property.id),
      type: ['sosa:ObservableProperty', 'skos:Concept'],
      notation: property.id,
      prefLabel: property.label,
      exactMatch: matches('exact'),
      closeMatch: matches('close'),
      hasUnit: qudtOf(property),
      ucumCode: property.unit,
      domain: property.domain,
      basis: property.basis,
    };
  };
}

export function ownerNodes(view: NetworkView, base: string): Nodes<Owner> {
  return nodesOf(base, ownerNode(view, base));
}

export function ownerNode(view: NetworkView, base: string): NodeOf<Owner> {
  const addresses = addressesAt(base);
  return (owner) => ({
    id: addresses.owner(owner.id),
    type: ['foaf:Organization', 'org:Organization'],
    identifier: owner.code ?? owner.id,
    label: owner.name,
    kind: owner.kind,
    license: readLicence(owner.licence ?? usualLicence).uri,
    // A parent body that the viewer does not see has no address for them.
    isPartOf:
      owner.parent !== undefined && view.seesOwner(owner.parent)
        ? addresses.owner(owner.parent)
        : undefined,
    attribution: owner.attribution,
  });
}
