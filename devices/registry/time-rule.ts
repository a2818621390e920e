/**
 * What happens in the registry by itself, when a moment comes: an embargo ends, a grant begins or
 * ends, a request passes its deadline undecided. It happens as a change, so that a version shows the
 * same for ever, whoever asks and whenever.
 */
import type { Grant } from '../access.ts';
import { parseInstant } from '../instant.ts';
import type { Registry } from '../registry.ts';
import type { Draft } from './change.ts';
import { timeId, timeKind, type Records } from './records.ts';

/** Who decides what nobody decided. */
export const ruleActor = 'rule';

interface Things {
  readonly embargoed: Iterable<{ readonly embargoUntil?: string }>[];
  readonly grants: Iterable<Grant>;
  readonly ruledAt: number;
}

/** The next moment at which `followTime` has something to do, ms UTC; Infinity for none. */
export function nextMoment({ owners, stations, datastreams, access }: Registry): number {
  return nextOf({
    embargoed: [owners.values(), stations.values(), datastreams.values()],
    grants: access.grants.values(),
    ruledAt: access.ruledAt,
  });
}

function nextOf({ embargoed, grants, ruledAt }: Things): number {
  let next = Infinity;
  // A moment up to `ruledAt` was followed already; only states can still lag behind theirs.
  const later = (text: string | undefined): void => {
    const at = text === undefined ? undefined : parseInstant(text);
    if (at !== undefined && at > ruledAt) next = Math.min(next, at);
  };
  for (const things of embargoed) {
    for (const { embargoUntil } of things) if (embargoUntil !== undefined) later(embargoUntil);
  }
  for (const grant of grants) {
    if (grant.state === 'granted') later(grant.from);
    const end = endOf(grant);
    if (end !== undefined) next = Math.min(next, parseInstant(end) ?? Infinity);
  }
  return next;
}

/** When it ends by itself. */
function endOf({ state, deadlineAt, until }: Grant): string | undefined {
  if (state === 'requested') return deadlineAt;
  return state === 'granted' ? until : undefined;
}

/**
 * Records, in the version being made, every moment up to it. `records` are the entries with all that
 * the version has recorded so far. Answers how many grants and requests ended; -1 when no moment
 * has come.
 */
export function recordTime(records: Records, draft: Draft): number {
  const { ruledAt, owner, station, datastream, grant } = records;
  const embargoed = [owner.values(), station.values(), datastream.values()];
  if (nextOf({ embargoed, grants: grant.values(), ruledAt }) > draft.ruledAt) return -1;
  let ended = 0;
  for (const [id, before] of grant) {
    const end = endOf(before);
    if (end === undefined || (parseInstant(end) ?? Infinity) > draft.ruledAt) continue;
    draft.record({ kind: 'grant', id, before, after: endedGrant(before, draft.at) });
    ended += 1;
  }
  draft.record({
    kind: timeKind,
    id: timeId,
    before: ruledAt === 0 ? null : { at: ruledAt },
    after: { at: Math.max(ruledAt, draft.ruledAt) },
  });
  return ended;
}

function endedGrant(grant: Grant, at: number): Grant {
  if (grant.state === 'granted') return { ...grant, state: 'expired' };
  return {
    ...grant,
    state: 'expired',
    decidedAt: new Date(at).toISOString(),
    decidedBy: ruleActor,
    reason: 'Its deadline passed without a decision.',
  };
}
