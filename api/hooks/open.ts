/** The webhooks of the node that publishes: what is kept of them, who sends, and who handles them. */
import type { Random } from '../../devices/random.ts';
import type { Telemetry } from '../../devices/telemetry.ts';
import type { AccessLog } from '../access/log.ts';
import type { ApiContext } from '../context.ts';
import type { Resolve } from './address.ts';
import { createDeliverer } from './deliverer.ts';
import { createHookEvents } from './events.ts';
import { openHookStore } from './hook.ts';
import type { Post } from './post.ts';
import { createSubscriptions, type Subscriptions } from './subscriptions.ts';

/** The ways out into the internet. */
export interface HookPorts {
  readonly resolve: Resolve;
  readonly post: Post;
}

export interface Hooks {
  readonly subscriptions: Subscriptions;
  close(): Promise<void>;
}

export function openHooks(
  context: ApiContext,
  options: HookPorts & {
    readonly random: Random;
    readonly telemetry: Telemetry;
    readonly accessLog: AccessLog;
    /** By which what is of no use any more is removed. */
    readonly judgedNow: () => number;
  },
): Hooks {
  const { clock } = context;
  const store = openHookStore(context.kept);
  const events = createHookEvents(options.telemetry);
  const parts = { ...options, context, clock, store, events };
  const deliverer = createDeliverer(parts, options.judgedNow);
  return {
    subscriptions: createSubscriptions({ ...parts, deliverer }),
    close: () => deliverer.close(),
  };
}
