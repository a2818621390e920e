import type { Database } from '../database.ts';
import type { HistoryRow, HistorySlice } from '../registry.ts';

/** The append-only history: who changed what, when, from what to what. */
export interface History {
  append(row: HistoryRow): void;
  read(options?: { readonly afterVersion?: number; readonly limit?: number }): HistoryRow[];
  readSlice(after: number, limit: number): HistorySlice;
}

interface StoredRow {
  readonly version: number;
  readonly at: number;
  readonly actor: string;
  readonly kind: string;
  readonly id: string;
  readonly before: string | null;
  readonly after: string | null;
}

export function createHistory(database: Database, rowsMax: number): History {
  const insert = database.prepare(
    'INSERT INTO history (version, at, actor, kind, id, before, after) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const columns = 'SELECT version, at, actor, kind, id, before, after FROM history';
  const page = database.prepare(`${columns} WHERE version > ? ORDER BY position LIMIT ?`);
  const whole = database.prepare(`${columns} WHERE version = ? ORDER BY position`);
  const slice = database.prepare(
    `${columns.replace('SELECT', 'SELECT position,')} WHERE position > ? ORDER BY position LIMIT ?`,
  );
  return {
    append({ version, at, actor, kind, id, before, after }) {
      insert.run(version, at, actor, kind, id, textOf(before), textOf(after));
    },
    read({ afterVersion = 0, limit = rowsMax } = {}) {
      const bound = Math.max(1, Math.min(limit, rowsMax));
      const rows = page.all(afterVersion, bound + 1) as unknown as StoredRow[];
      if (rows.length <= bound) return rows.map(historyRow);
      // A page ends between versions, so that `afterVersion` of its last row goes on from there.
      const cut = rows[bound]?.version;
      const full = rows.filter((row) => row.version !== cut);
      if (full.length > 0) return full.map(historyRow);
      return (whole.all(cut ?? 0) as unknown as StoredRow[]).map(historyRow);
    },
    readSlice(after, limit) {
      const rows = slice.all(after, limit) as unknown as (StoredRow & { position: number })[];
      return { rows: rows.map(historyRow), end: rows.at(-1)?.position ?? after };
    },
  };
}

function textOf(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}

function historyRow(row: StoredRow): HistoryRow {
  return {
    version: row.version,
    at: row.at,
    actor: row.actor,
    kind: row.kind,
    id: row.id,
    before: row.before === null ? null : JSON.parse(row.before),
    after: row.after === null ? null : JSON.parse(row.after),
  };
}
