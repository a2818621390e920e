import type { Grant } from '../access.ts';
import type { DevicesEvents } from '../events.ts';
import type { ImportOutcome, RegistryWriter } from '../registry.ts';
import type { Change, Draft } from './change.ts';
import { checkFile, type FileVerdict } from './check.ts';
import type { RegistryCore } from './core.ts';
import { recordKinds, stableText } from './records.ts';
import { recordTime } from './time-rule.ts';

/**
 * Import adds and changes; it never deletes. What is absent from the file stays as it is, so a file
 * may hold a part of the network. A deployment ends by its `to`; the same one with `to` equal to
 * `from` never served. One wrong entry and nothing is changed.
 */
export function createFileImporter(options: {
  readonly core: RegistryCore;
  readonly change: Change;
  readonly events: DevicesEvents | undefined;
  readonly codecs: ReadonlySet<string> | undefined;
  readonly entriesMax: number;
}): RegistryWriter['importFile'] {
  const { core, change, events } = options;
  const insertSeries = core.database.prepare(
    'INSERT INTO series (series, datastream) SELECT coalesce(max(series) + 1, 0), ? FROM series',
  );

  function judge(content: unknown): FileVerdict {
    return checkFile(content, {
      records: core.versions.newest.records,
      properties: core.properties,
      units: core.units,
      zones: core.zones,
      codecs: options.codecs,
      tokenIds: core.credentials.tokenIds,
      entriesMax: options.entriesMax,
    });
  }

  /** Records what differs from the registry; answers how many entries that is. */
  function apply(verdict: FileVerdict & { readonly ok: true }, draft: Draft): number {
    const { records } = core.versions.newest;
    const grant = new Map(records.grant);
    let changed = 0;
    for (const kind of recordKinds) {
      const current: ReadonlyMap<string, unknown> = records[kind];
      for (const { key, entry } of verdict.parsed.entries[kind]) {
        const before = current.get(key);
        if (before !== undefined && stableText(before) === stableText(entry)) continue;
        draft.record({ kind, id: key, before: before ?? null, after: entry });
        if (kind === 'datastream' && before === undefined) insertSeries.run(key);
        if (kind === 'grant') grant.set(key, entry as Grant);
        changed += 1;
      }
    }
    // What an entry says of a moment that has passed holds from its first version on.
    if (changed > 0) recordTime({ ...verdict.merged, grant }, draft);
    return changed;
  }

  return (content, actor) => {
    const outcome = change(actor, (draft): ImportOutcome => {
      const verdict = judge(content);
      if (!verdict.ok) return verdict;
      const changed = apply(verdict, draft);
      return { ok: true, changed, version: changed === 0 ? draft.version - 1 : draft.version };
    });
    if (outcome.ok) events?.importAccepted({ ...outcome, actor });
    else events?.importRefused(outcome.problems, actor);
    return outcome;
  };
}
