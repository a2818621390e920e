/** A month's file: canonical lines, sorted, each with a line feed. */
import { dayOf, monthOf } from '../proof/day.ts';
import { compareRows, lineOf, readLine, type ProofRow } from '../proof/row.ts';
import { sumDay, type Branch, type Sum } from '../proof/tree.ts';

/** What is wrong with a file, and where; else its rows. */
export type ReadMonth =
  | { readonly rows: readonly ProofRow[] }
  | { readonly line: number; readonly problem: string };

export function readMonth(bytes: Uint8Array, month: string): ReadMonth {
  const text = Buffer.from(bytes).toString('utf8');
  const lines = text.split('\n');
  const last = lines.pop();
  if (last !== '') return { line: lines.length + 1, problem: 'does not end with a line feed' };
  const rows: ProofRow[] = [];
  for (const [index, line] of lines.entries()) {
    const row = readLine(line);
    const problem =
      row === undefined
        ? 'is not in the canonical form'
        : monthOf(dayOf(row.endAt)) !== month
          ? 'is not of this month'
          : rows.length > 0 && compareRows(rows.at(-1)!, row) >= 0
            ? 'is not in order'
            : undefined;
    if (problem !== undefined) return { line: index + 1, problem };
    rows.push(row!);
  }
  // Bytes that are no UTF-8 read as other text.
  if (!Buffer.from(text).equals(bytes))
    return { line: 1, problem: 'holds bytes that are no UTF-8' };
  return { rows };
}

export function monthText(rows: Iterable<ProofRow>): string {
  let text = '';
  for (const row of rows) text += `${lineOf(row)}\n`;
  return text;
}

/** Days of rows that are in order. */
export function daysOf(rows: Iterable<ProofRow>): readonly Branch[] {
  const days: Branch[] = [];
  let day = '';
  let sum: Sum | undefined;
  for (const row of rows) {
    const of = dayOf(row.endAt);
    if (of !== day) {
      if (sum !== undefined) days.push({ name: day, ...sum.end() });
      day = of;
      sum = sumDay();
    }
    sum?.add(lineOf(row));
  }
  if (sum !== undefined) days.push({ name: day, ...sum.end() });
  return days;
}
