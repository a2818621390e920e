import { existsSync } from 'node:fs';
import { openDatabase, transaction, type Database } from './database.ts';
import { devicesError } from './errors.ts';
import { writeChangeset, type RegistryChangeset } from './registry/changeset.ts';
import { createCopiedStore, isCopy, prepareCopy } from './registry/copied.ts';
import { migrateRegistry } from './registry/tables.ts';
import { closingOnError, refuseStrange } from './registry-sqlite-reader.ts';

/**
 * A copy, in registry.db, of a registry that is kept elsewhere as a chain of changesets. It is the
 * file's only writer; readers of `registry-sqlite-reader.ts` see a version when they refresh.
 */
export interface RegistryCopy {
  /** The newest version held, 0 for none. */
  readonly version: number;
  /** Where the source is read on: as last given to `take`, 0 at first. */
  readonly next: number;
  /** Digest of a version held; undefined for one that is not. */
  digestAt(version: number): string | undefined;
  /** The newest text under a key that came beside the versions. */
  note(key: string): string | undefined;
  /**
   * Writes what the source said up to `next`: all of it, on stable storage, or nothing. A version
   * that is held already is compared, not written again. Throws DEVICES_REGISTRY_NEWER, or
   * DEVICES_COPY_DIFFERS where a version is missing, belongs to another chain or cannot be written.
   */
  take(step: CopyStep): void;
  close(): void;
}

export interface CopyStep {
  readonly changesets: readonly RegistryChangeset[];
  readonly notes: ReadonlyMap<string, string>;
  readonly next: number;
}

/** Opens, and creates or migrates, a copy. Throws …_FOREIGN, …_NEWER or …_OWN. */
export function openRegistryCopy(
  path: string,
  options: { readonly busyTimeoutMs: number },
): RegistryCopy {
  refuseStrange(path, options.busyTimeoutMs);
  const database = openDatabase(path, { ...options, synchronous: 'full' });
  return closingOnError(database, () => {
    migrateRegistry(database, path);
    prepareCopy(database, path);
    return copyOver(database);
  });
}

/** A note of a copy that another thread keeps; undefined while there is no copy, or no such note. */
export function readCopyNote(
  path: string,
  key: string,
  options: { readonly busyTimeoutMs: number },
): string | undefined {
  if (!existsSync(path)) return undefined;
  const database = openDatabase(path, { ...options, readOnly: true });
  try {
    return isCopy(database) ? createCopiedStore(database).note(key) : undefined;
  } finally {
    database.close();
  }
}

function copyOver(database: Database): RegistryCopy {
  const store = createCopiedStore(database);
  const newest = database.prepare('SELECT max(version) AS version FROM history');
  let version = Number(newest.get()?.['version'] ?? 0);
  let next = store.next();

  function takeChangeset(changeset: RegistryChangeset, held: number): number {
    const digest = store.digestAt(Math.min(held, changeset.version));
    if (digest === undefined) throw devicesError('DEVICES_REGISTRY_CORRUPT', { version: held });
    if (changeset.version > held) {
      writeChangeset(database, { version: held, digest }, changeset);
      store.copied(changeset.version, changeset.digest);
      return changeset.version;
    }
    if (digest === changeset.digest) return held;
    const fields = { version: changeset.version, held, reason: 'another version is held' };
    throw devicesError('DEVICES_COPY_DIFFERS', fields);
  }

  return {
    get version() {
      return version;
    },
    get next() {
      return next;
    },
    digestAt: (asked) => store.digestAt(asked),
    note: (key) => store.note(key),
    take(step) {
      version = transaction(database, () => {
        let held = version;
        for (const changeset of step.changesets) held = takeChangeset(changeset, held);
        for (const [key, value] of step.notes) store.noted(key, value);
        store.reached(step.next);
        return held;
      });
      next = step.next;
    },
    close: () => database.close(),
  };
}
