/** What an address `/id/{kind}/{id}` names, as far as the viewer may see it. */
import { licenceOf, readLicence, usualLicence, type Licence } from '../../devices/licence.ts';
import type { Datastream, ObservedProperty, Owner, Station } from '../../devices/model.ts';
import type { Catalogue, Item } from '../catalogue/catalogue.ts';
import { services, type Service } from '../catalogue/services.ts';
import { uriKinds, type UriKind } from '../catalogue/uris.ts';
import { listQualities, type Quality } from '../formats/word-tables.ts';
import type { NetworkView } from '../network.ts';
import { textOfSlug } from './slug.ts';

export type Thing =
  | { readonly kind: 'station'; readonly id: string; readonly station: Station }
  | { readonly kind: 'datastream'; readonly id: string; readonly datastream: Datastream }
  | { readonly kind: 'owner'; readonly id: string; readonly owner: Owner }
  | { readonly kind: 'property'; readonly id: string; readonly property: ObservedProperty }
  | {
      readonly kind: 'unit';
      readonly id: string;
      /** What is stated in it; never empty. */
      readonly properties: readonly ObservedProperty[];
    }
  | { readonly kind: 'flag'; readonly id: string; readonly flag: Quality }
  | { readonly kind: 'licence'; readonly id: string; readonly licence: Licence }
  | { readonly kind: 'dataset'; readonly id: string; readonly item: Item }
  | { readonly kind: 'distribution'; readonly id: string; readonly item: Item }
  | { readonly kind: 'service'; readonly id: string; readonly service: Service };

type Find = (view: NetworkView, id: string, catalogue: Catalogue) => Thing | undefined;

/** Undefined for what is hidden and for what does not exist alike. */
export function findThing(
  view: NetworkView,
  { kind, slug }: { readonly kind: string; readonly slug: string },
  catalogue: Catalogue,
): Thing | undefined {
  const known = uriKinds.find((each) => each === kind);
  return known === undefined ? undefined : finders[known](view, slug, catalogue);
}

const finders: Readonly<Record<UriKind, Find>> = {
  station(view, id) {
    const station = view.seesStation(id) ? view.registry.stations.get(id) : undefined;
    return station && { kind: 'station', id, station };
  },
  datastream(view, id) {
    const datastream = view.registry.datastreams.get(id);
    if (datastream === undefined || !view.sees(datastream.series)) return undefined;
    return { kind: 'datastream', id, datastream };
  },
  owner(view, id) {
    const owner = view.seesOwner(id) ? view.registry.owners.get(id) : undefined;
    return owner && { kind: 'owner', id, owner };
  },
  property({ registry }, id) {
    const property = registry.properties.get(id);
    return property && { kind: 'property', id, property };
  },
  unit({ registry }, slug) {
    const id = textOfSlug(slug);
    const properties = [...registry.properties.values()].filter(({ unit }) => unit === id);
    return id === undefined || properties.length === 0
      ? undefined
      : { kind: 'unit', id, properties };
  },
  flag(_view, id) {
    const flag = listQualities().find((each) => each.kind === 'flag' && each.value === id);
    return flag && { kind: 'flag', id, flag };
  },
  licence(view, slug) {
    const id = textOfSlug(slug);
    const licence = licencesOf(view).find((each) => each.id === id);
    return licence && { kind: 'licence', id: licence.id, licence };
  },
  dataset(view, id, catalogue) {
    const item = catalogue.find(view, id);
    return item && { kind: 'dataset', id, item };
  },
  distribution(view, id, catalogue) {
    // `{dataset}~{what}`: an id of a dataset has one `~` itself.
    const [owner = '', domain = ''] = id.split('~', 2);
    const item = catalogue.find(view, `${owner}~${domain}`);
    return item && { kind: 'distribution', id, item };
  },
  service(_view, id) {
    const service = services.find((each) => each.id === id);
    return service && { kind: 'service', id, service };
  },
};

const licencesMade = new WeakMap<NetworkView, readonly Licence[]>();

/** Of what the viewer sees, and the one that holds where nobody says otherwise. */
export function licencesOf(view: NetworkView): readonly Licence[] {
  let licences = licencesMade.get(view);
  if (licences === undefined) {
    const byId = new Map<string, Licence>();
    const owners = view.owners.map(({ licence }) => readLicence(licence ?? usualLicence));
    const own = view.datastreams.map((datastream) => licenceOf(view.registry, datastream));
    for (const licence of [readLicence(usualLicence), ...owners, ...own]) {
      byId.set(licence.id, licence);
    }
    licences = [...byId.values()];
    licencesMade.set(view, licences);
  }
  return licences;
}
