import { covers, coversOwner, type GrantInForce } from './access.ts';
import { parseInstant } from './instant.ts';
import type { Datastream, Owner, Visibility } from './model.ts';
import type { Credential, Registry } from './registry.ts';

/** Whoever asks: nobody in particular, or a credential. */
export type Principal = Credential | 'anonymous';

/**
 * Visibility of a datastream: its own, else its station's, else its owner's, else open. Under an
 * embargo what would be open is for recipients.
 */
export function visibilityOf(registry: Registry, datastream: Datastream): Visibility {
  const station = registry.stations.get(datastream.station);
  const owner = station === undefined ? undefined : registry.owners.get(station.owner);
  const visibility = datastream.visibility ?? station?.visibility ?? owner?.visibility ?? 'open';
  if (visibility !== 'open') return visibility;
  return isOver(embargoOf(registry, datastream), registry) ? 'open' : 'recipients';
}

/** Until when a datastream is under embargo: by its own word, else its station's, else its owner's. */
export function embargoOf(registry: Registry, datastream: Datastream): string | undefined {
  const station = registry.stations.get(datastream.station);
  const owner = registry.owners.get(station?.owner ?? '');
  return datastream.embargoUntil ?? station?.embargoUntil ?? owner?.embargoUntil;
}

/** By the version alone: that the moment has come is a change of the registry like any other. */
function isOver(embargoUntil: string | undefined, { access }: Registry): boolean {
  if (embargoUntil === undefined) return true;
  const until = parseInstant(embargoUntil);
  return until !== undefined && until <= access.ruledAt;
}

/**
 * The one rule of who may see what, for REST, SSE, MQTT, counts and errors alike: what is open is
 * seen by all; what is for recipients by operators, its owner, and readers of a recipient that has
 * a grant in force for it; what is internal by operators and its owner.
 */
export function visible(principal: Principal, datastream: Datastream, registry: Registry): boolean {
  const visibility = visibilityOf(registry, datastream);
  if (visibility === 'open') return true;
  if (principal === 'anonymous') return false;
  if (principal.role === 'operator') return true;
  const owner = registry.stations.get(datastream.station)?.owner;
  if (principal.owner !== undefined && principal.owner === owner) return true;
  return (
    visibility === 'recipients' &&
    grantsOf(principal, registry).some((grant) => covers(grant, datastream, owner))
  );
}

/** The same rule for an owner of whom nothing else is visible. */
export function ownerVisible(principal: Principal, owner: Owner, registry: Registry): boolean {
  const declared = owner.visibility ?? 'open';
  const isEmbargoed = declared === 'open' && !isOver(owner.embargoUntil, registry);
  if (declared === 'open' && !isEmbargoed) return true;
  if (principal === 'anonymous') return false;
  if (principal.role === 'operator' || principal.owner === owner.id) return true;
  return (
    declared !== 'internal' &&
    grantsOf(principal, registry).some((grant) => coversOwner(grant, owner))
  );
}

function grantsOf(principal: Credential, { access }: Registry): readonly GrantInForce[] {
  if (principal.role !== 'reader' || principal.recipient === undefined) return [];
  return access.inForce.get(principal.recipient) ?? [];
}
