/** Rows of a CSV file of real records, as a profile says to read it. */
import { simulatorsError } from './errors.ts';
import type { Profile } from './profile.ts';

export interface RecordRow {
  /** Milliseconds UTC of the file's own time. */
  readonly at: number;
  /** Cells of the profile's columns, in its order, as they stand in the file. */
  readonly cells: readonly string[];
}

type Order = NonNullable<Profile['time']['order']>;

/** Throws SIMULATORS_RECORDS_INVALID naming the column or the line. */
export function parseRecords(text: string, profile: Profile): RecordRow[] {
  const { delimiter, linesBeforeHeader, linesAfterHeader } = profile;
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const header = splitCells(lines[linesBeforeHeader] ?? '', delimiter);
  const placeOf = (column: string): number => {
    const place = header.indexOf(column);
    if (place < 0) throw wrong(`the file has no column ${column}`);
    return place;
  };
  const times = [profile.time.column].flat().map(placeOf);
  const values = Object.keys(profile.columns).map(placeOf);
  const only = profile.only === undefined ? null : placeOf(profile.only.column);
  const rows: RecordRow[] = [];
  for (const [index, line] of lines.entries()) {
    if (index <= linesBeforeHeader + linesAfterHeader || line.trim() === '') continue;
    const cells = splitCells(line, delimiter);
    if (only !== null && cells[only] !== profile.only?.equals) continue;
    const time = times.map((place) => (cells[place] ?? '').trim()).join(' ');
    const at = readTime(time, profile.time);
    if (Number.isNaN(at)) throw wrong(`line ${index + 1}: ${problemOf(time, profile.time)}`);
    rows.push({
      at: Math.round(at),
      cells: values.map((place) => cellOf(cells[place] ?? '', profile)),
    });
  }
  return rows;
}

function wrong(problem: string): Error {
  return simulatorsError('SIMULATORS_RECORDS_INVALID', { problem });
}

/** Column names of a file with commas and no lines before its header. */
export function headerOf(text: string): string[] {
  return splitCells(text.slice(0, text.search(/\r?\n|$/)).replace(/^\uFEFF/, ''), ',');
}

/** Cells of one line; a quoted cell may hold delimiters and doubled quotes. */
export function splitCells(line: string, delimiter: string): string[] {
  if (!line.includes('"')) return line.split(delimiter);
  const cells: string[] = [];
  const pattern = new RegExp(`("(?:[^"]|"")*"|[^${delimiter}]*)(${delimiter}|$)`, 'g');
  for (const [, cell = '', end] of line.matchAll(pattern)) {
    cells.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    if (end === '') break;
  }
  return cells;
}

/** The server reads decimal points only: a comma is the one thing that is changed in a cell. */
function cellOf(cell: string, { decimalComma }: Profile): string {
  return decimalComma && /^\s*[-+]?\d*,\d+\s*$/.test(cell) ? cell.replace(',', '.') : cell;
}

const clockTime = String.raw`(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?)?\s*(Z|[+-]\d{2}:?\d{2})?`;
const byParts = (first: string, last: string) =>
  new RegExp(String.raw`^${first}[-/.](\d{1,2})[-/.]${last}${clockTime}$`);
const yearFirst = byParts(String.raw`(\d{4})`, String.raw`(\d{1,2})`);
const yearLast = byParts(String.raw`(\d{1,2})`, String.raw`(\d{4})`);

/** NaN for what is no time in this order, or tells no zone where the profile tells none either. */
function readTime(text: string, { order = 'ymd', offset }: Profile['time']): number {
  if (order === 'unixSeconds') return readNumber(text) * 1_000;
  if (order === 'unixMs') return readNumber(text);
  const parts = (order === 'ymd' ? yearFirst : yearLast).exec(text)?.slice(1) ?? [];
  const zone = parts[6] ?? offset;
  if (parts.length === 0 || zone === undefined) return Number.NaN;
  const date = dateOf(order, parts).map((part) => part.padStart(2, '0'));
  const [hour = '00', minute = '00', second = '00'] = parts.slice(3, 6);
  return Date.parse(`${date.join('-')}T${hour.padStart(2, '0')}:${minute}:${second}${zone}`);
}

function readNumber(text: string): number {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
}

function dateOf(order: Order, [one = '', two = '', three = '']: readonly string[]): string[] {
  if (order === 'dmy') return [three, two, one];
  return order === 'mdy' ? [three, one, two] : [one, two, three];
}

function problemOf(time: string, { order = 'ymd', offset }: Profile['time']): string {
  const isZoneless = offset === undefined && order !== 'unixSeconds' && order !== 'unixMs';
  const zone = isZoneless ? ' with a zone (the profile names no offset)' : '';
  return `"${time}" is not a time in the order ${order}${zone}`;
}
