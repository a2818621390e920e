/**
 * Who may read what is not open: named recipients, and the grants that each was given. All of it is
 * part of the registry, so that who saw what, since when and why, is in its history.
 */
import type { Datastream, Name, Owner } from './model.ts';

export const recipientKinds = [
  'ministry',
  'province',
  'district',
  'enterprise',
  'research',
  'other',
] as const;
export type RecipientKind = (typeof recipientKinds)[number];

/** Another body that reads with a key of its own. */
export interface Recipient {
  readonly id: string;
  readonly name: Name;
  readonly kind: RecipientKind;
  /** Of an office. */
  readonly contact?: string;
  /** Id of the recipient that it is a part of. It says nothing of rights: a grant is for one alone. */
  readonly parent?: string;
}

/** What is asked for: everything that is in all of the lists given. Ids; at least one list. */
export interface GrantScope {
  readonly owners?: readonly string[];
  readonly stations?: readonly string[];
  readonly datastreams?: readonly string[];
  readonly properties?: readonly string[];
}

export const grantStates = ['requested', 'granted', 'refused', 'withdrawn', 'expired'] as const;
export type GrantState = (typeof grantStates)[number];

/** Who asks without being a recipient yet. */
export interface Applicant {
  readonly name: string;
  readonly kind: RecipientKind;
  /** Of an office, not of a person: it stays in the history. */
  readonly contact: string;
}

/** A request, and what became of it. Times are RFC 3339 with offset. */
export interface Grant {
  readonly id: string;
  /** None while who asked is only an `applicant`. */
  readonly recipient?: string;
  readonly applicant?: Applicant;
  readonly scope: GrantScope;
  readonly purpose: string;
  readonly state: GrantState;
  readonly requestedAt: string;
  readonly requestedBy: string;
  /** By when it must be decided; then it expires. */
  readonly deadlineAt?: string;
  readonly decidedAt?: string;
  readonly decidedBy?: string;
  readonly reason?: string;
  /** In force from then on, else from the decision on. */
  readonly from?: string;
  /** In force before then; none means without end. */
  readonly until?: string;
}

/** The recipients and grants of one version of the registry. */
export interface Access {
  readonly recipients: ReadonlyMap<string, Recipient>;
  readonly grants: ReadonlyMap<string, Grant>;
  /**
   * How far the rules of time have been followed, ms UTC: an embargo is over, and a grant in force,
   * by this and not by a clock, so that a version shows the same for ever.
   */
  readonly ruledAt: number;
  /** Grants in force, by recipient. */
  readonly inForce: ReadonlyMap<string, readonly GrantInForce[]>;
}

/** A scope, ready to ask. */
export interface GrantInForce {
  readonly id: string;
  /** Equal for scopes that say the same. */
  readonly text: string;
  readonly owners: ReadonlySet<string> | null;
  readonly stations: ReadonlySet<string> | null;
  readonly datastreams: ReadonlySet<string> | null;
  readonly properties: ReadonlySet<string> | null;
}

/** Of a registry in which nobody was granted anything. */
export const noAccess: Access = {
  recipients: new Map(),
  grants: new Map(),
  ruledAt: 0,
  inForce: new Map(),
};

/** Whether it covers the datastream; `owner` is that of its station. */
export function covers(
  { owners, stations, datastreams, properties }: GrantInForce,
  datastream: Pick<Datastream, 'id' | 'station' | 'property'>,
  owner: string | undefined,
): boolean {
  return (
    (owners === null || (owner !== undefined && owners.has(owner))) &&
    (stations === null || stations.has(datastream.station)) &&
    (datastreams === null || datastreams.has(datastream.id)) &&
    (properties === null || properties.has(datastream.property))
  );
}

/** Whether it covers everything of the owner, also what is still to come. */
export function coversOwner(
  { owners, stations, datastreams, properties }: GrantInForce,
  { id }: Owner,
): boolean {
  return (
    owners?.has(id) === true && stations === null && datastreams === null && properties === null
  );
}
