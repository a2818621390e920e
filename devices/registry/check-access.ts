import type { Grant, GrantScope, GrantState } from '../access.ts';
import type { FileGrant } from '../access-file.ts';
import { parseInstant } from '../instant.ts';
import { checkReference, leadsBack } from './check-entries.ts';
import type { CheckedFile } from './checked.ts';
import type { Placed } from './parse.ts';
import type { Problems } from './problems.ts';

export function checkRecipients(checked: CheckedFile, problems: Problems): void {
  const parentOf = (id: string) => checked.merged.recipient.get(id)?.parent;
  const { entries, spoilt } = checked.parsed;
  for (const { entry, place } of [...entries.recipient, ...spoilt.recipient]) {
    const at = [...place, 'parent'];
    if (entry.parent === undefined) continue;
    if (!checkReference(checked, problems, at, ['recipient', entry.parent])) continue;
    if (entry.id !== undefined && leadsBack(entry.id, parentOf)) {
      problems.add(at, 'DEVICES_REFERENCE_CYCLE', `${entry.id} would be its own parent body`);
    }
  }
}

/** What a state may become. Staying is no step. */
const stepsFrom: Readonly<Record<GrantState, readonly GrantState[]>> = {
  requested: ['granted', 'refused', 'withdrawn', 'expired'],
  granted: ['withdrawn', 'expired'],
  refused: [],
  withdrawn: [],
  expired: [],
};

export function maySucceed(before: GrantState, after: GrantState): boolean {
  return before === after || stepsFrom[before].includes(after);
}

export function checkGrants(checked: CheckedFile, problems: Problems): void {
  for (const placed of checked.parsed.entries.grant) {
    checkGrant(checked, placed, problems);
    checkSuccession(checked, placed, problems);
  }
}

function checkGrant(
  checked: CheckedFile,
  { entry, place }: Placed<FileGrant>,
  problems: Problems,
): void {
  checkReference(checked, problems, [...place, 'recipient'], ['recipient', entry.recipient]);
  if (entry.recipient === undefined && entry.applicant === undefined) {
    problems.add(place, 'DEVICES_GRANT_RECIPIENT', 'neither `recipient` nor `applicant` is given');
  }
  if (isBackwards(entry)) {
    problems.add([...place, 'until'], 'DEVICES_PERIOD', '`until` must be after `from`');
  }
  if (entry.state === 'requested') return;
  for (const member of ['decidedAt', 'decidedBy', 'reason'] as const) {
    if (entry[member] !== undefined) continue;
    const what = `a grant that is ${entry.state} has \`${member}\``;
    problems.add([...place, member], 'DEVICES_GRANT_DECISION', what);
  }
  if (entry.state !== 'granted') return;
  if (entry.recipient === undefined) {
    problems.add([...place, 'recipient'], 'DEVICES_GRANT_DECISION', 'nobody was granted it');
  }
  for (const { list, index, id } of unknownIn(entry.scope, checkedHas(checked))) {
    const what = `there is nothing "${id}" among ${list}`;
    problems.add([...place, 'scope', list, index], 'DEVICES_REFERENCE_UNKNOWN', what);
  }
}

/** A period that is none. */
export function isBackwards({ from, until }: Pick<Grant, 'from' | 'until'>): boolean {
  if (from === undefined || until === undefined) return false;
  return (parseInstant(from) ?? 0) >= (parseInstant(until) ?? Infinity);
}

function checkedHas(checked: CheckedFile): Has {
  return {
    owners: (id) => checked.isKnown('owner', id),
    stations: (id) => checked.isKnown('station', id),
    datastreams: (id) => checked.isKnown('datastream', id),
    properties: (id) => checked.against.properties.has(id),
  };
}

type Has = Readonly<Record<keyof GrantScope, (id: string) => boolean>>;

/** Everything that a scope names and that does not exist. */
export function unknownIn(
  scope: GrantScope,
  has: Has,
): { readonly list: keyof GrantScope; readonly index: number; readonly id: string }[] {
  const lists = ['owners', 'stations', 'datastreams', 'properties'] as const;
  return lists.flatMap((list) =>
    (scope[list] ?? []).flatMap((id, index) => (has[list](id) ? [] : [{ list, index, id }])),
  );
}

/** What was asked, by whom and when, stays; a decision is not taken back, only ended. */
function checkSuccession(
  checked: CheckedFile,
  { entry, place, key }: Placed<FileGrant>,
  problems: Problems,
): void {
  const before = checked.against.records.grant.get(key);
  if (before === undefined) return;
  for (const member of ['requestedAt', 'requestedBy'] as const) {
    if (before[member] === entry[member]) continue;
    const what = `was ${before[member]}; who asked, and when, never changes`;
    problems.add([...place, member], 'DEVICES_IDENTITY_CHANGED', what);
  }
  if (before.recipient !== undefined && before.recipient !== entry.recipient) {
    const what = `was ${before.recipient}; a grant stays with its recipient`;
    problems.add([...place, 'recipient'], 'DEVICES_IDENTITY_CHANGED', what);
  }
  if (!maySucceed(before.state, entry.state)) {
    const what = `${before.state} does not become ${entry.state}`;
    problems.add([...place, 'state'], 'DEVICES_GRANT_STATE', what);
  }
}
