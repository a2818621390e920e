/** CKAN's actions, each from parameters as a client sent them to its result. */
import { apiError, badParameter } from '../../errors.ts';
import type { NetworkView } from '../../network.ts';
import { describeEach, type Catalogue } from '../catalogue.ts';
import { publisherOf, type Publisher } from '../dcat/publisher.ts';
import { domainNames } from '../domain-names.ts';
import { datasetsOf, type Domain } from '../datasets.ts';
import { titleOf } from '../dcat/catalog-graph.ts';
import type { CatalogueConfig } from '../config.ts';
import { uriOf } from '../uris.ts';
import {
  ckanGroup,
  ckanName,
  ckanOrganization,
  ckanPackage,
  uuidOf,
  type CkanPackage,
} from './package.ts';
import { readFilterQuery, readSort, readWords } from './search.ts';

export interface Question {
  readonly catalogue: Catalogue;
  /** Every package that is harvested, made with `make` where they are not at hand. */
  readonly packages: (
    make: () => Promise<readonly CkanPackage[]>,
  ) => Promise<readonly CkanPackage[]>;
  readonly config: CatalogueConfig;
  readonly view: NetworkView;
  readonly base: string;
  /** From the query, or from the JSON body of a POST. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

type Action = (question: Question) => unknown;

const rowsMax = 1_000;
const startMax = 10_000_000;

export const actions: Readonly<Record<string, Action>> = {
  site_read: () => true,
  status_show: ({ base, config }) => ({
    ckan_version: '2.10.0',
    site_url: base,
    site_title: titleOf(config).vi,
    site_description: titleOf(config).en,
    error_emails_to: null,
    locale_default: 'vi',
    extensions: [],
  }),
  async package_list(question) {
    const names = (await packagesOf(question)).map(({ name }) => name).sort();
    const { limit, offset } = readWindow(question, 'limit', 'offset', Infinity);
    return names.slice(offset, offset + limit);
  },
  async current_package_list_with_resources(question) {
    const { limit, offset } = readWindow(question, 'limit', 'offset', rowsMax);
    const packages = [...(await packagesOf(question))].sort((one, other) =>
      one.metadata_modified === other.metadata_modified
        ? Number(one.id > other.id) - Number(one.id < other.id)
        : one.metadata_modified < other.metadata_modified
          ? 1
          : -1,
    );
    return packages.slice(offset, offset + limit);
  },
  package_show: showPackage,
  package_search: searchPackages,
  organization_list: (question) => {
    const owners = ownersOf(question).map((owner) => ckanOrganization(owner, question.base));
    return isTrue(question.parameters['all_fields']) ? owners : owners.map(({ name }) => name);
  },
  organization_show(question) {
    const id = readId(question);
    const owner = ownersOf(question).find(
      (each) =>
        each.id === id ||
        ckanName(each.id) === id ||
        ckanOrganization(each, question.base).id === id,
    );
    if (owner === undefined) throw apiError('API_OWNER_UNKNOWN', { parameter: 'id', value: id });
    const count = datasetsOf(question.view).networks.filter((each) => each.owner.id === owner.id);
    return {
      ...ckanOrganization(owner, question.base),
      package_count: count.length,
      packages: [],
      users: [],
      tags: [],
      groups: [],
      extras: [{ key: 'uri', value: uriOf(question.base, 'owner', owner.id) }],
    };
  },
  group_list: (question) => {
    const groups = domainsOf(question).map((domain) => ckanGroup(domain, question.base));
    return isTrue(question.parameters['all_fields']) ? groups : groups.map(({ name }) => name);
  },
  group_show(question) {
    const id = readId(question);
    const domain = domainsOf(question).find(
      (each) => each === id || ckanGroup(each, question.base).id === id,
    );
    if (domain === undefined) throw badParameter('id', domainsOf(question).join(', '));
    return { ...ckanGroup(domain, question.base), packages: [], users: [], tags: [], extras: [] };
  },
  tag_list: async (question) => {
    const packages = await packagesOf(question);
    return [...new Set(packages.flatMap(({ tags }) => tags.map(({ name }) => name)))].sort();
  },
};

const filtersMax = 10;

async function searchPackages(question: Question): Promise<object> {
  const { parameters } = question;
  const wants = readWords(textOf(parameters, 'q'), 'q');
  const asked = [parameters['fq'] ?? [], parameters['fq_list'] ?? []].flat();
  if (asked.length > filtersMax) throw badParameter('fq_list', `at most ${filtersMax} entries`);
  const filters = asked.map((each) => {
    if (typeof each !== 'string') throw badParameter('fq', 'a text');
    return readFilterQuery(each, 'fq');
  });
  const order = readSort(textOf(parameters, 'sort'), 'sort');
  const { limit, offset } = readWindow(question, 'rows', 'start', 10);
  const found = (await packagesOf(question))
    .filter((each) => wants(each) && filters.every((passes) => passes(each)))
    .sort(order);
  return {
    count: found.length,
    sort: textOf(parameters, 'sort') ?? 'name asc',
    facets: {},
    search_facets: {},
    results: found.slice(offset, offset + limit),
  };
}

/** A series is shown by its own id alone: names are of what lists name. */
async function showPackage(question: Question): Promise<CkanPackage> {
  const { catalogue, view, base } = question;
  const id = readId(question);
  const own = catalogue.find(view, id);
  const item =
    own ??
    catalogue
      .items(view, ['network'])
      .find((each) => ckanName(each.id) === id || uuidOf(uriOf(base, 'dataset', each.id)) === id);
  if (item === undefined || !('dataset' in item)) {
    throw apiError('API_DATASET_UNKNOWN', { parameter: 'id', value: id });
  }
  await catalogue.follow();
  return ckanPackage(await catalogue.describe(view, item, base), base, publisher(question));
}

function packagesOf(question: Question): Promise<readonly CkanPackage[]> {
  const { catalogue, view, base } = question;
  return question.packages(async () => {
    await catalogue.follow();
    const items = catalogue.items(view, ['network']);
    const packages: CkanPackage[] = [];
    for await (const entry of describeEach(catalogue, view, { items, base })) {
      packages.push(ckanPackage(entry, base, publisher(question)));
    }
    return packages;
  });
}

function publisher({ config, base }: Question): Publisher {
  return publisherOf(config, base);
}

/** Owners of datasets: another has nothing to harvest. */
function ownersOf({ view }: Question) {
  const owners = new Map(datasetsOf(view).networks.map(({ owner }) => [owner.id, owner]));
  return [...owners.values()];
}

function domainsOf({ view }: Question): readonly Domain[] {
  const used = new Set(datasetsOf(view).networks.map(({ domain }) => domain));
  return (Object.keys(domainNames) as Domain[]).filter((domain) => used.has(domain));
}

function readId({ parameters }: Question): string {
  const id = textOf(parameters, 'id') ?? textOf(parameters, 'name_or_id');
  if (id === undefined || id === '') throw badParameter('id', 'an id or a name');
  return id.slice(0, 200);
}

function readWindow(
  { parameters }: Question,
  limitName: string,
  offsetName: string,
  usual: number,
): { readonly limit: number; readonly offset: number } {
  const limit = readNumber(parameters, limitName, Number.MAX_SAFE_INTEGER);
  const offset = readNumber(parameters, offsetName, startMax) ?? 0;
  // As CKAN does, a greater number is taken for the greatest.
  return { limit: Math.min(limit ?? usual, limitName === 'rows' ? rowsMax : Infinity), offset };
}

function readNumber(
  parameters: Question['parameters'],
  name: string,
  max: number,
): number | undefined {
  const text = textOf(parameters, name);
  if (text === undefined) return undefined;
  if (!/^\d{1,16}$/.test(text) || Number(text) > max) throw badParameter(name, `0 to ${max}`);
  return Number(text);
}

function textOf(parameters: Question['parameters'], name: string): string | undefined {
  const value = parameters[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw badParameter(name, 'a text');
}

function isTrue(value: unknown): boolean {
  return value === true || value === 'true' || value === 'True' || value === '1';
}
