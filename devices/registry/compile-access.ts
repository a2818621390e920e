import type { Access, Grant, GrantInForce } from '../access.ts';
import { parseInstant } from '../instant.ts';
import type { Records } from './records.ts';
import { stableText } from './records.ts';

/** Made once a version, so that `visible` looks at the few grants of one recipient alone. */
export function compileAccess({ recipient, grant, ruledAt }: Records): Access {
  const inForce = new Map<string, GrantInForce[]>();
  for (const each of grant.values()) {
    if (each.recipient === undefined || !isInForce(each, ruledAt)) continue;
    const found = inForce.get(each.recipient);
    if (found === undefined) inForce.set(each.recipient, [compileGrant(each)]);
    else found.push(compileGrant(each));
  }
  return { recipients: recipient, grants: grant, ruledAt, inForce };
}

function isInForce({ state, from, until }: Grant, ruledAt: number): boolean {
  return (
    state === 'granted' &&
    (from === undefined || (parseInstant(from) ?? Infinity) <= ruledAt) &&
    (until === undefined || (parseInstant(until) ?? 0) > ruledAt)
  );
}

function compileGrant({ id, scope }: Grant): GrantInForce {
  const setOf = (ids: readonly string[] | undefined) => (ids === undefined ? null : new Set(ids));
  return {
    id,
    text: stableText(scope),
    owners: setOf(scope.owners),
    stations: setOf(scope.stations),
    datastreams: setOf(scope.datastreams),
    properties: setOf(scope.properties),
  };
}
