/** A page of the catalogue in DCAT-AP 3.0.0: the catalogue, its series and services, its paging. */
import type { Name, Owner } from '../../../devices/model.ts';
import { usualLicence, readLicence } from '../../../devices/licence.ts';
import type { CatalogueConfig } from '../config.ts';
import { services, serviceUri, type Service } from '../services.ts';
import { uriOf } from '../uris.ts';
import { languages, themeScheme } from '../vocabulary.ts';
import { seriesUri } from './dataset-graph.ts';
import { contactUri, publisherThings, type Publisher } from './publisher.ts';
import { link, moment, text, texts, typed, type Thing } from './terms.ts';

export interface CatalogPage {
  readonly base: string;
  /** Of this page and its neighbours, as addresses; null beyond the ends. */
  readonly current: string;
  readonly first: string;
  readonly last: string;
  readonly next: string | null;
  readonly previous: string | null;
  /** Datasets of all pages. */
  readonly total: number;
  readonly perPage: number;
  readonly publisher: Publisher;
  /** Addresses of the datasets of this page. */
  readonly datasets: readonly string[];
  /** Owners of the datasets of this page: each is a series. */
  readonly owners: readonly Owner[];
  readonly modifiedAt: number | undefined;
}

const usualTitle: Name = {
  vi: 'Danh mục dữ liệu mở quan trắc môi trường',
  en: 'Open data of environmental monitoring',
};

const description: Name = {
  vi: 'Các bộ dữ liệu quan trắc khí tượng, nước, không khí, tiếng ồn và đất: số liệu mới nhất, toàn bộ lịch sử và luồng thay đổi, kèm cờ chất lượng.',
  en: 'Datasets of weather, water, air, noise and soil: latest values, all history and live changes, with quality flags.',
};

export function titleOf(config: CatalogueConfig): Name {
  return config.title ?? usualTitle;
}

export const catalogueDescription = description;

export function catalogThings(page: CatalogPage, title: Name): readonly Thing[] {
  const { base, publisher } = page;
  return [
    catalogThing(page, title),
    pagingThing(page),
    ...publisherThings(publisher),
    {
      uri: themeScheme.uri,
      types: ['skos:ConceptScheme'],
      values: [['dct:title', texts(themeScheme.label)]],
    },
    ...Object.values(languages).map((uri): Thing => ({
      uri,
      types: ['dct:LinguisticSystem'],
      values: [],
    })),
    licenceThing(),
    { uri: `${base}/`, types: ['foaf:Document'], values: [] },
    ...page.owners.map((owner) => seriesThing(owner, page)),
    ...services.flatMap((service) => serviceThings(service, page)),
  ];
}

function catalogThing(page: CatalogPage, title: Name): Thing {
  const { base, publisher, modifiedAt } = page;
  return {
    uri: `${base}/catalog`,
    types: ['dcat:Catalog', 'dcat:Resource'],
    values: [
      ['dct:title', texts(title)],
      ['dct:description', texts(description)],
      ['dct:publisher', link(publisher.uri)],
      ['dct:language', Object.values(languages).map(link)],
      ['dct:license', link(readLicence(usualLicence).uri)],
      ['dct:modified', modifiedAt === undefined ? undefined : moment(modifiedAt)],
      ['foaf:homepage', link(`${base}/`)],
      ['dcat:themeTaxonomy', link(themeScheme.uri)],
      ['dcat:dataset', page.datasets.map(link)],
      ['dcat:service', services.map(({ id }) => link(serviceUri(base, id)))],
    ],
  };
}

/** Terms of the description itself; each dataset tells its own. */
function licenceThing(): Thing {
  const licence = readLicence(usualLicence);
  return {
    uri: licence.uri,
    types: ['dct:LicenseDocument'],
    values: [
      ['dct:title', texts(licence.title)],
      ['dct:identifier', text(licence.id)],
    ],
  };
}

/** Both names of the class: harvesters look for the older one too. */
function pagingThing({ current, first, last, next, previous, total, perPage }: CatalogPage): Thing {
  const number = (value: number) => typed(String(value), 'xsd:integer');
  return {
    uri: current,
    types: ['hydra:PartialCollectionView', 'hydra:PagedCollection'],
    values: [
      ['hydra:first', link(first)],
      ['hydra:last', link(last)],
      ['hydra:next', next === null ? undefined : link(next)],
      ['hydra:previous', previous === null ? undefined : link(previous)],
      ['hydra:totalItems', number(total)],
      ['hydra:itemsPerPage', number(perPage)],
    ],
  };
}

function seriesThing(owner: Owner, { base, publisher }: CatalogPage): Thing {
  const contact = contactUri(publisher);
  return {
    uri: seriesUri(base, owner.id),
    types: ['dcat:DatasetSeries', 'dcat:Resource'],
    values: [
      [
        'dct:title',
        texts({
          vi: `Mạng lưới quan trắc – ${owner.name.vi}`,
          en: `Monitoring network – ${owner.name.en}`,
        }),
      ],
      [
        'dct:description',
        texts({
          vi: `Các bộ dữ liệu của mạng lưới do ${owner.name.vi} vận hành.`,
          en: `Datasets of the network that ${owner.name.en} runs.`,
        }),
      ],
      ['dct:identifier', text(seriesUri(base, owner.id))],
      ['dct:publisher', link(uriOf(base, 'owner', owner.id))],
      ['dcat:contactPoint', contact === undefined ? undefined : link(contact)],
    ],
  };
}

function serviceThings(
  service: Service,
  { base, publisher, datasets }: CatalogPage,
): readonly Thing[] {
  const { id, endpoint, descriptionPath, standard } = service;
  const contact = contactUri(publisher);
  const described = descriptionPath === undefined ? undefined : base + descriptionPath;
  const thing: Thing = {
    uri: serviceUri(base, id),
    types: ['dcat:DataService', 'dcat:Resource'],
    values: [
      ['dct:title', texts(service.title)],
      ['dct:description', texts(service.description)],
      ['dct:identifier', text(serviceUri(base, id))],
      ['dct:publisher', link(publisher.uri)],
      ['dcat:endpointURL', link(base + endpoint)],
      ['dcat:endpointDescription', described === undefined ? undefined : link(described)],
      ['dct:conformsTo', standard === undefined ? undefined : link(standard.uri)],
      ['dcat:contactPoint', contact === undefined ? undefined : link(contact)],
      ['dcat:servesDataset', id === 'ckan' ? undefined : datasets.map(link)],
    ],
  };
  return [
    thing,
    { uri: base + endpoint, types: ['rdfs:Resource'], values: [] },
    ...(described === undefined
      ? []
      : [{ uri: described, types: ['rdfs:Resource'] as const, values: [] }]),
    ...(standard === undefined
      ? []
      : [
          {
            uri: standard.uri,
            types: ['dct:Standard'] as const,
            values: [['dct:title', text(standard.title, 'en')]] as const,
          },
        ]),
  ];
}
