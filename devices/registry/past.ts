/**
 * Versions of the registry of earlier, on a thread that answers others meanwhile: which one was the
 * newest at a moment, and that version again. It is made from the nearest one that is at hand, by
 * taking back what was changed since or by adding what was changed up to it, so a moment costs what
 * lies between, not the whole history.
 */
import type { Clock } from '../clock.ts';
import type { Database } from '../database.ts';
import { devicesError } from '../errors.ts';
import type { RegistryPast } from '../registry.ts';
import { inSlices, runAll } from '../slices.ts';
import { parseEntry, type Loaded, type VersionLoader } from './loader.ts';
import { emptyRecords, recordKinds, timeKind, type RecordKind, type Records } from './records.ts';
import { createVersionIndex } from './version-index.ts';

/** Rows of the history between two yields: about a millisecond of work. */
const rowsPerStep = 250;
const entriesPerStep = 200;

export interface RegistryPastOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly config: { readonly pastVersionsCachedMax: number };
}

export function createRegistryPast(
  database: Database,
  versions: Pick<VersionLoader, 'newest' | 'refresh' | 'compileSteps'>,
  { clock, config }: RegistryPastOptions,
): RegistryPast {
  const index = createVersionIndex(database);
  const rowsBetween = createRowReader(database);
  const held = createHeld(versions, config.pastVersionsCachedMax);
  const making = new Map<number, Promise<Loaded>>();
  let last: Promise<unknown> = Promise.resolve();

  const rowsFrom = (base: Loaded, version: number): number =>
    Math.abs(index.endOf(base.registry.version) - index.endOf(version));

  const nearest = (version: number): Loaded =>
    held
      .all()
      .reduce((best, each) => (rowsFrom(each, version) < rowsFrom(best, version) ? each : best));

  function* steps(version: number): Generator<undefined, Loaded> {
    const base = nearest(version);
    const [from, to] = [index.endOf(base.registry.version), index.endOf(version)];
    const texts =
      from > to
        ? yield* gathered(rowsBetween('before', to, from), firstText)
        : yield* gathered(rowsBetween('after', from, to), lastText);
    const records = yield* changedRecords(base.records, texts);
    return { records, registry: yield* versions.compileSteps(version, records, base) };
  }

  async function make(version: number, worked: (ms: number) => void): Promise<Loaded> {
    await index.follow(clock, worked);
    if (version > versions.newest.registry.version) versions.refresh();
    const newest = versions.newest.registry.version;
    if (version > newest || !index.holds(version)) {
      throw devicesError('DEVICES_VERSION_UNKNOWN', { version, newest });
    }
    return held.find(version) ?? held.keep(await inSlices(steps(version), clock, worked));
  }

  /** One at a time: two at once would both take twice as long, and the memory of two. */
  function makeNext(version: number, worked: (ms: number) => void): Promise<Loaded> {
    const made = last
      .then(() => make(version, worked))
      .finally(() => {
        making.delete(version);
      });
    // Who asked is told what failed; the next one begins all the same.
    last = made.catch(ignore);
    making.set(version, made);
    return made;
  }

  return {
    async versionAt(at, worked = ignore) {
      await index.follow(clock, worked);
      return index.versionAt(at);
    },
    entriesChangedAt: (version) => index.entriesChangedAt(version),
    rowsTo: (version) => rowsFrom(nearest(version), version),
    sinceWithin: (rows) => index.sinceWithin(rows),
    async at(version, worked = ignore) {
      const loaded = held.find(version) ?? making.get(version) ?? makeNext(version, worked);
      return (await loaded).registry;
    },
  };
}

/** Versions at hand: none, the newest, and those that were asked for last. */
interface Held {
  find(version: number): Loaded | undefined;
  all(): readonly Loaded[];
  keep(loaded: Loaded): Loaded;
}

function createHeld(
  versions: Pick<VersionLoader, 'newest' | 'compileSteps'>,
  keptMax: number,
): Held {
  const registry = runAll(versions.compileSteps(0, emptyRecords));
  const empty: Loaded = { records: emptyRecords, registry };
  const kept = new Map<number, Loaded>();

  function keep(loaded: Loaded): Loaded {
    const { version } = loaded.registry;
    kept.delete(version);
    kept.set(version, loaded);
    for (const oldest of kept.keys()) {
      if (kept.size <= keptMax) break;
      kept.delete(oldest);
    }
    return loaded;
  }

  return {
    keep,
    all: () => [empty, versions.newest, ...kept.values()],
    find(version) {
      const known = kept.get(version);
      if (known !== undefined) return keep(known);
      return [versions.newest, empty].find((each) => each.registry.version === version);
    },
  };
}

function ignore(): void {}

interface TextRow {
  readonly position: number;
  readonly kind: string;
  readonly id: string;
  readonly text: string | null;
}

type Rows = Generator<undefined | readonly TextRow[], void>;

/** Rows from behind a position up to another one, and what they say the entry was or became. */
function createRowReader(database: Database) {
  const prepare = (column: 'before' | 'after') =>
    database.prepare(
      `SELECT position, kind, id, ${column} AS text FROM history
       WHERE position > ? AND position <= ? ORDER BY position LIMIT ?`,
    );
  const pages = { before: prepare('before'), after: prepare('after') };
  return function* (column: 'before' | 'after', from: number, to: number): Rows {
    for (let at = from; at < to;) {
      const rows = pages[column].all(at, to, rowsPerStep) as unknown as TextRow[];
      yield rows;
      at = rows.at(-1)?.position ?? to;
    }
  };
}

/** By kind and id, the text of the entry; null where there was none. */
type Texts = Map<string, Map<string, string | null>>;
type Take = (texts: Map<string, string | null>, row: TextRow) => void;

const firstText: Take = (texts, { id, text }) => {
  if (!texts.has(id)) texts.set(id, text);
};
const lastText: Take = (texts, { id, text }) => void texts.set(id, text);

function* gathered(rows: Rows, take: Take): Generator<undefined, Texts> {
  const texts: Texts = new Map([...recordKinds, timeKind].map((kind) => [kind, new Map()]));
  for (const page of rows) {
    for (const row of page ?? []) {
      const ofKind = texts.get(row.kind);
      if (ofKind !== undefined) take(ofKind, row);
    }
    yield;
  }
  return texts;
}

/** Entries that are not named stay the same objects, and kinds without any the same map. */
function* changedRecords(records: Records, texts: Texts): Generator<undefined, Records> {
  const made: Record<RecordKind, ReadonlyMap<string, unknown>> = { ...records };
  for (const kind of recordKinds) {
    const changes = texts.get(kind) ?? new Map<string, string | null>();
    if (changes.size > 0) made[kind] = yield* changedEntries(kind, records[kind], changes);
  }
  const [time] = texts.get(timeKind)?.entries() ?? [];
  const ruledAt = time === undefined ? records.ruledAt : ruledAtOf(time[0], time[1]);
  return { ...made, ruledAt } as unknown as Records;
}

function ruledAtOf(id: string, text: string | null): number {
  if (text === null) return emptyRecords.ruledAt;
  return (parseEntry(timeKind, id, text) as { readonly at: number }).at;
}

function* changedEntries(
  kind: RecordKind,
  entries: ReadonlyMap<string, unknown>,
  changes: ReadonlyMap<string, string | null>,
): Generator<undefined, ReadonlyMap<string, unknown>> {
  const made = new Map<string, unknown>();
  let count = 0;
  for (const [id, entry] of entries) {
    const text = changes.get(id);
    if (text === undefined) made.set(id, entry);
    else if (text !== null) made.set(id, parseEntry(kind, id, text));
    if ((count += 1) % entriesPerStep === 0) yield;
  }
  for (const [id, text] of changes) {
    if (text === null || entries.has(id)) continue;
    made.set(id, parseEntry(kind, id, text));
    if ((count += 1) % entriesPerStep === 0) yield;
  }
  return made;
}
