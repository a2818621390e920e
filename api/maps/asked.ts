/** What every request for a map has in common. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';

import { baseUrl } from '../answer.ts';
import type { ApiContext } from '../context.ts';
import { apiError } from '../errors.ts';
import { filterQuery, type FilterQuery } from '../filter.ts';
import { addLink, licenceLinks } from '../limits/links.ts';
import type { NetworkView } from '../network.ts';
import { viewerOf, type Viewer } from '../viewer.ts';
import { collections, type Collected, type Collection } from './collections.ts';

const { bbox: _box, near: _near, ...named } = filterQuery;

/** Filters by name; where things are is asked for in other ways. */
export const namedQuery = named;
export const asJson = z.enum(['json']).optional().describe('Only JSON is offered.');
export const collectionId = z.string().min(1).max(100);

/** One request for something of a collection, as far as it is understood. */
export interface Asked {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly viewer: Viewer;
  readonly view: NetworkView;
  readonly base: string;
}

export function askedOf(context: ApiContext, request: FastifyRequest, reply: FastifyReply): Asked {
  const viewer = viewerOf(context.registry, request.headers.authorization);
  const view = context.networks.viewOf(viewer);
  return { request, reply, viewer, view, base: baseUrl(context, request) };
}

/** The terms of what is shown. Where a station stands has none of its own. */
export function addLicences(
  context: ApiContext,
  { view, reply }: Asked,
  { collection, query }: { readonly collection: Collection; readonly query: FilterQuery },
): void {
  if (collection.id === 'stations') return;
  addLink(reply, licenceLinks(view, context.select(view, query)));
}

/** Throws API_COLLECTION_UNKNOWN. */
export function collectionOf(request: FastifyRequest): Collection {
  const { collectionId: id } = request.params as { readonly collectionId: string };
  const found = collections.find((each) => each.id === id);
  if (found === undefined) throw apiError('API_COLLECTION_UNKNOWN', { parameter: 'collectionId' });
  return found;
}

/** What took longer waited for others, or for a disk. */
const workMsMax = 50;

/** Runs what an answer needs, and charges the request for what it kept the thread. */
export async function charged<Result>(
  { clock, gate }: ApiContext,
  request: FastifyRequest,
  run: () => Result | Promise<Result>,
): Promise<Result> {
  const startMs = clock.monotonicMs();
  try {
    return await run();
  } finally {
    const ms = Math.min(workMsMax, clock.monotonicMs() - startMs);
    gate.countWork(request, { rows: 0, ms });
  }
}

/** The features of the collection asked for; charged, since all that there is may be gone through. */
export function collect(
  context: ApiContext,
  { request, view }: Asked,
  query: FilterQuery,
): Promise<Collected> {
  return charged(context, request, () => collectionOf(request).collect(context, view, query));
}
