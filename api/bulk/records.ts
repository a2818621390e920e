/** What is known of the files: tables `bulk_…` of `feeds.db`, the versions in memory too. */
import { createHash } from 'node:crypto';

import { transaction, type Database } from '../../devices/database.ts';
import type { Month } from './months.ts';

export const fileFormats = ['parquet', 'csv.gz', 'datapackage', 'csvw'] as const;
export type FileFormat = (typeof fileFormats)[number];

/** One file of one version of a dataset's month. */
export interface FileRecord {
  readonly dataset: string;
  readonly month: Month;
  /** Of the content: equal versions have equal bytes. */
  readonly version: string;
  readonly format: FileFormat;
  /** With the version in it. */
  readonly name: string;
  /** Relative to the folder of files. */
  readonly path: string;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
  readonly rows: number;
  /** Where `changes` join. */
  readonly cursor: string;
  readonly madeAt: number;
  readonly registryVersion: number;
  /** Addresses. */
  readonly licences: readonly string[];
  /** Of the series that it is made of, as `open-series.ts` names them. */
  readonly content: readonly string[];
  readonly state: 'current' | 'superseded';
  readonly supersededAt: number | null;
}

export type NewFile = Omit<FileRecord, 'state' | 'supersededAt'>;

export interface DirtyMonth {
  readonly dataset: string;
  readonly month: Month;
  /** Milliseconds UTC of the first change that is in no file yet. */
  readonly since: number;
  /** A cursor before that change. */
  readonly firstCursor: string;
}

export interface BulkRecords {
  /** Grows with every change of the files. */
  readonly generation: number;
  /** Current ones, by dataset, month and format. */
  current(): readonly FileRecord[];
  /** By its name with the version, whatever its state. */
  find(dataset: string, month: Month, name: string): FileRecord | undefined;
  /** These are the current files of their month from now on; what was current is superseded. */
  replace(files: readonly NewFile[], at: number): void;
  supersede(dataset: string, month: Month, at: number): void;
  /** Superseded before `at`. A citation keeps the bytes by a link of its own. */
  expired(at: number): readonly FileRecord[];
  ofMonth(dataset: string, month: Month): readonly FileRecord[];
  /** Whatever their state. */
  all(): readonly FileRecord[];
  /** Every path that there may be. */
  paths(): ReadonlySet<string>;
  forget(paths: readonly string[]): void;
  dirty(): readonly DirtyMonth[];
  /** Change cursor up to which `dirty` is whole. */
  followed(): string | undefined;
  /** Shape by datastream, and its dataset. */
  series(): ReadonlyMap<string, KnownSeries>;
  /** In one transaction; what is undefined stays. */
  saveFollowing(state: FollowingState): void;
}

export interface KnownSeries {
  readonly dataset: string;
  readonly shape: string;
}

export interface FollowingState {
  readonly dirty: readonly DirtyMonth[];
  readonly followed: string;
  readonly series?: ReadonlyMap<string, KnownSeries>;
}

export function openBulkRecords(kept: Database): BulkRecords {
  const contents = createContents(kept);
  let files = readFiles(kept, contents);
  let generation = 0;

  function readAgain(): void {
    files = readFiles(kept, contents);
    generation += 1;
  }

  return {
    get generation() {
      return generation;
    },
    current: () => files.filter(({ state }) => state === 'current'),
    find: (dataset, month, name) =>
      files.find((file) => file.name === name && file.dataset === dataset && file.month === month),
    ofMonth: (dataset, month) =>
      files.filter((file) => file.dataset === dataset && file.month === month),
    all: () => files,
    paths: () => new Set(files.map(({ path }) => path)),
    replace(made, at) {
      transaction(kept, () => {
        for (const { dataset, month } of made.slice(0, 1)) supersede(kept, { dataset, month, at });
        for (const file of made) insert(kept, file, contents.keep(file.content));
      });
      readAgain();
    },
    supersede(dataset, month, at) {
      supersede(kept, { dataset, month, at });
      readAgain();
    },
    expired(at) {
      return files.filter(({ supersededAt }) => supersededAt !== null && supersededAt < at);
    },
    forget(paths) {
      if (paths.length === 0) return;
      const remove = kept.prepare('DELETE FROM bulk_file WHERE path = ?');
      transaction(kept, () => {
        for (const path of paths) remove.run(path);
      });
      readAgain();
    },
    ...openFollowing(kept),
  };
}

interface Contents {
  read(hash: Uint8Array): readonly string[];
  keep(series: readonly string[]): Uint8Array;
}

/** Most months of a dataset are made of the same series: one list for all of them. */
function createContents(kept: Database): Contents {
  const select = kept.prepare('SELECT series FROM bulk_content WHERE hash = ?');
  const insertOne = kept.prepare('INSERT OR IGNORE INTO bulk_content (hash, series) VALUES (?, ?)');
  const known = new Map<string, readonly string[]>();
  return {
    read(hash) {
      const key = Buffer.from(hash).toString('hex');
      let found = known.get(key);
      if (found === undefined) {
        found = JSON.parse(String(select.get(hash)?.['series'] ?? '[]')) as readonly string[];
        known.set(key, found);
      }
      return found;
    },
    keep(series) {
      const text = JSON.stringify(series);
      const hash = createHash('sha256').update(text).digest();
      insertOne.run(hash, text);
      return hash;
    },
  };
}

function readFiles(kept: Database, contents: Contents): readonly FileRecord[] {
  const rows = kept
    .prepare('SELECT * FROM bulk_file ORDER BY dataset, month, made_at, format')
    .all();
  return rows.map((row) => ({
    dataset: String(row['dataset']),
    month: String(row['month']),
    version: String(row['version']),
    format: String(row['format']) as FileFormat,
    name: String(row['name']),
    path: String(row['path']),
    bytes: Number(row['bytes']),
    sha256: Buffer.from(row['sha256'] as Uint8Array).toString('hex'),
    rows: Number(row['rows']),
    cursor: String(row['cursor']),
    madeAt: Number(row['made_at']),
    registryVersion: Number(row['registry_version']),
    licences: JSON.parse(String(row['licences'])) as readonly string[],
    content: contents.read(row['content'] as Uint8Array),
    state: row['state'] === 'current' ? 'current' : 'superseded',
    supersededAt: row['superseded_at'] === null ? null : Number(row['superseded_at']),
  }));
}

function supersede(
  kept: Database,
  { dataset, month, at }: { readonly dataset: string; readonly month: Month; readonly at: number },
): void {
  kept
    .prepare(
      `UPDATE bulk_file SET state = 'superseded', superseded_at = ?
       WHERE dataset = ? AND month = ? AND state = 'current'`,
    )
    .run(at, dataset, month);
}

/** A version that was there before, byte for byte, is current again. */
function insert(kept: Database, file: NewFile, content: Uint8Array): void {
  kept
    .prepare(
      `INSERT INTO bulk_file (dataset, month, version, format, name, path, bytes, sha256, rows,
         cursor, made_at, registry_version, licences, content, state)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'current')
       ON CONFLICT (dataset, month, version, format) DO UPDATE
         SET state = 'current', superseded_at = NULL, bytes = excluded.bytes,
           sha256 = excluded.sha256, made_at = excluded.made_at,
           registry_version = excluded.registry_version, licences = excluded.licences`,
    )
    .run(
      file.dataset,
      file.month,
      file.version,
      file.format,
      file.name,
      file.path,
      file.bytes,
      Buffer.from(file.sha256, 'hex'),
      file.rows,
      file.cursor,
      file.madeAt,
      file.registryVersion,
      JSON.stringify(file.licences),
      content,
    );
}

type Following = Pick<BulkRecords, 'dirty' | 'followed' | 'series' | 'saveFollowing'>;

function openFollowing(kept: Database): Following {
  return {
    dirty: () =>
      kept
        .prepare('SELECT * FROM bulk_dirty')
        .all()
        .map((row) => ({
          dataset: String(row['dataset']),
          month: String(row['month']),
          since: Number(row['since']),
          firstCursor: String(row['first_cursor']),
        })),
    followed() {
      const cursor = kept.prepare('SELECT cursor FROM bulk_followed').get()?.['cursor'];
      return cursor === undefined ? undefined : String(cursor);
    },
    series() {
      const rows = kept.prepare('SELECT * FROM bulk_series').all();
      return new Map(
        rows.map((row) => [
          String(row['datastream']),
          { dataset: String(row['dataset']), shape: String(row['shape']) },
        ]),
      );
    },
    saveFollowing(state) {
      transaction(kept, () => saveFollowing(kept, state));
    },
  };
}

function saveFollowing(kept: Database, { dirty, followed, series }: FollowingState): void {
  kept.exec('DELETE FROM bulk_dirty');
  const addDirty = kept.prepare('INSERT INTO bulk_dirty VALUES (?, ?, ?, ?)');
  for (const { dataset, month, since, firstCursor } of dirty) {
    addDirty.run(dataset, month, since, firstCursor);
  }
  kept
    .prepare(
      `INSERT INTO bulk_followed VALUES (1, ?)
       ON CONFLICT (one) DO UPDATE SET cursor = excluded.cursor`,
    )
    .run(followed);
  if (series === undefined) return;
  kept.exec('DELETE FROM bulk_series');
  const addSeries = kept.prepare('INSERT INTO bulk_series VALUES (?, ?, ?)');
  for (const [datastream, { dataset, shape }] of series) addSeries.run(datastream, dataset, shape);
}
