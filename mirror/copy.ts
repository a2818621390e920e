/**
 * The local copy: `observations/{datastream}/{month}.ndjson`, beside them `hashes.json` with the
 * branches of the months, now and when they were last proved, and `observations/index.json` with
 * those of all datastreams. Files may be ahead of the hashes until `seal` has summed them up again;
 * taking a change twice does no harm, since a row is known by (id, revision).
 */
import { canonicalJson, readCanonicalJson } from '../proof/canonical-json.ts';
import { dayOf, monthOf } from '../proof/day.ts';
import { compareRows, readLine, type ProofRow } from '../proof/row.ts';
import { sumBranches, type Branch } from '../proof/tree.ts';
import type { MirrorFiles } from './files.ts';
import { daysOf, monthText, readMonth } from './lines.ts';

export interface RowChange {
  readonly type: 'insert' | 'correction' | 'deletion';
  readonly row: ProofRow;
}

export interface Copy {
  /** Datastreams that are held, sorted. */
  ids(): readonly string[];
  /** As it was last sealed; rows 0 where it is not held. */
  branch(id: string): Branch;
  /** In the order of the feed. */
  take(id: string, changes: readonly RowChange[]): void;
  /** All rows of a datastream, in order, in place of what is held. */
  replace(id: string, rows: AsyncIterable<ProofRow>): Promise<void>;
  /** Days as the files have them now. */
  days(id: string): readonly Branch[];
  replaceDay(id: string, day: string, rows: readonly ProofRow[]): void;
  drop(id: string): void;
  /** Sums up everything anew from the files: after a run that was cut short. */
  recount(): void;
  /** Sums up what was changed and makes it durable. Gives the text of the index. */
  seal(): string;
  /** The months as they are now are those of the manifest that was proved. */
  prove(): void;
  /** After a run that was cut short: what is not of the manifest that was proved is not proved. */
  keepProved(signed: ReadonlyMap<string, Branch>): void;
  /** Whether anything was changed since it was last sealed. */
  readonly isChanged: boolean;
}

interface Held {
  months: Map<string, Branch>;
  /** Canonical text of the months that were last proved. */
  proven: string;
  /** The last row of the newest month; null where none is held, undefined where it is not known. */
  tail: ProofRow | null | undefined;
  readonly touched: Set<string>;
  isMoved: boolean;
}

export const observationsFolder = 'observations';
export const indexName = `${observationsFolder}/index.json`;
export const idGrammar = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const monthFile = /^\d{4}-\d\d\.ndjson$/;
/** More than any line has. */
const lineBytesMax = 65_536;
/** Rows of a list that are held before they are written, however many a month has. */
const rowsHeldMax = 10_000;

export function folderOf(id: string): string {
  if (!idGrammar.test(id)) throw new RangeError(`no id of a datastream: ${id.slice(0, 100)}`);
  return `${observationsFolder}/${id}`;
}

export function branchesText(branches: Iterable<Branch>): string {
  return canonicalJson([...branches].map(({ name, rows, sha256 }) => [name, rows, sha256]));
}

export function readBranches(value: unknown): readonly Branch[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const branches = value.map((each: unknown) => {
    const [name, rows, sha256] = Array.isArray(each) ? (each as unknown[]) : [];
    const isBranch =
      typeof name === 'string' && Number.isSafeInteger(rows) && typeof sha256 === 'string';
    return isBranch ? { name, rows: Number(rows), sha256 } : undefined;
  });
  return branches.includes(undefined) ? undefined : (branches as Branch[]);
}

export function openCopy(files: MirrorFiles): Copy {
  const folder: Folder = { files, held: new Map(), isChanged: false };
  for (const id of files.list(observationsFolder)) {
    const isSeries = idGrammar.test(id) && `${observationsFolder}/${id}` !== indexName;
    if (isSeries) folder.held.set(id, readHeld(files, id));
  }
  const ids = (): readonly string[] => [...folder.held.keys()].sort();
  return {
    ids,
    branch: (id) => branchOf(folder, id),
    get isChanged() {
      return folder.isChanged;
    },
    take(id, changes) {
      if (append(folder, id, changes)) return;
      for (const [month, of] of byMonth(changes)) {
        write(folder, { id, month, rows: applied(rowsOf(folder, id, month), of) });
      }
    },
    replace: (id, rows) => replace(folder, id, rows),
    days: (id) => monthsIn(folder, id).flatMap((month) => daysOf(rowsOf(folder, id, month))),
    replaceDay(id, day, rows) {
      const month = monthOf(day);
      const others = rowsOf(folder, id, month).filter(({ endAt }) => dayOf(endAt) !== day);
      write(folder, { id, month, rows: [...others, ...rows].sort(compareRows) });
    },
    drop: (id) => drop(folder, id),
    recount: () => recount(folder),
    seal() {
      for (const id of folder.held.keys()) sealOne(folder, id);
      const present = ids().map((id) => branchOf(folder, id));
      const text = branchesText(present.filter(({ rows }) => rows > 0));
      files.write(indexName, text);
      files.sync(indexName);
      folder.isChanged = false;
      return text;
    },
    keepProved(signed) {
      for (const [id, of] of folder.held) {
        const branches = readBranches(JSON.parse(of.proven)) ?? [];
        const { rows, sha256 } = sumBranches('datastream', branches);
        if (rows > 0 && signed.get(id)?.sha256 !== sha256) setProven(of, '[]');
      }
    },
    prove() {
      for (const of of folder.held.values())
        setProven(of, branchesText(sorted(of.months.values())));
    },
  };
}

interface Folder {
  readonly files: MirrorFiles;
  readonly held: Map<string, Held>;
  isChanged: boolean;
}

function heldOf({ held }: Folder, id: string): Held {
  let found = held.get(id);
  if (found === undefined) {
    found = { months: new Map(), proven: '[]', tail: undefined, touched: new Set(), isMoved: true };
    held.set(id, found);
  }
  return found;
}

function setProven(of: Held, text: string): void {
  if (of.proven === text) return;
  of.proven = text;
  of.isMoved = true;
}

function sorted(branches: Iterable<Branch>): readonly Branch[] {
  return [...branches].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function byMonth(changes: readonly RowChange[]): ReadonlyMap<string, readonly RowChange[]> {
  return Map.groupBy(changes, ({ row }) => monthOf(dayOf(row.endAt)));
}

function pathOf(id: string, month: string): string {
  return `${folderOf(id)}/${month}.ndjson`;
}

function monthsIn({ files }: Folder, id: string): readonly string[] {
  const names = files.list(folderOf(id)).filter((name) => monthFile.test(name));
  return names.map((name) => name.slice(0, 7));
}

function touch(folder: Folder, id: string, month: string): void {
  heldOf(folder, id).touched.add(month);
  folder.isChanged = true;
}

/** Rows of a month; a part of a line that a kill has left at its end is not there. */
function rowsOf({ files }: Folder, id: string, month: string): readonly ProofRow[] {
  const bytes = files.read(pathOf(id, month));
  if (bytes === undefined) return [];
  const read = readMonth(bytes.subarray(0, bytes.lastIndexOf(10) + 1), month);
  // What somebody else changed is not gone on with: it is fetched anew.
  return 'rows' in read ? read.rows : [];
}

/** The last row that is held; null where there is none, or where its file is not as it was left. */
function tailOf(folder: Folder, id: string): ProofRow | null {
  const { files } = folder;
  const of = heldOf(folder, id);
  if (of.tail !== undefined) return of.tail;
  const newest = monthsIn(folder, id).at(-1);
  if (newest === undefined) return (of.tail = null);
  const path = pathOf(id, newest);
  const end = files.readEnd(path, lineBytesMax) ?? Buffer.alloc(0);
  const torn = end.length - 1 - end.lastIndexOf(10);
  if (torn > 0) files.cut(path, (files.read(path)?.length ?? 0) - torn);
  const whole = end
    .subarray(0, end.length - torn)
    .toString('utf8')
    .trimEnd();
  const row = readLine(whole.slice(whole.lastIndexOf('\n') + 1));
  return row === undefined ? null : (of.tail = row);
}

/** New rows behind all that are held are only put there: what nearly every change is. */
function append(folder: Folder, id: string, changes: readonly RowChange[]): boolean {
  let tail = tailOf(folder, id);
  if (tail === null && monthsIn(folder, id).length > 0) return false;
  for (const { type, row } of changes) {
    if (type !== 'insert' || (tail !== null && compareRows(tail, row) >= 0)) return false;
    tail = row;
  }
  for (const [month, of] of byMonth(changes)) {
    touch(folder, id, month);
    folder.files.append(pathOf(id, month), monthText(of.map(({ row }) => row)));
  }
  heldOf(folder, id).tail = tail;
  return true;
}

interface MonthRows {
  readonly id: string;
  readonly month: string;
  readonly rows: readonly ProofRow[];
}

function write(folder: Folder, { id, month, rows }: MonthRows): void {
  touch(folder, id, month);
  heldOf(folder, id).tail = undefined;
  if (rows.length === 0) folder.files.remove(pathOf(id, month));
  else folder.files.write(pathOf(id, month), monthText(rows));
}

async function replace(folder: Folder, id: string, rows: AsyncIterable<ProofRow>): Promise<void> {
  drop(folder, id);
  let month = '';
  let waiting: ProofRow[] = [];
  let isBegun = false;
  const flush = (): void => {
    if (waiting.length === 0) return;
    if (isBegun) folder.files.append(pathOf(id, month), monthText(waiting));
    else write(folder, { id, month, rows: waiting });
    isBegun = true;
    waiting = [];
  };
  for await (const row of rows) {
    const of = monthOf(dayOf(row.endAt));
    if (of !== month || waiting.length >= rowsHeldMax) flush();
    if (of !== month) isBegun = false;
    month = of;
    waiting.push(row);
  }
  flush();
}

function drop(folder: Folder, id: string): void {
  folder.isChanged = true;
  folder.held.delete(id);
  folder.files.remove(folderOf(id));
}

function recount(folder: Folder): void {
  for (const [id, of] of folder.held) {
    of.months.clear();
    of.tail = undefined;
    of.isMoved = true;
    tailOf(folder, id);
    for (const month of monthsIn(folder, id)) {
      touch(folder, id, month);
      sumUp(folder, id, month);
    }
  }
  folder.isChanged = true;
}

function sumUp(folder: Folder, id: string, month: string): void {
  const { months } = heldOf(folder, id);
  const rows = rowsOf(folder, id, month);
  if (rows.length === 0) months.delete(month);
  else months.set(month, { name: month, ...sumBranches('month', daysOf(rows)) });
}

function branchOf({ held }: Folder, id: string): Branch {
  return { name: id, ...sumBranches('datastream', held.get(id)?.months.values() ?? []) };
}

function sealOne(folder: Folder, id: string): void {
  const { files, held } = folder;
  const of = heldOf(folder, id);
  if (of.touched.size === 0 && !of.isMoved) return;
  for (const month of of.touched) {
    sumUp(folder, id, month);
    if (of.months.has(month)) files.sync(pathOf(id, month));
  }
  of.touched.clear();
  of.isMoved = false;
  if (of.months.size === 0 && of.proven === '[]') {
    files.remove(folderOf(id));
    held.delete(id);
    return;
  }
  const path = `${folderOf(id)}/hashes.json`;
  const months = branchesText(sorted(of.months.values()));
  files.write(path, `{"months":${months},"proven":${of.proven}}`);
  files.sync(path);
}

function readHeld(files: MirrorFiles, id: string): Held {
  const text = files.read(`${folderOf(id)}/hashes.json`)?.toString('utf8');
  const value = text === undefined ? undefined : readCanonicalJson(text);
  const { months, proven } = (value ?? {}) as {
    readonly months?: unknown;
    readonly proven?: unknown;
  };
  const branches = readBranches(months) ?? [];
  return {
    months: new Map(branches.map((each) => [each.name, each])),
    proven: branchesText(readBranches(proven) ?? []),
    tail: undefined,
    touched: new Set(),
    isMoved: false,
  };
}

/** Rows with these changes, each taken once: a row of an older revision than the held one says nothing. */
function applied(rows: readonly ProofRow[], changes: readonly RowChange[]): readonly ProofRow[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  for (const { type, row } of changes) {
    if ((byId.get(row.id)?.revision ?? -1) > row.revision) continue;
    if (type === 'deletion') byId.delete(row.id);
    else byId.set(row.id, row);
  }
  return [...byId.values()].sort(compareRows);
}
