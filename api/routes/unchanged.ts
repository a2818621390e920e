import type { Datastream } from '../../devices/model.ts';
import type { ApiContext } from '../context.ts';
import type { Pins } from '../../ingest/feed/places/places.ts';

/** All rows of the series that the view holds now were there at this moment already. */
export function isUnchanged(
  { feed, store }: Pick<ApiContext, 'feed' | 'store'>,
  series: number,
  pins: Pins,
): boolean {
  return feed.position >= store.position && feed.lastChangeOf(series) <= pins.pinOf(series);
}

/** Whether no series of these has changed since an earlier moment, as far as was followed. */
export function unchangedSince(
  context: ApiContext,
  datastreams: readonly Datastream[],
): (pins: Pins) => boolean {
  return (pins) => datastreams.every(({ series }) => isUnchanged(context, series, pins));
}

/** Shortest reporting interval; undefined of none. */
export function intervalOf(datastreams: readonly Datastream[]): number | undefined {
  let shortest: number | undefined;
  for (const { intervalMs } of datastreams) {
    if (shortest === undefined || intervalMs < shortest) shortest = intervalMs;
  }
  return shortest;
}
