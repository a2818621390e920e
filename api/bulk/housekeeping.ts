/**
 * The folder of files against the records: what nobody names is removed, what is named and not there
 * whole is made anew, and so is what is of another history than the log since a restore.
 */
import { CodedError } from '../../devices/coded-error.ts';
import { systemCode, unlinkIfThere, type FileSystem } from '../../ingest/log/file-system.ts';
import type { ApiContext } from '../context.ts';
import type { BulkEvents } from './events.ts';
import { bulkFolder } from './make.ts';
import type { Marks } from './marks.ts';
import { openNetworkOf } from './open-series.ts';
import type { BulkRecords, FileRecord } from './records.ts';

export interface HousekeepingOptions {
  readonly context: ApiContext;
  readonly records: BulkRecords;
  readonly marks: Marks;
  readonly events: BulkEvents;
  readonly fileSystem: FileSystem;
}

export interface Housekeeping {
  tidy(): Promise<void>;
  /** Something was taken from the records: its bytes go at the next `tidy`. */
  lookAgain(): void;
}

const dayMs = 86_400_000;

export function openHousekeeping(options: HousekeepingOptions): Housekeeping {
  const { context, records, fileSystem, events } = options;
  const folder = { fileSystem, path: context.filesFolder };
  let isChecked = false;
  let isTidy = false;

  return {
    async tidy() {
      if (!isChecked) await forgetLost(options, folder);
      isChecked = true;
      const keptSince = context.clock.now() - context.config.bulkKeepSupersededDays * dayMs;
      const expired = records.expired(keptSince);
      records.forget(expired.map(({ path }) => path));
      if (isTidy && expired.length === 0) return;
      isTidy = true;
      const removed = await removeOrphans(folder, records.paths());
      if (removed > 0) events.orphansRemoved(removed);
    },
    lookAgain() {
      isTidy = false;
    },
  };
}

interface Folder {
  readonly fileSystem: FileSystem;
  readonly path: string;
}

async function forgetLost(
  { context, records, marks, events }: HousekeepingOptions,
  folder: Folder,
): Promise<void> {
  const files = records.current();
  const missing = await findMissing(folder, files);
  const lost = new Set([...missing, ...findForeign(context, files)]);
  if (lost.size === 0) return;
  records.forget([...lost].map(({ path }) => path));
  const { registryVersion } = openNetworkOf(context);
  const changedUpTo = context.feed.position;
  for (const { dataset, month } of lost) {
    marks.mark({ dataset, month, changedUpTo, registryVersion });
  }
  events.lost(lost.size);
}

/** Answers how many files were removed. */
async function removeOrphans(
  { fileSystem, path }: Folder,
  named: ReadonlySet<string>,
): Promise<number> {
  let removed = 0;
  for (const dataset of await listed(fileSystem, `${path}/${bulkFolder}`)) {
    for (const month of await listed(fileSystem, `${path}/${bulkFolder}/${dataset}`)) {
      const place = `${bulkFolder}/${dataset}/${month}`;
      for (const name of await listed(fileSystem, `${path}/${place}`)) {
        if (named.has(`${place}/${name}`)) continue;
        if (await unlinkIfThere(fileSystem, `${path}/${place}/${name}`)) removed += 1;
      }
    }
  }
  return removed;
}

async function findMissing(
  { fileSystem, path }: Folder,
  files: readonly FileRecord[],
): Promise<readonly FileRecord[]> {
  const missing: FileRecord[] = [];
  for (const file of files) {
    if ((await sizeOf(fileSystem, `${path}/${file.path}`)) !== file.bytes) missing.push(file);
  }
  return missing;
}

/** Of another history: a restore has taken back what they say. One that is only old is as true as ever. */
function findForeign({ places }: ApiContext, files: readonly FileRecord[]): readonly FileRecord[] {
  const known = new Map<string, boolean>();
  for (const { cursor } of files) {
    if (!known.has(cursor)) known.set(cursor, isOfHistory(places, cursor));
  }
  return files.filter(({ cursor }) => known.get(cursor) === false);
}

function isOfHistory(places: ApiContext['places'], cursor: string): boolean {
  try {
    places.readEnd(cursor, 'cursor');
    return true;
  } catch (error) {
    if (error instanceof CodedError) return false;
    throw error;
  }
}

async function sizeOf(fileSystem: FileSystem, path: string): Promise<number | undefined> {
  try {
    const file = await fileSystem.open(path, 'read');
    try {
      return await file.size();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function listed(fileSystem: FileSystem, directory: string): Promise<readonly string[]> {
  try {
    return await fileSystem.list(directory);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}
