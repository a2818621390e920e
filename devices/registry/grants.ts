import type { Grant, GrantState } from '../access.ts';
import { devicesError } from '../errors.ts';
import type { DevicesEvents } from '../events.ts';
import { parseInstant } from '../instant.ts';
import type { AccessDecision, AccessRequest, AccessWriter, Registry } from '../registry.ts';
import type { Change, Draft } from './change.ts';
import { isBackwards, maySucceed, unknownIn } from './check-access.ts';
import type { RegistryCore } from './core.ts';
import type { CredentialStore } from './credential-store.ts';
import { endSecrets } from './issue.ts';
import { recordTime } from './time-rule.ts';

interface Granting {
  readonly core: RegistryCore;
  readonly change: Change;
  readonly events: DevicesEvents | undefined;
  readonly store: CredentialStore;
}

const dayMs = 86_400_000;

/** Requests and grants. Each call is one version, and follows the rules of time up to it. */
export function createAccessWriter(granting: Granting): AccessWriter {
  return {
    requestAccess: (request) =>
      changed(granting, request.requestedBy, (draft) => requested(granting, draft, request)),
    decideAccess: (decision) =>
      changed(granting, decision.actor, (draft) =>
        decided(granting, draft, grantOf(granting, decision.id), decision),
      ),
    grantAccess: (request, decision) =>
      changed(granting, decision.actor, (draft) => {
        const asked = requested(granting, draft, request);
        return decided(granting, draft, asked, {
          ...decision,
          id: request.id,
          decision: 'grant',
        });
      }),
    withdrawAccess: (id, reason, actor) =>
      changed(granting, actor, (draft) =>
        step(grantOf(granting, id), 'withdrawn', decision(draft, actor, reason)),
      ),
    closeRecipient: (id, reason, actor) => closeRecipient(granting, { id, reason, actor }),
    followTime: (actor) => followTime(granting, actor),
  };
}

/** Makes a grant what `work` says, in a version in which every moment up to it has come. */
function changed(granting: Granting, actor: string, work: (draft: Draft) => Grant): Grant {
  const made = granting.change(actor, (draft) => {
    const after = work(draft);
    const { records } = granting.core.versions.newest;
    const before = records.grant.get(after.id) ?? null;
    draft.record({ kind: 'grant', id: after.id, before, after });
    // Behind it: a grant that begins now is in force in this version.
    const grant = new Map(records.grant).set(after.id, after);
    recordTime({ ...records, grant }, draft);
    return after;
  });
  granting.events?.accessDecided({ id: made.id, state: made.state, actor });
  return made;
}

function registryOf({ core }: Granting): Registry {
  return core.versions.newest.registry;
}

function grantOf(granting: Granting, id: string): Grant {
  const grant = registryOf(granting).access.grants.get(id);
  if (grant === undefined) throw devicesError('DEVICES_GRANT_UNKNOWN', { id });
  return grant;
}

function requested(granting: Granting, draft: Draft, request: AccessRequest): Grant {
  const { recipients, grants } = registryOf(granting).access;
  const { id, recipient, applicant, scope, purpose, requestedBy, deadlineAt, bounds } = request;
  if (grants.has(id)) throw devicesError('DEVICES_GRANT_TAKEN', { id });
  if (recipient !== undefined && !recipients.has(recipient)) {
    throw devicesError('DEVICES_RECIPIENT_UNKNOWN', { recipient });
  }
  if (recipient === undefined && applicant === undefined) {
    throw devicesError('DEVICES_GRANT_RECIPIENT', { id });
  }
  if (bounds !== undefined) requireRoom([...grants.values()], draft.at, request);
  return {
    id,
    ...(recipient === undefined ? {} : { recipient }),
    ...(applicant === undefined ? {} : { applicant }),
    scope,
    purpose,
    state: 'requested',
    requestedAt: textOf(draft.at),
    requestedBy,
    ...(deadlineAt === undefined ? {} : { deadlineAt: textOf(deadlineAt) }),
  };
}

/** Counted in the registry, so the bounds hold for all nodes together. */
function requireRoom(grants: readonly Grant[], now: number, request: AccessRequest): void {
  const { openMax = Infinity, applicantsPerDayMax = Infinity } = request.bounds ?? {};
  const isOfApplicant = request.recipient === undefined;
  // Each kind has its own room: those who are known to nobody can take none from recipients.
  const open = grants.filter(
    ({ state, recipient }) => state === 'requested' && (recipient === undefined) === isOfApplicant,
  );
  const recent = grants.filter(
    ({ applicant, requestedAt }) =>
      applicant !== undefined && (parseInstant(requestedAt) ?? 0) > now - dayMs,
  );
  const isFull = isOfApplicant && recent.length >= applicantsPerDayMax;
  if (open.length >= openMax || isFull) throw devicesError('DEVICES_REQUESTS_FULL');
}

function decided(granting: Granting, draft: Draft, before: Grant, wish: AccessDecision): Grant {
  const how = decision(draft, wish.actor, wish.reason);
  if (wish.decision === 'refuse') return step(before, 'refused', how);
  const { access } = registryOf(granting);
  const recipient = wish.recipient ?? before.recipient;
  const isOther = before.recipient !== undefined && before.recipient !== recipient;
  if (recipient === undefined || isOther) {
    throw devicesError('DEVICES_GRANT_RECIPIENT', { id: before.id });
  }
  if (!access.recipients.has(recipient)) {
    throw devicesError('DEVICES_RECIPIENT_UNKNOWN', { recipient });
  }
  const [unknown] = unknownIn(before.scope, hasOf(registryOf(granting)));
  if (unknown !== undefined) {
    throw devicesError('DEVICES_GRANT_SCOPE', { list: unknown.list, id: unknown.id });
  }
  const after = step(before, 'granted', {
    ...how,
    recipient,
    from: textOf(wish.fromAt ?? draft.ruledAt),
    ...(wish.untilAt === undefined ? {} : { until: textOf(wish.untilAt) }),
  });
  if (isBackwards(after)) throw devicesError('DEVICES_PERIOD', { until: after.until });
  return after;
}

function hasOf({ owners, stations, datastreams, properties }: Registry) {
  return {
    owners: (id: string) => owners.has(id),
    stations: (id: string) => stations.has(id),
    datastreams: (id: string) => datastreams.has(id),
    properties: (id: string) => properties.has(id),
  };
}

function decision(draft: Draft, decidedBy: string, reason: string) {
  return { decidedAt: textOf(draft.at), decidedBy, reason };
}

/** Throws DEVICES_GRANT_STATE unless the state really changes. */
function step(before: Grant, state: GrantState, more: Partial<Grant>): Grant {
  if (before.state === state || !maySucceed(before.state, state)) {
    throw devicesError('DEVICES_GRANT_STATE', {
      id: before.id,
      state: before.state,
      wanted: state,
    });
  }
  return { ...before, ...more, state };
}

function closeRecipient(
  granting: Granting,
  { id, reason, actor }: { readonly id: string; readonly reason: string; readonly actor: string },
): { readonly grants: number; readonly keys: number } {
  const ended = granting.change(actor, (draft) => {
    const { recipients, grants } = registryOf(granting).access;
    if (!recipients.has(id)) throw devicesError('DEVICES_RECIPIENT_UNKNOWN', { recipient: id });
    const open = [...grants.values()].filter(
      ({ recipient, state }) =>
        recipient === id && maySucceed(state, 'withdrawn') && state !== 'withdrawn',
    );
    for (const before of open) {
      const after = step(before, 'withdrawn', decision(draft, actor, reason));
      draft.record({ kind: 'grant', id: before.id, before, after });
    }
    const tokens = granting.store.tokensOf(id, draft.at);
    for (const token of tokens) endSecrets(granting.store, draft, token);
    return { grants: open.length, keys: tokens.length };
  });
  if (ended.grants + ended.keys > 0) {
    granting.events?.recipientClosed({ recipient: id, ...ended, actor });
  }
  return ended;
}

function followTime(granting: Granting, actor: string): boolean {
  const { ended, version } = granting.change(actor, (draft) => ({
    ended: recordTime(granting.core.versions.newest.records, draft),
    version: draft.version,
  }));
  if (ended < 0) return false;
  granting.events?.timeFollowed({ version, expired: ended });
  return true;
}

function textOf(at: number): string {
  return new Date(at).toISOString();
}
