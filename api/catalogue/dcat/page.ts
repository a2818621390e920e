/** A page of the catalogue as text: whole, or not at all. */
import { setImmediate } from 'node:timers/promises';

import type { Owner } from '../../../devices/model.ts';
import type { ApiContext } from '../../context.ts';
import { apiError, badParameter } from '../../errors.ts';
import type { NetworkView } from '../../network.ts';
import { describeEach, type Catalogue, type Item } from '../catalogue.ts';
import { catalogThings, titleOf, type CatalogPage } from './catalog-graph.ts';
import { datasetGraph } from './dataset-graph.ts';
import { publisherOf } from './publisher.ts';
import type { Thing } from './terms.ts';
import { createRdfWriter, type RdfFormat } from './writer.ts';

export interface PageQuestion {
  readonly catalogue: Catalogue;
  readonly view: NetworkView;
  readonly base: string;
  readonly format: RdfFormat;
  /** All that the question lets through, by id. */
  readonly items: readonly Item[];
  /** From 1. */
  readonly page: number;
  /** Id that it begins behind, wherever that stands by now; undefined: by its number. */
  readonly after?: string | undefined;
  /** Address of a page of the same question. */
  readonly pageUrl: (page: number, after?: string) => string;
}

/** Throws as `requirePage`, and API_CATALOGUE_PAGE_TOO_LARGE. */
export async function catalogPageText(
  context: Pick<ApiContext, 'config'>,
  question: PageQuestion,
): Promise<string> {
  const { catalogue, view, base, format } = question;
  const config = context.config.catalogue;
  const publisher = publisherOf(config, base);
  const paging = pagingOf(question, config.datasetsPerPageMax);
  const writer = createRdfWriter(format);
  const shared = new Map<string, Thing>();
  const datasets: string[] = [];
  const owners = new Map<string, Owner>();
  const times: number[] = [];
  for await (const entry of describeEach(catalogue, view, { items: paging.items, base })) {
    const graph = datasetGraph(entry, base, publisher);
    writer.write(graph.own);
    for (const thing of graph.shared) shared.set(thing.uri, thing);
    datasets.push(entry.uri);
    if (entry.owner !== undefined && entry.state === 'available') {
      owners.set(entry.owner.id, entry.owner);
    }
    if (entry.modifiedAt !== undefined) times.push(entry.modifiedAt);
    if (writer.length > config.pageBytesMax) throw tooLarge(config.pageBytesMax);
  }
  const page: CatalogPage = {
    ...paging,
    base,
    perPage: config.datasetsPerPageMax,
    publisher,
    datasets,
    owners: [...owners.values()],
    modifiedAt: times.length === 0 ? undefined : Math.max(...times),
  };
  for (const thing of catalogThings(page, titleOf(config))) shared.set(thing.uri, thing);
  writer.write([...shared.values()]);
  await setImmediate();
  const text = await writer.end();
  if (Buffer.byteLength(text) > config.pageBytesMax) throw tooLarge(config.pageBytesMax);
  return text;
}

function tooLarge(bytesMax: number): Error {
  return apiError('API_CATALOGUE_PAGE_TOO_LARGE', { bytesMax });
}

/** How many pages there are. Throws API_PARAMETER_INVALID beyond the last one, before any is made. */
export function requirePage(
  { items, page, after }: Pick<PageQuestion, 'items' | 'page' | 'after'>,
  perPage: number,
): number {
  const pages = Math.max(1, Math.ceil(items.length / perPage));
  if (after === undefined && page > pages) throw badParameter('page', `1 to ${pages}`);
  return pages;
}

function pagingOf({ items: given, page, after, pageUrl }: PageQuestion, perPage: number) {
  const items = given.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const pages = requirePage({ items, page, after }, perPage);
  const begin =
    after === undefined ? (page - 1) * perPage : items.filter(({ id }) => id <= after).length;
  const shown = items.slice(begin, begin + perPage);
  const isLast = begin + perPage >= items.length;
  return {
    items: shown,
    current: pageUrl(page, after),
    first: pageUrl(1),
    last: pageUrl(pages),
    next: isLast ? null : pageUrl(page + 1, shown.at(-1)?.id),
    previous: page > 1 ? pageUrl(page - 1) : null,
    total: items.length,
  };
}
