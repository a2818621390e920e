/**
 * The public feed under `open/v1/{stationId}/{slug}`, as the broker needs it. Only what everybody
 * may see goes through it. The broker keeps no copy: what a new subscriber is shown first is built
 * when it subscribes, and changes are asked for only while somebody subscribes.
 */
export interface OpenMessage {
  /** `open/v1/{stationId}/{slug}`. */
  readonly topic: string;
  /** One row of `/api/v1/latest`, or no bytes where there is none any more; not altered afterwards. */
  readonly payload: Uint8Array;
}

/** Which topics: all of a station, all of a slug, one, or (both undefined) every one. */
export interface OpenQuery {
  readonly station?: string;
  readonly slug?: string;
}

export interface OpenFeed {
  /**
   * The latest row of each matching datastream, in pages. A page is built when it is asked for, so
   * that it is never older than a change told before; the next is asked for once the subscriber
   * has taken this one. A subscriber that leaves calls `return`. A rejection ends the replay; the
   * subscription stays.
   */
  latest(query: OpenQuery): AsyncIterable<readonly OpenMessage[]>;
  /**
   * Tells changes from now on, in order, until `stop`. `wants` says at the moment of a change
   * whether anybody subscribes to that topic: build the row only if it is true.
   */
  follow(follower: OpenFollower): { stop(): void };
}

export interface OpenFollower {
  wants(station: string, slug: string): boolean;
  changed(messages: readonly OpenMessage[]): void;
}

/** A feed with nothing in it. */
export const emptyOpenFeed: OpenFeed = {
  async *latest() {},
  follow: () => ({ stop: () => {} }),
};

/** What a (valid) filter asks of the feed, or undefined where it can match no topic of it. */
export function openQueryOf(filter: string): OpenQuery | undefined {
  const levels = filter.split('/');
  if (levels[0] !== 'open') return undefined;
  const rest = levels.indexOf('#') !== -1;
  const [version, station, slug] = levels.filter((level) => level !== '#').slice(1);
  if (version !== undefined && version !== 'v1' && version !== '+') return undefined;
  const named = levels.length - (rest ? 1 : 0);
  if (named > 4 || (named < 4 && !rest)) return undefined;
  return {
    ...(station === undefined || station === '+' ? {} : { station }),
    ...(slug === undefined || slug === '+' ? {} : { slug }),
  };
}
