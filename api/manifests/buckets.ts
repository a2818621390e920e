/**
 * The tree of hashes (`proof/tree.ts`) in `feeds.db`. A row says what a branch is from a manifest on:
 * rows of the manifest that is being made are there before it, and mean nothing until it is; what they
 * replace is deleted after it. So a tree changes with one insert, however much it takes to write, and
 * a making that was cut short leaves nothing but rows to delete.
 */
import { transaction, type Database } from '../../devices/database.ts';
import { monthOf } from '../../proof/day.ts';
import { sumBranches, type Branch } from '../../proof/tree.ts';

export interface OpenBranch extends Branch {
  /** Whether the datastream was open; one that was and has no rows is open too. */
  readonly isOpen: boolean;
}

export interface Buckets {
  /** Days of a month, or of all; only those with rows. */
  days(datastream: string, upTo: number, month?: string): readonly Branch[];
  /** From inclusive, to exclusive, so many at a time; only those with rows. */
  daysBetween(
    datastream: string,
    upTo: number,
    span: { readonly from: string; readonly to: string; readonly daysPerPage: number },
  ): Generator<readonly Branch[]>;
  /** Every datastream that was open, by id, a page at a time. */
  open(upTo: number): Generator<readonly OpenBranch[]>;
  datastream(id: string, upTo: number): OpenBranch | undefined;
  setDays(datastream: string, sequence: number, days: readonly Branch[]): void;
  /** Sums up the months of these days, then the datastream; gives its branch. */
  sumUp(datastream: string, sequence: number, days: readonly Branch[]): Branch;
  close(datastream: string, sequence: number): void;
  /** A manifest is being made. Deletes what was written for one that then was not. */
  begin(sequence: number): void;
  /** It was made: with its own insert. */
  end(): void;
  /** Deletes what this manifest has replaced of a datastream. */
  prune(datastream: string, sequence: number): void;
}

/** A few milliseconds of reading. */
const branchesPerPage = 1_000;

const branch = (row: Record<string, unknown>): Branch => ({
  name: String(row['name']),
  rows: Number(row['rows']),
  sha256: Buffer.from(row['sha256'] as Uint8Array).toString('hex'),
});

const openBranch = (row: Record<string, unknown>): OpenBranch => ({
  ...branch(row),
  isOpen: row['is_open'] === 1,
});

export function openBuckets(kept: Database): Buckets {
  const statements = prepare(kept);
  const { selectDays, selectMonths, selectAll, selectOne, insert, discard, forget } = statements;
  const bytes = (sha256: string) => Buffer.from(sha256, 'hex');
  const withRows = (rows: readonly Record<string, unknown>[]) =>
    rows.map(branch).filter((each) => each.rows > 0);

  return {
    days: (datastream, upTo, month) =>
      withRows(
        selectDays.all(datastream, month ?? '', month === undefined ? '~' : `${month}-~`, upTo, -1),
      ),
    *daysBetween(datastream, upTo, { from, to, daysPerPage }) {
      for (let begin = from, rows = daysPerPage; rows === daysPerPage;) {
        const page = selectDays.all(datastream, begin, to, upTo, daysPerPage);
        rows = page.length;
        if (rows > 0) yield withRows(page);
        // Nothing stands between a day and its name with this behind it.
        begin = `${String(page.at(-1)?.['name'])}~`;
      }
    },
    *open(upTo) {
      let after = '';
      for (;;) {
        const rows = selectAll.all(upTo, after, branchesPerPage);
        const page = rows.map(openBranch);
        if (page.length > 0) yield page.filter(({ isOpen }) => isOpen);
        if (page.length < branchesPerPage) return;
        after = page.at(-1)?.name ?? '';
      }
    },
    datastream(id, upTo) {
      const row = selectOne.get(id, upTo);
      return row === undefined ? undefined : openBranch(row);
    },
    setDays(datastream, sequence, days) {
      for (const { name, rows, sha256 } of days) {
        insert.day.run(datastream, name, sequence, rows, bytes(sha256));
      }
    },
    sumUp(datastream, sequence, days) {
      for (const month of new Set(days.map(({ name }) => monthOf(name)))) {
        const sum = sumBranches('month', this.days(datastream, sequence, month));
        insert.month.run(datastream, month, sequence, sum.rows, bytes(sum.sha256));
      }
      const sum = sumBranches('datastream', withRows(selectMonths.all(datastream, sequence)));
      insert.datastream.run(datastream, sequence, sum.rows, bytes(sum.sha256), 1);
      return { name: datastream, ...sum };
    },
    close(datastream, sequence) {
      insert.datastream.run(datastream, sequence, 0, bytes(''), 0);
    },
    begin(sequence) {
      const isCutShort = kept.prepare('SELECT 1 FROM manifest_making').get() !== undefined;
      transaction(kept, () => {
        // Reads through all rows: only where a making was cut short.
        if (isCutShort) for (const statement of discard) statement.run(sequence - 1);
        else kept.prepare('INSERT INTO manifest_making VALUES (?)').run(sequence);
      });
    },
    end() {
      kept.exec('DELETE FROM manifest_making');
    },
    prune(datastream, sequence) {
      for (const statement of statements.prune) statement.run(datastream, sequence);
      const isOpen = this.datastream(datastream, sequence)?.isOpen === true;
      if (!isOpen) for (const statement of forget) statement.run(datastream, sequence);
    },
  };
}

function prepare(kept: Database) {
  const selectDays = kept.prepare(
    `SELECT day AS name, rows, sha256, max(sequence) FROM manifest_day
     WHERE datastream = ? AND day >= ? AND day < ? AND sequence <= ? GROUP BY day ORDER BY day LIMIT ?`,
  );
  const selectMonths = kept.prepare(
    `SELECT month AS name, rows, sha256, max(sequence) FROM manifest_month
     WHERE datastream = ? AND sequence <= ? GROUP BY month ORDER BY month`,
  );
  const selectAll = kept.prepare(
    `SELECT datastream AS name, rows, sha256, is_open, max(sequence) FROM manifest_datastream
     WHERE sequence <= ? AND datastream > ? GROUP BY datastream ORDER BY datastream LIMIT ?`,
  );
  const selectOne = kept.prepare(
    `SELECT datastream AS name, rows, sha256, is_open FROM manifest_datastream
     WHERE datastream = ? AND sequence <= ? ORDER BY sequence DESC LIMIT 1`,
  );
  const insert = {
    day: kept.prepare('INSERT OR REPLACE INTO manifest_day VALUES (?, ?, ?, ?, ?)'),
    month: kept.prepare('INSERT OR REPLACE INTO manifest_month VALUES (?, ?, ?, ?, ?)'),
    datastream: kept.prepare('INSERT OR REPLACE INTO manifest_datastream VALUES (?, ?, ?, ?, ?)'),
  };
  const tables = ['manifest_day', 'manifest_month', 'manifest_datastream'] as const;
  const discard = tables.map((table) => kept.prepare(`DELETE FROM ${table} WHERE sequence > ?`));
  const prune = (
    [
      ['manifest_day', 'day'],
      ['manifest_month', 'month'],
      ['manifest_datastream', 'datastream'],
    ] as const
  ).map(([table, name]) =>
    kept.prepare(
      `DELETE FROM ${table} WHERE datastream = ?1 AND sequence < ?2 AND EXISTS (
         SELECT 1 FROM ${table} AS newer WHERE newer.datastream = ?1
           AND newer.${name} = ${table}.${name} AND newer.sequence = ?2)`,
    ),
  );
  const forget = ['manifest_day', 'manifest_month'].map((table) =>
    kept.prepare(`DELETE FROM ${table} WHERE datastream = ? AND sequence <= ?`),
  );
  return { selectDays, selectMonths, selectAll, selectOne, insert, discard, prune, forget };
}
