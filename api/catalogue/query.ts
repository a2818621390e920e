/** What every list of datasets can be asked for, from text to the items that it lets through. */
import { z } from 'zod';

import { isDate } from '../../devices/instant.ts';
import { filterQuery, readFilter, selectDatastreams, type FilterQuery } from '../filter.ts';
import { readInstant } from '../instant.ts';
import type { NetworkView } from '../network.ts';
import type { Catalogue, Item, Kind } from './catalogue.ts';
import { domainNames } from './domain-names.ts';
import type { Domain } from './datasets.ts';

const domains = Object.keys(domainNames) as [Domain, ...Domain[]];
const { station, property, owner, province, bbox, near } = filterQuery;

export const datasetQuery = {
  kind: z
    .enum(['network', 'series'])
    .optional()
    .describe(
      'network (usual): of an owner and a domain. series: of a station and an observed property.',
    ),
  state: z
    .enum(['available', 'planned'])
    .optional()
    .describe('Only those that are open, or only those that are announced. None: both.'),
  domain: z.enum(domains).optional().describe('About this.'),
  station,
  property,
  owner,
  province,
  bbox,
  near,
  modified_since: z
    .string()
    .min(1)
    .max(40)
    .optional()
    .describe(
      'RFC 3339 date or date-time: those changed then or later. What is missing from such a list has not been taken away.',
    ),
} as const;

export type DatasetQuery = FilterQuery & {
  readonly kind?: 'network' | 'series' | undefined;
  readonly state?: 'available' | 'planned' | undefined;
  readonly domain?: Domain | undefined;
  readonly modified_since?: string | undefined;
};

/** Throws API_PARAMETER_INVALID and the 404 of an id that nobody has. */
export async function selectItems(
  catalogue: Catalogue,
  view: NetworkView,
  { query, valuesMax }: { readonly query: DatasetQuery; readonly valuesMax: number },
): Promise<readonly Item[]> {
  const sinceAt = readSince(query.modified_since);
  const passes = readPasses(view, query, valuesMax);
  await catalogue.follow();
  return catalogue.items(view, kindsOf(query)).filter((item) => {
    if (!passes(item)) return false;
    const modifiedAt = catalogue.modifiedAt(item);
    return sinceAt === undefined || modifiedAt === undefined || modifiedAt >= sinceAt;
  });
}

function kindsOf({ kind = 'network', state }: DatasetQuery): readonly Kind[] {
  if (state === 'planned') return ['planned'];
  return kind === 'series' || state === 'available' ? [kind] : [kind, 'planned'];
}

function readPasses(
  view: NetworkView,
  query: DatasetQuery,
  valuesMax: number,
): (item: Item) => boolean {
  const { domain } = query;
  const names = ['station', 'property', 'owner', 'province', 'bbox', 'near'] as const;
  const isFiltered = names.some((name) => query[name] !== undefined);
  const selected = isFiltered
    ? new Set(selectDatastreams(view, readFilter(query, valuesMax)).map(({ series }) => series))
    : undefined;
  return (item) => {
    // A plan has no stations yet, so nothing is known of its place.
    if (!('dataset' in item))
      return selected === undefined && (domain ?? item.domain) === item.domain;
    const { dataset } = item;
    if (domain !== undefined && dataset.domain !== domain) return false;
    return selected === undefined || dataset.datastreams.some(({ series }) => selected.has(series));
  };
}

function readSince(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return isDate(text) ? Date.parse(`${text}T00:00:00Z`) : readInstant(text, 'modified_since');
}
