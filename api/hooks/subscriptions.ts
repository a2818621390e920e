/** Webhooks as their owners and operators handle them. */
import type { Clock } from '../../devices/clock.ts';
import type { Random } from '../../devices/random.ts';
import type { ApiContext } from '../context.ts';
import { apiError } from '../errors.ts';
import { readFilter, type FilterQuery } from '../filter.ts';
import { requireInterest } from '../live/interest.ts';
import type { Viewer } from '../viewer.ts';
import { readReceiver } from './address.ts';
import { requireRoom } from './room.ts';
import type { Deliverer } from './deliverer.ts';
import type { HookEvents } from './events.ts';
import type { Hook, HookStore } from './hook.ts';
import { createSecret } from './signature.ts';

export interface HookRequest {
  readonly url: string;
  readonly filter: FilterQuery;
  /** A cursor, `now`, or undefined for the oldest change that can be followed. */
  readonly after: string | undefined;
  readonly viewer: Viewer;
  /** Of the client's address; undefined where it has none. */
  readonly network: string | undefined;
}

export interface Subscriptions {
  /** Throws for a bad address or filter, a cursor that is none or gone, and API_TOO_MANY_WEBHOOKS. */
  create(request: HookRequest): Promise<Hook>;
  list(): readonly Hook[];
  find(id: string): Hook | undefined;
  remove(hook: Hook): void;
  /** Gives a new secret; deliveries are signed with both for `hooksRotateMs`. */
  rotate(hook: Hook): void;
  pause(hook: Hook, reason: string): void;
  /** Goes on where it stopped, or behind `after`. Throws API_WEBHOOK_ENDED. */
  resume(hook: Hook, after: string | undefined): Promise<void>;
}

export interface SubscriptionsOptions {
  readonly context: ApiContext;
  readonly clock: Clock;
  readonly random: Random;
  readonly store: HookStore;
  readonly deliverer: Pick<Deliverer, 'changed'>;
  readonly events: HookEvents;
}

const idBytes = 12;

export function createSubscriptions(options: SubscriptionsOptions): Subscriptions {
  const { context, clock, random, store, deliverer, events } = options;
  const { config, places } = context;

  async function cursorOf(after: string | undefined): Promise<string> {
    return places.cursorOf(await places.read(after, 'after'));
  }

  function save(hook: Hook): void {
    hook.handled += 1;
    store.save(hook);
    deliverer.changed(hook);
    events.stateChanged(hook);
  }

  return {
    async create({ url, filter, after, viewer, network }) {
      const receiver = readReceiver(url, config.hooksLoopback);
      const view = context.networks.viewOf(viewer);
      requireInterest(view, readFilter(filter, config.valuesPerParameterMax));
      const cursor = await cursorOf(after);
      const hook = newHook(options, { url: receiver.href, filter, viewer, network, cursor });
      requireRoom(store.all, config, hook);
      store.add(hook);
      events.stateChanged(hook);
      return hook;
    },
    list: () => [...store.all.values()],
    find: (id) => store.all.get(id),
    remove(hook) {
      hook.handled += 1;
      store.remove(hook.id);
      deliverer.changed(hook);
    },
    rotate(hook) {
      hook.previousSecret = hook.secret;
      hook.previousUntil = clock.now() + config.hooksRotateMs;
      hook.secret = createSecret(random);
      store.save(hook);
    },
    pause(hook, reason) {
      requireAlive(hook);
      hook.state = 'paused';
      hook.stateSince = clock.now();
      hook.reason = reason;
      save(hook);
    },
    async resume(hook, after) {
      requireAlive(hook);
      const cursor = after === undefined ? undefined : await cursorOf(after);
      // It may have ended, or been deleted, while its place was looked up.
      requireAlive(hook);
      if (store.all.get(hook.id) !== hook) throw apiError('API_WEBHOOK_UNKNOWN');
      if (cursor !== undefined) {
        hook.cursor = cursor;
        hook.batch = null;
        hook.placed += 1;
      }
      // What was disabled shows again that it is there, before anything is sent to it.
      const isKnown = hook.isVerified && hook.state !== 'disabled';
      Object.assign(hook, { attempts: 0, failingSince: null, nextAt: clock.now(), reason: null });
      hook.stateSince = clock.now();
      hook.state = isKnown ? 'active' : 'unverified';
      save(hook);
    },
  };
}

function requireAlive({ state, reason }: Hook): void {
  if (state === 'ended') throw apiError('API_WEBHOOK_ENDED', { reason });
}

interface NewHook extends Pick<HookRequest, 'url' | 'filter' | 'viewer' | 'network'> {
  readonly cursor: string;
}

function newHook(
  { clock, random }: Pick<SubscriptionsOptions, 'clock' | 'random'>,
  { url, filter, viewer: { principal }, network, cursor }: NewHook,
): Hook {
  const nowAt = clock.now();
  return {
    id: `wh_${Buffer.from(random.bytes(idBytes)).toString('base64url')}`,
    url,
    filter,
    subject: principal === 'anonymous' ? null : principal.subject,
    createdAt: nowAt,
    network: principal === 'anonymous' ? (network ?? null) : null,
    stateSince: nowAt,
    secret: createSecret(random),
    previousSecret: null,
    previousUntil: null,
    state: 'unverified',
    reason: null,
    isVerified: false,
    cursor,
    batch: null,
    attempts: 0,
    failingSince: null,
    nextAt: nowAt,
    deliveredAt: null,
    lastStatus: null,
    lastFailure: null,
    handled: 0,
    placed: 0,
  };
}
