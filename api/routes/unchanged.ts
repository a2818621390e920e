import type { Datastream } from '../../devices/model.ts';
import type { ApiContext } from '../context.ts';

/** Whether no series of these has changed behind an earlier position, as far as was followed. */
export function unchangedSince(
  context: ApiContext,
  datastreams: readonly Datastream[],
): (position: number) => boolean {
  const { feed, store } = context;
  return (position) =>
    feed.position >= store.position &&
    datastreams.every(({ series }) => feed.lastChangeOf(series) <= position);
}

/** Shortest reporting interval; undefined of none. */
export function intervalOf(datastreams: readonly Datastream[]): number | undefined {
  let shortest: number | undefined;
  for (const { intervalMs } of datastreams) {
    if (shortest === undefined || intervalMs < shortest) shortest = intervalMs;
  }
  return shortest;
}
