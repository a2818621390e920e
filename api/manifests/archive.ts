/** The manifests that were made, in `feeds.db`, and the files that others made between them. */
import type { Database } from '../../devices/database.ts';
import type { MadeFile } from '../../proof/manifest.ts';

export interface ManifestHead {
  readonly sequence: number;
  readonly day: string;
  readonly madeAt: number;
  readonly cursor: string;
  /** Of the document. */
  readonly sha256: string;
  readonly bytes: number;
  /** The last of the files that it names, or that one before it named. */
  readonly filesUpTo: number;
}

export interface Archive {
  latest(): ManifestHead | undefined;
  head(sequence: number): ManifestHead | undefined;
  /** Newest first. */
  heads(before: number, limit: number): readonly ManifestHead[];
  document(sequence: number): Buffer | undefined;
  add(head: ManifestHead, document: Uint8Array): void;
  /** Files made since, at most so many, and the number of the last. */
  filesSince(last: number): { readonly files: readonly MadeFile[]; readonly upTo: number };
}

/** Of one manifest; the next one names the others. */
const filesMax = 100_000;

export function openArchive(kept: Database): Archive {
  const columns = 'sequence, day, made_at, cursor, sha256, length(document) AS bytes, files_upto';
  const select = kept.prepare(`SELECT ${columns} FROM manifest WHERE sequence = ?`);
  const selectLatest = kept.prepare(
    `SELECT ${columns} FROM manifest ORDER BY sequence DESC LIMIT 1`,
  );
  const selectMany = kept.prepare(
    `SELECT ${columns} FROM manifest WHERE sequence < ? ORDER BY sequence DESC LIMIT ?`,
  );
  const selectDocument = kept.prepare('SELECT document FROM manifest WHERE sequence = ?');
  const insert = kept.prepare(
    `INSERT INTO manifest (sequence, day, made_at, cursor, sha256, document, files_upto)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  return {
    latest: () => headOf(selectLatest.get()),
    head: (sequence) => headOf(select.get(sequence)),
    heads: (before, limit) => selectMany.all(before, limit).flatMap((row) => headOf(row) ?? []),
    document(sequence) {
      const row = selectDocument.get(sequence);
      return row === undefined ? undefined : Buffer.from(row['document'] as Uint8Array);
    },
    add({ sequence, day, madeAt, cursor, sha256, filesUpTo }, document) {
      insert.run(sequence, day, madeAt, cursor, Buffer.from(sha256, 'hex'), document, filesUpTo);
    },
    filesSince: (last) => readFiles(kept, last),
  };
}

function headOf(row: Record<string, unknown> | undefined): ManifestHead | undefined {
  if (row === undefined) return undefined;
  return {
    sequence: Number(row['sequence']),
    day: String(row['day']),
    madeAt: Number(row['made_at']),
    cursor: String(row['cursor']),
    sha256: Buffer.from(row['sha256'] as Uint8Array).toString('hex'),
    bytes: Number(row['bytes']),
    filesUpTo: Number(row['files_upto']),
  };
}

/** Without the table of files there are none. */
function readFiles(kept: Database, last: number): ReturnType<Archive['filesSince']> {
  const table = kept.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'bulk_file'").get();
  if (table === undefined) return { files: [], upTo: last };
  const rows = kept
    .prepare('SELECT id, path, bytes, sha256 FROM bulk_file WHERE id > ? ORDER BY id LIMIT ?')
    .all(last, filesMax);
  return {
    files: rows.map((row) => [
      String(row['path']),
      Number(row['bytes']),
      Buffer.from(row['sha256'] as Uint8Array).toString('hex'),
    ]),
    upTo: Number(rows.at(-1)?.['id'] ?? last),
  };
}
