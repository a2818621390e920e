import type { ApiContext } from '../context.ts';
import type { FeedPlace } from '../cursor.ts';
import { apiError } from '../errors.ts';

/** The end of the feed, as far as it is followed. */
export function endPlace(context: ApiContext): FeedPlace {
  return { position: context.feed.position + 1, index: 0 };
}

/** The oldest place that can be followed. */
function oldestPlace(context: ApiContext): FeedPlace {
  const { feedHorizonMs } = context.config;
  if (feedHorizonMs === 0) return { position: 1, index: 0 };
  const position = context.store.positionAt(context.clock.now() - feedHorizonMs) + 1;
  return { position, index: 0 };
}

/**
 * The place that a cursor, `now`, or nothing (the oldest) stands for. Throws API_CURSOR_INVALID
 * (400), API_CURSOR_STORE_UNKNOWN or API_CURSOR_EXPIRED (410).
 */
export function readPlace(
  context: ApiContext,
  after: string | undefined,
  parameter: string,
): FeedPlace {
  if (after === 'now') return endPlace(context);
  const oldest = oldestPlace(context);
  if (after === undefined) return oldest;
  const place = context.cursors.decode(after, parameter);
  const end = Math.max(context.feed.position, context.observations.durableEnd.get()) + 1;
  const isInside =
    place.position >= oldest.position &&
    (place.position < end || (place.position === end && place.index === 0));
  if (!isInside) throw apiError('API_CURSOR_EXPIRED', { parameter });
  return place;
}
