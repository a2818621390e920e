/**
 * Every address of the API that can be read, as requests: taken from the API description, so that a
 * new route is asked without a word here, and `unasked` finds those that it forgets. What the
 * description does not have is added to `extraPaths`; what a new parameter needs, to `wanted`, or in
 * a path to `pathValues`.
 */
import type { Json } from '../api.fixture.ts';
import { actions } from '../catalogue/ckan/actions.ts';
import { collections } from '../maps/collections.ts';

/** Addresses that the description does not have; `{id}` stands for ids of every kind. */
export const extraPaths: readonly string[] = [
  '/',
  '/api/v1/openapi.json',
  '/api/v1/registry-file.schema.json',
  ...['station', 'datastream', 'owner', 'dataset', 'distribution', 'licence'].flatMap((kind) => [
    `/id/${kind}/{id}`,
    `/doc/${kind}/{id}.vi.html`,
    `/doc/${kind}/{id}.jsonld`,
  ]),
  // Terms tell how many have them.
  ...['property/air-temperature', 'property/pm2.5', 'unit/Cel', 'flag/1'].flatMap((term) => [
    `/id/${term}`,
    `/doc/${term}.en.html`,
    `/doc/${term}.jsonld`,
  ]),
  '/doc',
  '/doc/',
  '/doc/contents.vi.html',
  '/doc/contents.en.html',
  '/doc/style.css',
  '/asyncapi.json',
  '/openapi.json',
  '/api/v1/asyncapi.json',
  '/api/v1/search?q={id}',
  '/api/3/action/package_search?q={id}',
  ...['package', 'organization', 'group'].map((kind) => `/api/3/action/${kind}_show?id={id}`),
  ...['organization', 'group'].map((kind) => `/api/3/action/${kind}_list?all_fields=true`),
  '/api/action/package_search',
];

/** Addresses that answer without end: they have tests of their own. */
export const endlessPaths: ReadonlySet<string> = new Set(['/api/v1/live']);

/** Values of parameters that must be given, or that make an answer say more. */
const wanted: Readonly<Record<string, string>> = {
  window: 'P1D',
  include: 'raw',
  after: '',
  q: 'a',
};

/** Parts of a path that are no ids of hidden things: without them nothing would be shown there. */
const pathValues: Readonly<Record<string, readonly string[]>> = {
  action: Object.keys(actions),
  collectionId: collections.map(({ id }) => id),
  tileMatrix: ['0'],
  tileRow: ['0'],
  tileCol: ['0'],
  month: ['2024-06'],
  sequence: ['1'],
};

/** Parameters whose value is the id of something, by the kind of thing. */
const idParameters = ['owner', 'station', 'datastream', 'dataset'] as const;

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: { readonly enum?: readonly string[] };
}

export interface Route {
  readonly path: string;
  readonly hasId: boolean;
  /** Names of its parameters that take ids. */
  readonly filters: readonly (typeof idParameters)[number][];
  readonly isPaged: boolean;
  /** Query strings, without `?`, each of a format that it offers, with what must be given. */
  readonly queries: readonly string[];
  /** Query string of an earlier moment, where it can be asked for one. */
  readonly earlier: readonly string[];
  /** Media types that it offers, asked for by Accept. */
  readonly types: readonly string[];
}

/** `asOf`: a moment at which other things were hidden. */
export function routesOf(document: Json, asOf: string): Route[] {
  const paths = document['paths'] as Record<string, { readonly get?: Operation }>;
  const described = Object.entries(paths).flatMap(([path, { get }]) =>
    get === undefined || endlessPaths.has(path)
      ? []
      : withValues(path).map((each) => routeOf(each, get, asOf)),
  );
  const extra = extraPaths.map((path) => routeOf(path, { responses: {} }, asOf));
  return [...described, ...extra];
}

/** The path with every value of those of its parts that are no ids. */
function withValues(path: string): string[] {
  const [name = '', values] =
    Object.entries(pathValues).find(([each]) => path.includes(`{${each}}`)) ?? [];
  if (values === undefined) return [path];
  return values.flatMap((value) => withValues(path.replace(`{${name}}`, value)));
}

/** Addresses, as the server has them, that none of the routes asks. */
export function unasked(addresses: readonly string[], routes: readonly Route[]): string[] {
  const paths = routes.map(({ path }) => path.split('?')[0] ?? '');
  return addresses.filter((address) => {
    if (endlessPaths.has(address)) return false;
    const parts = address.split('/').map((part) => (part.startsWith(':') ? '[^/]+' : part));
    const pattern = new RegExp(`^${parts.join('/')}/?$`);
    return !paths.some((path) => pattern.test(path));
  });
}

interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly responses: Readonly<Record<string, { readonly content?: object }>>;
}

function routeOf(path: string, { parameters = [], responses }: Operation, asOf: string): Route {
  const named = (name: string) =>
    parameters.find((each) => each.in === 'query' && each.name === name);
  const base = parameters.flatMap((each) => {
    if (each.in !== 'query') return [];
    const value = wanted[each.name] ?? (each.required === true ? each.schema?.enum?.[0] : '');
    if (value === undefined)
      throw new Error(`say in \`wanted\` what ${path} needs as ${each.name}`);
    return value === '' ? [] : [`${each.name}=${value}`];
  });
  // As OGC API names it.
  const format = named('format') ?? named('f');
  const formats = format?.schema?.enum ?? [];
  const queries = [base, ...formats.map((each) => [...base, `${format?.name}=${each}`])];
  return {
    path,
    hasId: path.includes('{'),
    filters: idParameters.filter((name) => named(name) !== undefined),
    isPaged: named('page') !== undefined,
    queries: queries.map((query) => query.join('&')),
    earlier: named('asOf') === undefined ? [] : [[...base, `asOf=${asOf}`].join('&')],
    types: Object.keys(responses['200']?.content ?? {}),
  };
}

/** Its address with this id in the place of each `{…}`. */
export function addressOf({ path }: Route, id: string, query: string): string {
  const filled = path.replace(/\{[^}]+\}/g, encodeURIComponent(id));
  return query === '' ? filled : `${filled}?${query}`;
}
