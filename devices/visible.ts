import type { Datastream, Visibility } from './model.ts';
import type { Credential, Registry } from './registry.ts';

/** Whoever asks: nobody in particular, or a credential. */
export type Principal = Credential | 'anonymous';

/** Visibility of a datastream: its own, else its station's, else its owner's, else open. */
export function visibilityOf(registry: Registry, datastream: Datastream): Visibility {
  if (datastream.visibility !== undefined) return datastream.visibility;
  const station = registry.stations.get(datastream.station);
  if (station?.visibility !== undefined) return station.visibility;
  const owner = station === undefined ? undefined : registry.owners.get(station.owner);
  return owner?.visibility ?? 'open';
}

/**
 * The one rule of who may see what, for REST, SSE, MQTT, counts and errors alike: what is open is
 * seen by all, what is for recipients by every reader token and its owner, what is internal by
 * operators and its owner.
 */
export function visible(principal: Principal, datastream: Datastream, registry: Registry): boolean {
  const visibility = visibilityOf(registry, datastream);
  if (visibility === 'open') return true;
  if (principal === 'anonymous') return false;
  if (principal.role === 'operator') return true;
  const station = registry.stations.get(datastream.station);
  if (principal.owner !== undefined && principal.owner === station?.owner) return true;
  return visibility === 'recipients' && principal.role === 'reader';
}
