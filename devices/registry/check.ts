import type { ImportProblem } from '../registry.ts';
import { checkGrants, checkRecipients } from './check-access.ts';
import { checkDeployments } from './check-deployments.ts';
import { checkDatastreams, checkDevices, checkOwners, checkStations } from './check-entries.ts';
import type { CheckAgainst, CheckedFile } from './checked.ts';
import { parseFile, type ParsedFile } from './parse.ts';
import { createProblems } from './problems.ts';
import { recordKinds, type RecordKind, type Records } from './records.ts';

export type FileVerdict =
  | { readonly ok: true; readonly parsed: ParsedFile; readonly merged: Records }
  | { readonly ok: false; readonly problems: readonly ImportProblem[] };

/** Judges a whole file: every problem of every entry, not only the first. Changes nothing. */
export function checkFile(content: unknown, against: CheckAgainst): FileVerdict {
  const problems = createProblems();
  const parsed = parseFile(content, against.entriesMax, problems);
  const merged = mergeRecords(against.records, parsed);
  const checked: CheckedFile = {
    against,
    parsed,
    merged,
    isKnown: (kind, id) => merged[kind].has(id) || parsed.mentioned[kind].has(id),
  };
  checkOwners(checked, problems);
  checkStations(checked, problems);
  checkDatastreams(checked, problems);
  checkDevices(checked, problems);
  checkDeployments(checked, problems);
  checkRecipients(checked, problems);
  checkGrants(checked, problems);
  if (problems.list.length > 0) return { ok: false, problems: problems.list };
  return { ok: true, parsed, merged };
}

/** The registry with the file's entries added or put in the place of their older selves. */
function mergeRecords(records: Records, parsed: ParsedFile): Records {
  const merged: Record<RecordKind, ReadonlyMap<string, unknown>> = { ...records };
  for (const kind of recordKinds) {
    const placed = parsed.entries[kind];
    if (placed.length === 0) continue;
    const entries = new Map<string, unknown>(records[kind]);
    for (const { key, entry } of placed) entries.set(key, entry);
    merged[kind] = entries;
  }
  return merged as unknown as Records;
}
