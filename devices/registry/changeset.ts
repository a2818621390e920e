import { createHash } from 'node:crypto';
import { applyChangeset, type Database } from '../database.ts';
import { devicesError } from '../errors.ts';
import { registryFormat } from './tables.ts';

/**
 * All that one version wrote, to be written in the same way into every copy of the registry.
 *
 * Changesets form a chain: the digest of each is over the digest of the one before, so two copies
 * with the same digest at a version hold the same, row by row, and a changeset of another chain is
 * known before it is written. Secrets are in it as their hashes alone, as in the tables.
 */
export interface RegistryChangeset {
  readonly version: number;
  /** Format of the tables that it was made on (`tables.ts`). */
  readonly tables: number;
  /** Digest of the version before; empty for version 1. */
  readonly previous: string;
  /** SHA-256 of `previous` and everything here, 64 hexadecimal digits. */
  readonly digest: string;
  /** Tells this change from one of the same content made elsewhere at the same time. */
  readonly id: string;
  /** Last row of each table afterwards. */
  readonly ends: TableEnds;
  /** As SQLite's session extension writes it. */
  readonly bytes: Uint8Array;
}

export interface TableEnds {
  readonly history: number;
  readonly series: number;
  readonly credential: number;
}

/** With its digest. */
export function sealed(changeset: Omit<RegistryChangeset, 'digest'>): RegistryChangeset {
  return { ...changeset, digest: digestOf(changeset) };
}

function digestOf(changeset: Omit<RegistryChangeset, 'digest'>): string {
  const { version, tables, previous, id, ends, bytes } = changeset;
  const head = [previous, version, tables, id, ends.history, ends.series, ends.credential];
  return createHash('sha256')
    .update(`${JSON.stringify(head)}\n`)
    .update(bytes)
    .digest('hex');
}

/** Last row of each table, -1 for an empty one: what is numbered has no gaps to hide in. */
export function tableEnds(database: Database): TableEnds {
  const row = database
    .prepare(
      `SELECT (SELECT coalesce(max(position), -1) FROM history) AS history,
       (SELECT coalesce(max(series), -1) FROM series) AS series,
       (SELECT coalesce(max(number), -1) FROM credential) AS credential`,
    )
    .get();
  return {
    history: Number(row?.['history']),
    series: Number(row?.['series']),
    credential: Number(row?.['credential']),
  };
}

/**
 * Writes the version that follows `held`; belongs to the caller's transaction, which must not be
 * kept when this throws: DEVICES_REGISTRY_NEWER for tables of a newer format, else
 * DEVICES_COPY_DIFFERS with what was found wrong.
 */
export function writeChangeset(
  database: Database,
  held: { readonly version: number; readonly digest: string },
  changeset: RegistryChangeset,
): void {
  const { version, tables } = changeset;
  if (tables > registryFormat) {
    throw devicesError('DEVICES_REGISTRY_NEWER', {
      version,
      format: tables,
      newest: registryFormat,
    });
  }
  const differs = (reason: string, cause?: unknown) =>
    devicesError('DEVICES_COPY_DIFFERS', { version, held: held.version, reason }, cause);
  if (version !== held.version + 1) throw differs('versions are missing');
  if (changeset.previous !== held.digest)
    throw differs('it follows another version than the one held');
  if (digestOf(changeset) !== changeset.digest) throw differs('its digest is wrong');
  let isWritten = false;
  try {
    isWritten = applyChangeset(database, changeset.bytes);
  } catch (error) {
    throw differs('it is no changeset', error);
  }
  if (!isWritten) throw differs('a row is not as it must be');
  const ends = tableEnds(database);
  for (const table of ['history', 'series', 'credential'] as const) {
    if (ends[table] !== changeset.ends[table]) throw differs(`${table} ends elsewhere afterwards`);
  }
}
