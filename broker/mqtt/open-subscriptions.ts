/**
 * Joins the public feed to the subscribers of `open/…`: changes are followed only while there is
 * one, and only topics that somebody subscribes to are asked for.
 */
import type { Counter } from '../given.ts';
import { openQueryOf, type OpenFeed, type OpenMessage, type OpenQuery } from './open-feed.ts';
import type { Qos } from './packets.ts';
import { openReplay, type Replay } from './replay.ts';
import type { Router } from './router.ts';

export interface Shown {
  readonly qos: Qos;
  readonly ready: () => void;
  /** Of a client with a key. */
  readonly counter: Counter | undefined;
}

export interface OpenSubscriptions {
  /** Counts a subscription in; returns its end. A filter that reaches no topic costs nothing. */
  add(filter: string): () => void;
  /** The latest rows for a new subscription, or undefined where the filter reaches none. */
  replay(filter: string, shown: Shown): Replay | undefined;
  close(): void;
}

export interface OpenSubscriptionsOptions {
  readonly feed: OpenFeed;
  readonly router: Router;
  readonly failed: (error: unknown) => void;
}

/** Subscribers may choose QoS 0 or 1. */
const changeQos: Qos = 1;

const any = '';

export function createOpenSubscriptions(options: OpenSubscriptionsOptions): OpenSubscriptions {
  /** Number of subscriptions by `station/slug`, where an empty one stands for any. */
  const wanted = new Map<string, number>();
  let following: { stop(): void } | undefined;
  let isClosed = false;

  function count(query: OpenQuery, by: 1 | -1): void {
    const key = `${query.station ?? any}/${query.slug ?? any}`;
    const total = (wanted.get(key) ?? 0) + by;
    if (total === 0) wanted.delete(key);
    else wanted.set(key, total);
    if (wanted.size > 0 && !isClosed) following ??= options.feed.follow({ wants, changed });
    else stop();
  }

  function stop(): void {
    following?.stop();
    following = undefined;
  }

  function wants(station: string, slug: string): boolean {
    return (
      wanted.has('/') ||
      wanted.has(`${station}/`) ||
      wanted.has(`/${slug}`) ||
      wanted.has(`${station}/${slug}`)
    );
  }

  function changed(messages: readonly OpenMessage[]): void {
    for (const { topic, payload } of messages) options.router.publish(topic, payload, changeQos);
  }

  return {
    add(filter) {
      const query = openQueryOf(filter);
      if (query === undefined) return () => {};
      count(query, 1);
      return () => count(query, -1);
    },
    replay(filter, { qos, ready, counter }) {
      const query = openQueryOf(filter);
      if (query === undefined) return undefined;
      const pages = options.feed.latest(query);
      return openReplay({
        pages,
        qos: Math.min(qos, changeQos) as Qos,
        ready,
        counter,
        failed: options.failed,
      });
    },
    close() {
      isClosed = true;
      stop();
    },
  };
}
