/** `asOf` of a question about the registry: the moment, what its answer depends on, and the view. */
import type { FastifyRequest } from 'fastify';

import { comesTrue } from '../../ingest/feed/comes-true.ts';
import { behindMaxMs, type Moment } from '../../ingest/feed/places/places.ts';
import { readAsOf } from '../as-of.ts';
import type { ApiContext } from '../context.ts';
import { apiError, type ApiErrorCode } from '../errors.ts';
import { readInstant } from '../instant.ts';
import { requireAffordable } from '../limits/affordable.ts';
import { createPlace } from '../limits/long-answers.ts';
import type { NetworkView } from '../network.ts';
import type { PinnedPage } from '../page.ts';
import type { Viewer } from '../viewer.ts';
import type { Earlier } from './networks.ts';

export interface EarlierQuestion {
  readonly request: FastifyRequest;
  readonly viewer: Viewer;
  readonly today: NetworkView;
  /** RFC 3339. */
  readonly asOf: string;
  readonly page?: PinnedPage | undefined;
}

export interface EarlierAnswer {
  /** Changes go on from here; its tag names the version too. */
  readonly moment: Moment;
  /** The last version up to today's that was of more than secrets: the answer depends on no other. */
  readonly registryVersion: number;
  /** Made where it is not at hand. Throws API_QUERY_TOO_DEAR, API_TOO_MANY_STREAMS. */
  view(): Promise<NetworkView>;
}

/** Refusals of what is asked `asOf`. */
export const earlierProblems: readonly ApiErrorCode[] = [
  'API_AS_OF_FUTURE',
  'API_QUERY_TOO_DEAR',
  'API_TOO_MANY_STREAMS',
  'API_UNAVAILABLE',
];

/** Throws API_AS_OF_FUTURE, API_PARAMETER_INVALID, API_UNAVAILABLE, and what a page may throw. */
export async function askEarlier(
  context: ApiContext,
  { request, viewer, today, asOf, page }: EarlierQuestion,
): Promise<EarlierAnswer> {
  const { earlier, gate, places } = context;
  const worked = (ms: number): void => gate.countWork(request, { rows: 0, ms });
  const at = readInstant(asOf, 'asOf');
  const told = await readAsOf(context, asOf);
  const moment = page === undefined ? told : await places.ofPin(page.pin);
  await requireSettled(context, at);
  const version = await earlier.versionAt(at, worked);
  return {
    moment: { ...moment, tag: `${moment.tag}-${version.toString(36)}` },
    registryVersion: earlier.entriesChangedAt(today.registry.version),
    view: () => viewOf(context, request, { viewer, today, version }),
  };
}

/** A version that was made by then may still be on its way to this node of a network. */
async function requireSettled({ clock, earlier }: ApiContext, at: number): Promise<void> {
  const { settleMs } = earlier;
  const isSettled = () => clock.now() > at + settleMs;
  if (!(await comesTrue(clock, settleMs + behindMaxMs, isSettled)))
    throw apiError('API_UNAVAILABLE');
}

async function viewOf(
  context: ApiContext,
  request: FastifyRequest,
  asked: Earlier,
): Promise<NetworkView> {
  const { earlier, gate, config } = context;
  const queryCostMax = config.earlierCostMax;
  const worked = (ms: number): void => gate.countWork(request, { rows: 0, ms });
  const cost = earlier.costOf(asked);
  if (cost === 0) return earlier.viewOf(asked, worked);
  const since = earlier.sinceWithin(asked, queryCostMax);
  const expected =
    since === undefined ? 'left out: as it is now' : `not before ${new Date(since).toISOString()}`;
  const suggestions = [{ parameter: 'asOf', expected }];
  requireAffordable({ config: { ...config, queryCostMax } }, { cost, suggestions });
  const place = createPlace(context, request);
  place.take();
  try {
    const view = await earlier.viewOf(asked, worked);
    place.requireHeld();
    return view;
  } finally {
    place.release();
  }
}
