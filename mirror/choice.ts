/** Which datastreams a mirror is of: all that everybody may see, or those that filters name. */
import { mirrorError } from './errors.ts';
import { requireGood } from './served.ts';
import type { Server } from './http.ts';

export interface Choice {
  /** Parameters of the API that let through what is chosen, and what of it is visible now. */
  read(): Promise<ChosenNow>;
}

export interface ChosenNow {
  /** Ready to stand behind `?` or `&`; undefined where nothing of it is visible. */
  readonly query: string | undefined;
  readonly isAll: boolean;
  /** Of the datastreams that are visible now. */
  readonly ids: ReadonlySet<string>;
}

/** By name: `datastream`, `station`, `property`, `dataset`; each a list separated by commas. */
export type Filter = Readonly<Record<string, string>>;

export function openChoice(server: Server, filter: Filter): Choice {
  return {
    async read() {
      const isAll = Object.keys(filter).length === 0;
      const query = isAll ? '' : await visibleQuery(server, filter);
      const ids = new Set<string>();
      if (query !== undefined) {
        for await (const item of itemsOf(server, `/datastreams?limit=1000&${query}`)) {
          ids.add((item as { readonly id: string }).id);
        }
      }
      return { query, isAll, ids };
    },
  };
}

/** Of one list, with 1,000 items each: a list that has more is none. */
const pagesMaxDefault = 10_000;

/** Every item of a list, page after page; all pages are of one moment. */
export async function* itemsOf(
  server: Server,
  path: string,
  pagesMax = pagesMaxDefault,
): AsyncGenerator<unknown> {
  const [list = ''] = path.split('?', 1);
  let next: string | null = path.replace(/[?&]$/, '');
  for (let pages = 0; next !== null; pages++) {
    if (pages >= pagesMax) {
      const problem = `the list has more than ${pagesMax} pages`;
      throw mirrorError('MIRROR_SERVER_UNANSWERED', { address: path, problem });
    }
    const { body } = requireGood(await server.ask(next));
    const page = JSON.parse(body.toString('utf8')) as {
      readonly items: readonly unknown[];
      readonly next: string | null;
    };
    yield* page.items;
    // The address may be the public one, which need not be how this server is reached here.
    next = page.next === null ? null : list + page.next.slice(page.next.indexOf('?'));
  }
}

/** The filters as parameters, without what is not visible now; undefined where nothing is left. */
async function visibleQuery(server: Server, filter: Filter): Promise<string | undefined> {
  const query = new URLSearchParams();
  const named = { ...filter, ...(await partsOfDataset(server, filter['dataset'])) };
  for (const [name, values] of Object.entries(named)) {
    if (name === 'dataset') continue;
    const visible: string[] = [];
    for (const value of values.split(',')) {
      const one = new URLSearchParams({ [name]: value, limit: '1' });
      const answer = await server.ask(`/datastreams?${one.toString()}`);
      if (answer.status !== 404) requireGood(answer);
      if (answer.status === 200) visible.push(value);
    }
    if (visible.length === 0) return undefined;
    query.set(name, visible.join(','));
  }
  return query.toString();
}

/** `{owner}~{domain}` or `{station}~{property}`. */
async function partsOfDataset(server: Server, dataset: string | undefined): Promise<Filter> {
  if (dataset === undefined) return {};
  const [one = '', other = ''] = dataset.split('~');
  const ofDomain: string[] = [];
  for await (const item of itemsOf(server, '/properties?limit=1000')) {
    const { id, domain } = item as { readonly id: string; readonly domain: string };
    if (id === other) return { station: one, property: other };
    if (domain === other) ofDomain.push(id);
  }
  if (ofDomain.length === 0) throw mirrorError('MIRROR_NOTHING_VISIBLE', { dataset });
  return { owner: one, property: ofDomain.join(',') };
}
