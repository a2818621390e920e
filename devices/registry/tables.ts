import { existsSync } from 'node:fs';
import { devicesError } from '../errors.ts';
import { openDatabase, transaction, type Database } from '../database.ts';

/**
 * The file registry.db.
 *
 *   application_id  'QTRG'; another program's database is refused before anything is written
 *   user_version    the format, now 2; a newer one is refused by name, an older one migrated at start
 *
 *   history     one row for each thing changed: version, at (ms UTC), actor, kind, id, before, after
 *               (JSON as the registry file writes it). It is the registry: version n is what the
 *               newest row of each (kind, id) up to n says. Rows of kind credential, token and
 *               certificate tell of secrets without holding anything of them; the row of kind
 *               time says how far the rules of time were followed.
 *   series      internal number of each datastream. Numbers only grow.
 *   credential  SHA-256 of each secret, or the fingerprint of a certificate; when it expires and
 *               when it was revoked. What a row opens for whom never changes.
 *
 * Triggers refuse every UPDATE and DELETE of history and series, every DELETE of a credential and
 * every UPDATE but of its end. All changes of a version are one transaction, synchronous=FULL.
 */
const applicationId = 0x51545247;

const refuse = (what: string) => `SELECT RAISE(ABORT, '${what}');`;

const formatOne = `
CREATE TABLE history (
  position INTEGER PRIMARY KEY,
  version INTEGER NOT NULL CHECK (version > 0),
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  before TEXT,
  after TEXT
) STRICT;
CREATE INDEX history_version ON history (version);
CREATE TABLE series (
  series INTEGER PRIMARY KEY,
  datastream TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE credential (
  number INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('device', 'certificate', 'token')),
  subject TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('device', 'operator', 'reader')),
  owner TEXT,
  sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
  issued_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  changed_version INTEGER NOT NULL
) STRICT;
CREATE INDEX credential_subject ON credential (subject);
CREATE INDEX credential_changed ON credential (changed_version);
CREATE TRIGGER history_update BEFORE UPDATE ON history BEGIN ${refuse('history is append-only')} END;
CREATE TRIGGER history_delete BEFORE DELETE ON history BEGIN ${refuse('history is append-only')} END;
CREATE TRIGGER series_update BEFORE UPDATE ON series BEGIN ${refuse('a series keeps its number')} END;
CREATE TRIGGER series_delete BEFORE DELETE ON series BEGIN ${refuse('a series keeps its number')} END;
CREATE TRIGGER credential_delete BEFORE DELETE ON credential
  BEGIN ${refuse('a credential is revoked, never deleted')} END;
CREATE TRIGGER credential_update
  BEFORE UPDATE OF number, kind, subject, role, owner, sha256, issued_at ON credential
  BEGIN ${refuse('a credential never changes what it opens')} END;
CREATE TRIGGER credential_revived BEFORE UPDATE OF revoked_at ON credential
  WHEN old.revoked_at IS NOT NULL AND new.revoked_at IS NOT old.revoked_at
  BEGIN ${refuse('a revoked credential stays revoked')} END;
`;

/** Since format 2 a token may be a recipient's. */
const formatTwo = `
ALTER TABLE credential ADD COLUMN recipient TEXT;
CREATE TRIGGER credential_recipient BEFORE UPDATE OF recipient ON credential
  BEGIN ${refuse('a credential never changes what it opens')} END;
`;

/** Step n leads from format n to n + 1. A step is never edited once released. */
export const registrySteps: readonly ((database: Database) => void)[] = [
  (database) => database.exec(formatOne),
  (database) => database.exec(formatTwo),
];

/** Format that this version writes. */
export const registryFormat = registrySteps.length;

/**
 * Brings a registry to the present format. Refuses by name, before writing anything, a file of
 * another program and one of a newer version. Answers the format found.
 */
export function migrateRegistry(
  database: Database,
  path: string,
  steps: readonly ((database: Database) => void)[] = registrySteps,
): number {
  const found = checkRegistry(database, path, steps.length);
  if (found === steps.length) return found;
  transaction(database, () => {
    for (let format = found; format < steps.length; format += 1) steps[format]?.(database);
    database.exec(`PRAGMA application_id = ${applicationId}`);
    database.exec(`PRAGMA user_version = ${steps.length}`);
  });
  return found;
}

/**
 * Whether the file is a registry of the present format, which readers can open as it is. Of every
 * other file, and of none, it says no: who opens it for writing says what is wrong.
 */
export function isPresentRegistry(path: string, busyTimeoutMs: number): boolean {
  if (!existsSync(path)) return false;
  let database: Database | undefined;
  try {
    database = openDatabase(path, { readOnly: true, busyTimeoutMs });
    return (
      pragma(database, 'application_id') === applicationId &&
      pragma(database, 'user_version') === registryFormat
    );
  } catch (error) {
    if (error instanceof Error && 'errcode' in error) return false;
    throw error;
  } finally {
    database?.close();
  }
}

/** Format of an open registry, 0 for an empty file; refuses foreign and newer ones by name. */
export function checkRegistry(database: Database, path: string, newest = registryFormat): number {
  const format = pragma(database, 'user_version');
  const application = pragma(database, 'application_id');
  const tables = database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get();
  const isEmpty = tables?.['tables'] === 0 && application === 0;
  if (application !== applicationId && !isEmpty) {
    throw devicesError('DEVICES_REGISTRY_FOREIGN', { path });
  }
  if (format > newest) {
    throw devicesError('DEVICES_REGISTRY_NEWER', { path, format, newest });
  }
  return format;
}

function pragma(database: Database, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}
