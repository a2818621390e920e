import type { Database } from '../database.ts';
import { devicesError } from '../errors.ts';
import type { Registry } from '../registry.ts';
import { createCompiler, type Compiler, type CompileWith } from './compile.ts';
import { emptyRecords, recordKinds, timeKind, type RecordKind, type Records } from './records.ts';

/** One version, with the entries it was compiled from. */
export interface Loaded {
  readonly registry: Registry;
  readonly records: Records;
}

/** Versions of the registry, read from the history. */
export interface VersionLoader {
  readonly newest: Loaded;
  /** Exactly that version; throws DEVICES_VERSION_UNKNOWN beyond the newest committed one. */
  at(version: number): Loaded;
  /** Reads what was committed since. One read transaction: all of a version, or nothing. */
  refresh(): Loaded;
  /** Compiles entries that were gathered elsewhere, with what these versions share. */
  readonly compileSteps: Compiler['steps'];
}

interface HistoryRecord {
  readonly kind: RecordKind | typeof timeKind;
  readonly id: string;
  readonly after: string;
}

/**
 * `series` of `compileWith` is filled here. A version is made from the nearest earlier one that is
 * still kept, so that following the markers of a log costs what changed, not the whole history.
 */
export function createVersionLoader(
  database: Database,
  compileWith: CompileWith & { readonly series: Map<string, number> },
  versionsCachedMax: number,
): VersionLoader {
  const newestVersion = database.prepare('SELECT max(version) AS version FROM history');
  const kinds = [...recordKinds, timeKind].map((kind) => `'${kind}'`).join(', ');
  const changes = database.prepare(
    `SELECT kind, id, after FROM history WHERE version > ? AND version <= ?
     AND kind IN (${kinds}) ORDER BY position`,
  );
  const newSeries = database.prepare('SELECT series, datastream FROM series WHERE series >= ?');
  const { compile, steps: compileSteps } = createCompiler(compileWith);
  const empty: Loaded = { records: emptyRecords, registry: compile(0, emptyRecords) };
  let newest = empty;
  const kept = new Map<number, Loaded>();

  function keep(loaded: Loaded): Loaded {
    kept.delete(loaded.registry.version);
    kept.set(loaded.registry.version, loaded);
    for (const version of kept.keys()) {
      if (kept.size <= versionsCachedMax) break;
      kept.delete(version);
    }
    return loaded;
  }

  function loadFrom(base: Loaded, version: number): Loaded {
    for (const { series, datastream } of newSeries.all(compileWith.series.size)) {
      compileWith.series.set(String(datastream), Number(series));
    }
    const rows = changes.all(base.registry.version, version) as unknown as HistoryRecord[];
    const records = applyChanges(base.records, rows);
    return { records, registry: compile(version, records, base) };
  }

  function refresh(): Loaded {
    const version = Number(newestVersion.get()?.['version'] ?? 0);
    if (version === newest.registry.version) return newest;
    newest = keep(loadFrom(newest, version));
    return newest;
  }

  return {
    get newest() {
      return newest;
    },
    refresh,
    compileSteps,
    at(version) {
      if (version > newest.registry.version) refresh();
      const known = version === 0 ? empty : kept.get(version);
      if (known !== undefined) return keep(known);
      if (!Number.isSafeInteger(version) || version < 0 || version > newest.registry.version) {
        const fields = { version, newest: newest.registry.version };
        throw devicesError('DEVICES_VERSION_UNKNOWN', fields);
      }
      let base = empty;
      for (const loaded of kept.values()) {
        const candidate = loaded.registry.version;
        if (candidate < version && candidate > base.registry.version) base = loaded;
      }
      return keep(loadFrom(base, version));
    },
  };
}

/** New records: maps that a change touches are copied, the others shared with the version before. */
function applyChanges(records: Records, rows: readonly HistoryRecord[]): Records {
  if (rows.length === 0) return records;
  const texts: Record<RecordKind, Map<string, string>> = {
    owner: new Map(),
    station: new Map(),
    datastream: new Map(),
    device: new Map(),
    deployment: new Map(),
    recipient: new Map(),
    grant: new Map(),
  };
  let { ruledAt } = records;
  // The last row of an entry wins; only that one is parsed.
  for (const { kind, id, after } of rows) {
    if (kind === timeKind)
      ({ at: ruledAt } = parseEntry(kind, id, after) as { readonly at: number });
    else texts[kind].set(id, after);
  }
  const changed: Record<RecordKind, ReadonlyMap<string, unknown>> & { readonly ruledAt: number } = {
    ...records,
    ruledAt,
  };
  for (const kind of recordKinds) {
    if (texts[kind].size === 0) continue;
    const entries = new Map<string, unknown>(records[kind]);
    for (const [id, text] of texts[kind]) entries.set(id, parseEntry(kind, id, text));
    changed[kind] = entries;
  }
  return changed as unknown as Records;
}

export function parseEntry(kind: string, id: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw devicesError('DEVICES_REGISTRY_CORRUPT', { kind, id }, error);
  }
}
