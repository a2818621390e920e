/** What the page of each kind of thing says. */
import { readLicence, usualLicence, licenceOf, type Licence } from '../../devices/licence.ts';
import type { Datastream, ObservedProperty, Station } from '../../devices/model.ts';
import { datasetsOf } from '../catalogue/datasets.ts';
import { domainNames } from '../catalogue/domain-names.ts';
import { uriOf } from '../catalogue/uris.ts';
import type { ApiContext } from '../context.ts';
import { sayClass, sayUnit } from '../page-words.ts';
import { html, type Html, type Part } from './html.ts';
import { latestValues, type Telling } from './latest-values.ts';
import { facts, link, list, section } from './page.ts';
import type { Thing } from './thing.ts';
import { sayDuration, sayExactly, sayOn } from './words.ts';

export interface Content {
  readonly title: string;
  readonly otherTitle: string;
  readonly kind: string;
  readonly content: Part;
  readonly data?: Html;
}

type Of<Kind extends Thing['kind']> = Extract<Thing, { readonly kind: Kind }>;

/** Links in one list; what is beyond is in the API's list. */
const linksMax = 300;

export async function stationPage(
  context: ApiContext,
  { station }: Of<'station'>,
  telling: Telling,
): Promise<Content> {
  const { view, language, base } = telling;
  const datastreams = view.datastreamsOf(station.id);
  const id = encodeURIComponent(station.id);
  const series = datasetsOf(view).series.filter((each) => each.station.id === station.id);
  return {
    ...named(station.name, 'station', telling),
    content: [
      section(sayOn(language, 'latest'), await latestValues(context, datastreams, telling)),
      section(sayOn(language, 'about'), stationFacts(station, telling)),
      section(
        sayOn(language, 'download'),
        list([
          link(`${base}/api/v1/latest.json?station=${id}`, sayOn(language, 'latestJson')),
          link(`${base}/api/v1/observations.csv?station=${id}`, sayOn(language, 'allRows')),
          link(`${base}/api/v1/changes?station=${id}`, sayOn(language, 'changes')),
        ]),
      ),
      series.length === 0
        ? undefined
        : section(
            sayOn(language, 'datasets'),
            linksTo(
              'dataset',
              series.map(({ id: of, title }) => ({ id: of, name: title })),
              telling,
            ),
          ),
    ],
  };
}

function stationFacts(station: Station, { view, language, base }: Telling): Html {
  const { latitude, longitude } = view.placeOf(station);
  const owner = view.registry.owners.get(station.owner);
  const place = [latitude, longitude].map((each) => sayExactly(language, String(each)));
  return facts([
    [sayOn(language, 'id'), station.id],
    [sayOn(language, 'address'), addressLink(uriOf(base, 'station', station.id))],
    [sayOn(language, 'owner'), owner && link(uriOf(base, 'owner', owner.id), owner.name[language])],
    [sayOn(language, 'class'), sayClass(language, station.class)],
    [sayOn(language, 'place'), place.join('; ')],
    [
      sayOn(language, 'altitude'),
      station.altitudeMetres === undefined
        ? undefined
        : `${sayExactly(language, String(station.altitudeMetres))} m`,
    ],
    [sayOn(language, 'timeZone'), station.timeZone],
  ]);
}

export async function datastreamPage(
  context: ApiContext,
  { datastream }: Of<'datastream'>,
  telling: Telling,
): Promise<Content> {
  const { view, language, base } = telling;
  const { properties, stations } = view.registry;
  const property = properties.get(datastream.property);
  const station = stations.get(datastream.station);
  const id = encodeURIComponent(datastream.id);
  const name = {
    vi: `${property?.label.vi} – ${station?.name.vi}`,
    en: `${property?.label.en} – ${station?.name.en}`,
  };
  return {
    ...named(name, 'datastream', telling),
    content: [
      section(sayOn(language, 'latest'), await latestValues(context, [datastream], telling)),
      section(sayOn(language, 'about'), datastreamFacts(datastream, telling)),
      section(
        sayOn(language, 'download'),
        list([
          link(
            `${base}/api/v1/observations.svg?datastream=${id}&lang=${language}`,
            sayOn(language, 'chart'),
          ),
          link(`${base}/api/v1/observations.csv?datastream=${id}`, sayOn(language, 'rows')),
          link(`${base}/api/v1/changes?datastream=${id}`, sayOn(language, 'changes')),
        ]),
      ),
    ],
  };
}

function datastreamFacts(datastream: Datastream, telling: Telling): Html {
  const { view, language, base } = telling;
  const station = view.registry.stations.get(datastream.station);
  const property = view.registry.properties.get(datastream.property);
  const { heightMetres, aggregation, intervalMs } = datastream;
  return facts([
    [sayOn(language, 'id'), datastream.id],
    [sayOn(language, 'address'), addressLink(uriOf(base, 'datastream', datastream.id))],
    [
      sayOn(language, 'station'),
      station && link(uriOf(base, 'station', station.id), station.name[language]),
    ],
    [
      sayOn(language, 'property'),
      property && link(uriOf(base, 'property', property.id), property.label[language]),
    ],
    [sayOn(language, 'unit'), property && unitLink(property.unit, base)],
    [sayOn(language, 'aggregation'), sayOn(language, aggregation)],
    [sayOn(language, 'interval'), sayDuration(language, intervalMs / 1_000)],
    [
      sayOn(language, 'height'),
      heightMetres === undefined ? undefined : `${sayExactly(language, String(heightMetres))} m`,
    ],
    [sayOn(language, 'licence'), licenceLink(licenceOf(view.registry, datastream), telling)],
  ]);
}

export function ownerPage({ owner }: Of<'owner'>, telling: Telling): Content {
  const { view, language, base } = telling;
  const parent =
    owner.parent !== undefined && view.seesOwner(owner.parent)
      ? view.registry.owners.get(owner.parent)
      : undefined;
  const stations = view.stations.filter((each) => each.owner === owner.id);
  const datasets = datasetsOf(view).networks.filter((each) => each.owner.id === owner.id);
  return {
    ...named(owner.name, 'owner', telling),
    content: [
      section(
        sayOn(language, 'about'),
        facts([
          [sayOn(language, 'id'), owner.id],
          [sayOn(language, 'address'), addressLink(uriOf(base, 'owner', owner.id))],
          [
            sayOn(language, 'parent'),
            parent && link(uriOf(base, 'owner', parent.id), parent.name[language]),
          ],
          [
            sayOn(language, 'licence'),
            licenceLink(readLicence(owner.licence ?? usualLicence), telling),
          ],
        ]),
      ),
      section(
        sayOn(language, 'datasets'),
        linksTo(
          'dataset',
          datasets.map(({ id, title }) => ({ id, name: title })),
          telling,
        ),
      ),
      section(sayOn(language, 'stations'), linksTo('station', stations, telling)),
    ],
  };
}

export function propertyPage({ property }: Of<'property'>, telling: Telling): Content {
  const { view, language, base } = telling;
  const ids = new Set(
    view.datastreams.filter((each) => each.property === property.id).map((each) => each.station),
  );
  const stations = view.stations.filter(({ id }) => ids.has(id));
  const range = (of: ObservedProperty['plausible'] | undefined) =>
    of &&
    `${sayExactly(language, String(of.min))} – ${sayExactly(language, String(of.max))} ${sayUnit(property.unit)}`;
  const terms = (match: 'exact' | 'close') => {
    const links = property.links.filter((each) => each.match === match);
    return links.length === 0
      ? undefined
      : list(links.map(({ scheme, uri }) => html`${scheme}: ${link(uri, uri)}`));
  };
  return {
    ...named(property.label, 'property', telling),
    content: [
      section(
        sayOn(language, 'about'),
        facts([
          [sayOn(language, 'id'), property.id],
          [sayOn(language, 'address'), addressLink(uriOf(base, 'property', property.id))],
          [sayOn(language, 'unit'), unitLink(property.unit, base)],
          [sayOn(language, 'domain'), domainNames[property.domain][language]],
          [sayOn(language, 'basis'), property.basis],
          [sayOn(language, 'plausible'), range(property.plausible)],
          [sayOn(language, 'expected'), range(property.expected)],
          [sayOn(language, 'nationalSymbol'), property.nationalSymbol],
          [sayOn(language, 'sameTerms'), terms('exact')],
          [sayOn(language, 'closeTerms'), terms('close')],
        ]),
      ),
      section(sayOn(language, 'stations'), linksTo('station', stations, telling)),
    ],
  };
}

export function unitPage({ id, properties }: Of<'unit'>, telling: Telling): Content {
  const { language, base } = telling;
  const spelling = sayUnit(id);
  const name = spelling === '' ? id : spelling;
  return {
    ...named({ vi: name, en: name }, 'unit', telling),
    content: [
      section(
        sayOn(language, 'about'),
        facts([
          [sayOn(language, 'unitCode'), id],
          [sayOn(language, 'address'), addressLink(uriOf(base, 'unit', id))],
        ]),
      ),
      section(
        sayOn(language, 'properties'),
        linksTo(
          'property',
          properties.map(({ id: of, label }) => ({ id: of, name: label })),
          telling,
        ),
      ),
    ],
  };
}

export function flagPage({ id, flag }: Of<'flag'>, telling: Telling): Content {
  const { language, base } = telling;
  return {
    ...named(flag.label, 'flag', telling),
    content: facts([
      [sayOn(language, 'id'), id],
      [sayOn(language, 'address'), addressLink(uriOf(base, 'flag', id))],
      [sayOn(language, 'meaning'), flag.meaning[language]],
      [sayOn(language, 'sameTerms'), flag.uri === undefined ? undefined : addressLink(flag.uri)],
    ]),
  };
}

export function licencePage({ id, licence }: Of<'licence'>, telling: Telling): Content {
  const { language, base } = telling;
  return {
    ...named(licence.title, 'licence', telling),
    content: facts([
      [sayOn(language, 'id'), id],
      [sayOn(language, 'address'), addressLink(uriOf(base, 'licence', id))],
      [sayOn(language, 'terms'), addressLink(licence.uri)],
    ]),
  };
}

export function named(
  name: { readonly vi: string; readonly en: string },
  kind: Parameters<typeof sayOn>[1],
  { language }: Telling,
): Pick<Content, 'title' | 'otherTitle' | 'kind'> {
  const other = language === 'vi' ? 'en' : 'vi';
  return { title: name[language], otherTitle: name[other], kind: sayOn(language, kind) };
}

interface Named {
  readonly id: string;
  readonly name: { readonly vi: string; readonly en: string };
}

export function linksTo(
  kind: 'station' | 'dataset' | 'property',
  things: readonly Named[],
  { language, base }: Telling,
): Html {
  const shown = things.slice(0, linksMax);
  const lists = { station: 'stations', dataset: 'datasets', property: 'properties' } as const;
  return list([
    ...shown.map(({ id, name }) => link(uriOf(base, kind, id), name[language])),
    ...(shown.length < things.length
      ? [link(`${base}/api/v1/${lists[kind]}`, sayOn(language, 'moreStations'))]
      : []),
  ]);
}

export function addressLink(address: string): Html | undefined {
  // A licence may have no address but its name: nothing else than the web is linked to.
  return /^https?:\/\//.test(address) ? link(address, address) : html`${address}`;
}

export function licenceLink(licence: Licence, { language, base }: Telling): Html {
  return link(uriOf(base, 'licence', licence.id), licence.title[language]);
}

function unitLink(unit: string, base: string): Html {
  const spelling = sayUnit(unit);
  return html`${link(uriOf(base, 'unit', unit), spelling === '' ? unit : spelling)} (UCUM ${unit})`;
}
