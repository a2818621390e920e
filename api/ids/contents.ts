/** The page that leads to the documents of everything that the viewer sees. */
import type { ObservedProperty } from '../../devices/model.ts';
import { datasetsOf } from '../catalogue/datasets.ts';
import { services } from '../catalogue/services.ts';
import { uriOf, type UriKind } from '../catalogue/uris.ts';
import { listQualities } from '../formats/word-tables.ts';
import type { NetworkView } from '../network.ts';
import { sayUnit } from '../page-words.ts';
import type { Html, Part } from './html.ts';
import type { Telling } from './latest-values.ts';
import { link, list, section } from './page.ts';
import { linksTo } from './pages.ts';
import { licencesOf } from './thing.ts';
import { sayOn, type PageWord } from './words.ts';

/** Of a national network some thousand links at most: what is beyond is in the lists of the API. */
export function contentsOf(telling: Telling): Part {
  const { view, language } = telling;
  const properties = propertiesOf(view);
  const units = [...new Set(properties.map(({ unit }) => unit))].sort();
  const parts: readonly (readonly [PageWord, Html])[] = [
    [
      'datasets',
      linksTo(
        'dataset',
        datasetsOf(view).networks.map(({ id, title }) => ({ id, name: title })),
        telling,
      ),
    ],
    ['stations', linksTo('station', view.stations, telling)],
    [
      'properties',
      linksTo(
        'property',
        properties.map(({ id, label }) => ({ id, name: label })),
        telling,
      ),
    ],
    ['owners', linksOf('owner', view.owners, ({ name }) => name[language], telling)],
    ['licences', linksOf('licence', licencesOf(view), ({ title }) => title[language], telling)],
    [
      'units',
      linksOf(
        'unit',
        units.map((id) => ({ id })),
        ({ id }) => (sayUnit(id) === '' ? id : sayUnit(id)),
        telling,
      ),
    ],
    [
      'flags',
      linksOf(
        'flag',
        listQualities()
          .filter(({ kind }) => kind === 'flag')
          .map(({ value, label }) => ({ id: value, label })),
        ({ label }) => label[language],
        telling,
      ),
    ],
    ['services', linksOf('service', services, ({ title }) => title[language], telling)],
  ];
  return parts.map(([word, links]) => section(sayOn(language, word), links));
}

function linksOf<Item extends { readonly id: string }>(
  kind: UriKind,
  items: readonly Item[],
  textOf: (item: Item) => string,
  { base }: Telling,
): Html {
  return list(items.map((item) => link(uriOf(base, kind, item.id), textOf(item))));
}

/** Those that something the viewer sees is measured of, by id. */
function propertiesOf({ datastreams, registry }: NetworkView): readonly ObservedProperty[] {
  const ids = [...new Set(datastreams.map(({ property }) => property))].sort();
  return ids.flatMap((id) => registry.properties.get(id) ?? []);
}
