/** One dataset as every catalogue describes it, whatever the form. */
import { readLicence, usualLicence, type Licence } from '../../devices/licence.ts';
import type { Name, ObservedProperty, Owner, Station } from '../../devices/model.ts';
import { visibilityOf } from '../../devices/visible.ts';
import type { NetworkView } from '../network.ts';
import type { CatalogueConfig } from './config.ts';
import { domainNames } from './domain-names.ts';
import type { Dataset, Domain } from './datasets.ts';
import type { Distribution } from './distributions.ts';
import { boxOf, placesOf, type Box, type Place } from './extent.ts';
import { datasetPage, uriOf } from './uris.ts';
import type { Access } from './vocabulary.ts';

/** Words to find it by. */
export interface Keywords {
  readonly vi: readonly string[];
  readonly en: readonly string[];
  /** The same, each with its translation. */
  readonly pairs: readonly Name[];
}

export interface Entry {
  readonly id: string;
  readonly uri: string;
  readonly page: string;
  readonly kind: 'network' | 'series' | 'planned';
  readonly state: 'available' | 'planned';
  readonly title: Name;
  readonly description: Name;
  readonly keywords: Keywords;
  readonly domain: Domain;
  /** Undefined of a planned dataset of the publisher. */
  readonly owner: Owner | undefined;
  readonly licences: readonly Licence[];
  readonly access: Access;
  readonly stations: readonly Station[];
  readonly properties: readonly ObservedProperty[];
  /** How many series it is of. */
  readonly series: number;
  /** Shortest reporting interval; undefined of a planned dataset. */
  readonly intervalMs: number | undefined;
  readonly box: Box | undefined;
  readonly places: readonly Place[];
  /** Integer milliseconds UTC: end of the first row; undefined where none is known. */
  readonly startAt: number | undefined;
  /** Of a planned dataset the day on which it is to be open. */
  readonly issuedAt: number;
  /** Undefined of a planned dataset. */
  readonly modifiedAt: number | undefined;
  readonly distributions: readonly Distribution[];
}

export interface EntryFacts {
  readonly base: string;
  /** Local day, `YYYY-MM-DD`, for the names of provinces. */
  readonly today: string;
  readonly startAt: number | undefined;
  readonly issuedAt: number;
  readonly modifiedAt: number;
  readonly distributions: readonly Distribution[];
}

export function entryOf(view: NetworkView, dataset: Dataset, facts: EntryFacts): Entry {
  const { id, kind, title, description, domain, owner, licences, stations, properties } = dataset;
  const { base, today, startAt, issuedAt, modifiedAt, distributions } = facts;
  return {
    id,
    uri: uriOf(base, 'dataset', id),
    page: datasetPage(base, id),
    kind,
    state: 'available',
    title,
    description,
    keywords: keywordsOf(domain, properties),
    domain,
    owner,
    licences,
    access: accessOf(view, dataset),
    stations,
    properties,
    series: dataset.datastreams.length,
    intervalMs: dataset.intervalMs,
    box: boxOf(view, stations),
    places: placesOf(stations, today),
    startAt,
    issuedAt,
    modifiedAt,
    distributions,
  };
}

type Planned = CatalogueConfig['plannedDatasets'][number];

/** `owner` is the one that the plan names and the viewer sees. */
export function plannedEntry(
  { id, title, description, domain, from }: Planned,
  owner: Owner | undefined,
  base: string,
): Entry {
  const own = `planned~${id}`;
  return {
    id: own,
    uri: uriOf(base, 'dataset', own),
    page: datasetPage(base, own),
    kind: 'planned',
    state: 'planned',
    title,
    description,
    keywords: keywordsOf(domain, []),
    domain,
    owner,
    licences: [readLicence(owner?.licence ?? usualLicence)],
    access: 'public',
    stations: [],
    properties: [],
    series: 0,
    intervalMs: undefined,
    box: undefined,
    places: [],
    startAt: undefined,
    issuedAt: Date.parse(`${from}T00:00:00+07:00`),
    modifiedAt: undefined,
    distributions: [],
  };
}

function keywordsOf(domain: Domain, properties: readonly ObservedProperty[]): Keywords {
  const words = [
    domainNames[domain],
    ...usualKeywords,
    ...properties.map(({ label }) => label),
  ].map(({ vi, en }): Name => ({ vi: vi.toLowerCase(), en: en.toLowerCase() }));
  const pairs = [...new Map(words.map((word) => [`${word.vi}\n${word.en}`, word])).values()];
  return {
    vi: [...new Set(pairs.map(({ vi }) => vi))],
    en: [...new Set(pairs.map(({ en }) => en))],
    pairs,
  };
}

const usualKeywords: readonly Name[] = [
  { vi: 'quan trắc môi trường', en: 'environmental monitoring' },
  { vi: 'dữ liệu mở', en: 'open data' },
  { vi: 'thời gian thực', en: 'real time' },
];

/** The most open of what it is made of would promise too much: the least open says it. */
function accessOf({ registry }: NetworkView, { datastreams }: Dataset): Access {
  let access: Access = 'public';
  for (const datastream of datastreams) {
    const visibility = visibilityOf(registry, datastream);
    if (visibility === 'internal') return 'non-public';
    if (visibility === 'recipients') access = 'restricted';
  }
  return access;
}
