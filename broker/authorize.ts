/**
 * What a principal may publish and read: one policy for every door, deny by default. The topics are
 * those of the own scheme (docs of the API, "Own MQTT scheme"):
 *
 *   env/v1/{deviceId}/obs, …/obs/backfill, …/state, …/meta, …/time, …/cfg/reported, …/cmd/…/reply
 *   env/v1/{gatewayId}/sub/{childId}/obs
 *   env/v1/{deviceId}/cmd/…, …/cfg/desired     to the device, from an operator
 *   open/v1/{stationId}/{slug}                 from the platform, for everybody
 *   open/v1/_changes/…                         from the platform, by what one may see (mqtt/change-feed.ts)
 */
import type { Registry } from '../devices/registry.ts';
import type { Principal } from '../devices/visible.ts';

export interface Requester {
  readonly principal: Principal;
  /** The connection comes from this machine. */
  readonly loopback: boolean;
  /** Of the connection. */
  readonly address?: string;
}

/** What becomes of a permitted message beside being kept. */
export type Purpose =
  /** Measurements: kept, never routed to subscribers. */
  | 'message'
  | 'backfill'
  /** Kept as control and routed to subscribers. */
  | 'control'
  /** Kept as control and answered with the server's time. */
  | 'time';

export interface PublishRight {
  readonly purpose: Purpose;
  /** Whose reading it is: the child's where a gateway speaks for it. */
  readonly device: string;
  /** A retained message is within the rights. */
  readonly retainable: boolean;
}

export interface Authorizer {
  /** The right to publish to this topic, or undefined. */
  readonly publish: (requester: Requester, topic: string) => PublishRight | undefined;
  /** Whether every topic that the (valid) filter can match may be read. */
  readonly subscribe: (requester: Requester, filter: string) => boolean;
}

export interface AuthorizeOptions {
  /** The registry in force. */
  readonly registry: () => Registry;
  readonly anonymousPublish: 'never' | 'demo';
}

const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** What a device may say under its own id, by the levels behind the id. */
const deviceTopics: ReadonlyMap<
  string,
  { readonly purpose: Purpose; readonly retainable: boolean }
> = new Map([
  ['obs', { purpose: 'message', retainable: false }],
  ['obs/backfill', { purpose: 'backfill', retainable: false }],
  ['state', { purpose: 'control', retainable: true }],
  ['meta', { purpose: 'control', retainable: true }],
  ['cfg/reported', { purpose: 'control', retainable: false }],
  ['time', { purpose: 'time', retainable: false }],
]);

/** What anybody on this machine may say for a device under --demo. */
const demoTopics = new Set(['obs', 'obs/backfill', 'state', 'meta']);

/** What a device may read of its own: with all that lies below, and as a single topic. */
const deviceReadsBelow = new Set(['cmd', 'cfg']);
const deviceReads = new Set(['time', 'state', 'meta']);

/** What an operator may read of any one device: what it says of itself. */
const operatorReads = new Set(['state', 'meta']);

export function createAuthorizer(options: AuthorizeOptions): Authorizer {
  return {
    publish(requester, topic) {
      const levels = topic.split('/');
      const [space, version, id] = levels;
      if (space !== 'env' || version !== 'v1' || id === undefined || !idPattern.test(id)) {
        return undefined;
      }
      const { principal } = requester;
      if (principal === 'anonymous') {
        const allowed = options.anonymousPublish === 'demo' && requester.loopback;
        return allowed ? demoRight(id, levels) : undefined;
      }
      if (principal.role === 'device') {
        return principal.subject === id ? deviceRight(id, levels, options.registry()) : undefined;
      }
      return principal.role === 'operator' ? operatorRight(id, levels) : undefined;
    },
    subscribe(requester, filter) {
      const levels = filter.split('/');
      if (levels[0] === 'open') return levels.length > 1 && ['v1', '+', '#'].includes(levels[1]!);
      const { principal } = requester;
      if (principal === 'anonymous') return false;
      if (levels[0] === '$SYS') return principal.role === 'operator';
      return levels[0] === 'env' && levels[1] === 'v1' && mayReadDevice(principal, levels);
    },
  };
}

function rightOf(id: string, purpose: Purpose, retainable: boolean): PublishRight {
  return { purpose, device: id, retainable };
}

function deviceRight(
  id: string,
  levels: readonly string[],
  registry: Registry,
): PublishRight | undefined {
  const own = deviceTopics.get(levels.slice(3).join('/'));
  if (own !== undefined) return rightOf(id, own.purpose, own.retainable);
  if (levels[3] === 'cmd' && levels.length > 5 && levels.at(-1) === 'reply') {
    return rightOf(id, 'control', false);
  }
  const child = levels[4];
  if (levels[3] !== 'sub' || levels.length !== 6 || levels[5] !== 'obs' || child === undefined) {
    return undefined;
  }
  return registry.devices.get(child)?.gateway === id ? rightOf(child, 'message', false) : undefined;
}

function demoRight(id: string, levels: readonly string[]): PublishRight | undefined {
  const below = levels.slice(3).join('/');
  const own = demoTopics.has(below) ? deviceTopics.get(below) : undefined;
  return own === undefined ? undefined : rightOf(id, own.purpose, own.retainable);
}

function operatorRight(id: string, levels: readonly string[]): PublishRight | undefined {
  if (levels[3] === 'cfg' && levels[4] === 'desired' && levels.length === 5) {
    return rightOf(id, 'control', true);
  }
  const command = levels[3] === 'cmd' && levels.length > 4 && levels.at(-1) !== 'reply';
  return command ? rightOf(id, 'control', false) : undefined;
}

function mayReadDevice(
  principal: Exclude<Principal, 'anonymous'>,
  levels: readonly string[],
): boolean {
  const id = levels[2];
  const first = levels[3];
  // A wildcard at the id, or right behind it, would reach what others say or measure.
  if (id === undefined || first === undefined || !idPattern.test(id)) return false;
  const alone = levels.length === 4;
  if (principal.role === 'operator') return alone && operatorReads.has(first);
  if (principal.role !== 'device' || principal.subject !== id) return false;
  return deviceReadsBelow.has(first) || (alone && deviceReads.has(first));
}
