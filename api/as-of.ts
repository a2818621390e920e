import { sleep } from '../devices/clock.ts';
import type { ApiContext } from './context.ts';
import { apiError } from './errors.ts';
import { readInstant } from './instant.ts';

/** The API's follower is behind the log by no more than this when asked what was published. */
const waitMaxMs = 10_000;
const lookMs = 20;

/**
 * The position of `observations` that answers "what was published at this moment": the last batch
 * published by then. A batch stamped before the moment may still be on its way to the disk, so it
 * waits until a later batch is followed, or until `asOfSettleMs` have passed and all that is durable
 * is followed: asked again, the same moment gives the same position. Throws API_AS_OF_FUTURE for a
 * moment that has not come, API_UNAVAILABLE when following does not come so far.
 */
export async function positionAsOf(context: ApiContext, text: string): Promise<number> {
  const { clock, feed, observations, store, config } = context;
  const at = readInstant(text, 'asOf');
  if (at > clock.now()) throw apiError('API_AS_OF_FUTURE', { parameter: 'asOf' });
  const giveUpAtMs = clock.monotonicMs() + config.asOfSettleMs + waitMaxMs;
  let durableEnd: number | undefined;
  while (feed.publishedAt <= at) {
    if (clock.now() >= at + config.asOfSettleMs) durableEnd ??= observations.durableEnd.get();
    if (durableEnd !== undefined && feed.position >= durableEnd) break;
    if (clock.monotonicMs() > giveUpAtMs) throw apiError('API_UNAVAILABLE');
    await sleep(clock, lookMs);
  }
  return store.positionAt(at);
}

/** Waits until the view has come to a position that a page token names; one that is none is 400. */
export async function requirePosition(context: ApiContext, position: number): Promise<void> {
  if (position <= context.store.position) return;
  if (position > context.observations.durableEnd.get()) {
    throw apiError('API_PAGE_INVALID', { parameter: 'page' });
  }
  await context.feed.waitFor(position);
}
