import type { Database } from '../database.ts';
import { devicesError } from '../errors.ts';

/**
 * What registry.db holds more where it is a copy, one of many, of a registry kept elsewhere:
 *
 *   copied   digest of each version held
 *   noted    texts that came beside the versions, the newest of each key
 *   reached  where the source is read on: one row
 *
 * They are written in the transaction that writes a version, so a crash repeats and skips nothing.
 */
const tables = `
CREATE TABLE IF NOT EXISTS copied (version INTEGER PRIMARY KEY, digest TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS noted (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS reached (one INTEGER PRIMARY KEY CHECK (one = 1), next INTEGER NOT NULL) STRICT;
`;

/** Makes the tables. Throws DEVICES_REGISTRY_OWN for a registry that holds versions of its own. */
export function prepareCopy(database: Database, path: string): void {
  if (!isCopy(database) && database.prepare('SELECT 1 FROM history LIMIT 1').get() !== undefined) {
    throw devicesError('DEVICES_REGISTRY_OWN', { path });
  }
  database.exec(tables);
}

export function isCopy(database: Database): boolean {
  const found = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'copied'").get();
  return found !== undefined;
}

/** The statements. Each call belongs to the caller's transaction. */
export interface CopiedStore {
  /** Digest of a version held; empty for version 0, undefined for one that is not held. */
  digestAt(version: number): string | undefined;
  copied(version: number, digest: string): void;
  note(key: string): string | undefined;
  noted(key: string, value: string): void;
  next(): number;
  reached(next: number): void;
}

export function createCopiedStore(database: Database): CopiedStore {
  const digestAt = database.prepare('SELECT digest FROM copied WHERE version = ?');
  const copied = database.prepare('INSERT INTO copied VALUES (?, ?)');
  const note = database.prepare('SELECT value FROM noted WHERE key = ?');
  const noted = database.prepare('INSERT OR REPLACE INTO noted VALUES (?, ?)');
  const next = database.prepare('SELECT next FROM reached');
  const reached = database.prepare('INSERT OR REPLACE INTO reached VALUES (1, ?)');
  const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined);
  return {
    digestAt: (version) => (version === 0 ? '' : textOf(digestAt.get(version)?.['digest'])),
    copied: (version, digest) => void copied.run(version, digest),
    note: (key) => textOf(note.get(key)?.['value']),
    noted: (key, value) => void noted.run(key, value),
    next: () => Number(next.get()?.['next'] ?? 0),
    reached: (offset) => void reached.run(offset),
  };
}
