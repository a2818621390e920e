/**
 * Every address of the API that can be read, as requests: taken from the API description, so that a
 * new route is asked without a word here. What the description does not have is added to
 * `extraPaths`; what a new parameter needs, to `wanted`.
 */
import type { Json } from '../api.fixture.ts';

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

/** Parameters whose value is the id of something, by the kind of thing. */
const idParameters = ['owner', 'station', 'datastream'] as const;

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
  /** Media types that it offers, asked for by Accept. */
  readonly types: readonly string[];
}

export function routesOf(document: Json): Route[] {
  const paths = document['paths'] as Record<string, { readonly get?: Operation }>;
  const described = Object.entries(paths).flatMap(([path, { get }]) =>
    get === undefined || endlessPaths.has(path) ? [] : [routeOf(path, get)],
  );
  const extra = extraPaths.map((path) => routeOf(path, { responses: {} }));
  return [...described, ...extra];
}

interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly responses: Readonly<Record<string, { readonly content?: object }>>;
}

function routeOf(path: string, { parameters = [], responses }: Operation): Route {
  const named = (name: string) =>
    parameters.find((each) => each.in === 'query' && each.name === name);
  const base = parameters.flatMap((each) => {
    if (each.in !== 'query') return [];
    const value = wanted[each.name] ?? (each.required === true ? each.schema?.enum?.[0] : '');
    if (value === undefined)
      throw new Error(`say in \`wanted\` what ${path} needs as ${each.name}`);
    return value === '' ? [] : [`${each.name}=${value}`];
  });
  const formats = named('format')?.schema?.enum ?? [];
  const queries = [base, ...formats.map((format) => [...base, `format=${format}`])];
  return {
    path,
    hasId: path.includes('{'),
    filters: idParameters.filter((name) => named(name) !== undefined),
    isPaged: named('page') !== undefined,
    queries: queries.map((query) => query.join('&')),
    types: Object.keys(responses['200']?.content ?? {}),
  };
}

/** Its address with this id in the place of each `{…}`. */
export function addressOf({ path }: Route, id: string, query: string): string {
  const filled = path.replace(/\{[^}]+\}/g, encodeURIComponent(id));
  return query === '' ? filled : `${filled}?${query}`;
}
