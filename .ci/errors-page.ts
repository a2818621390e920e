/** The page of all errors, from the tables in the `errors.ts` files. */
import { join } from 'node:path';
import type { ErrorEntry, ErrorTable } from '../devices/coded-error.ts';
import { listFiles, root } from './repository.ts';

export interface TableOfErrors {
  readonly path: string;
  readonly entries: readonly (readonly [code: string, entry: ErrorEntry])[];
}

function isTable(value: unknown): value is ErrorTable {
  if (typeof value !== 'object' || value === null) return false;
  const entries = Object.values(value) as unknown[];
  return (
    entries.length > 0 &&
    entries.every((entry) => typeof entry === 'object' && entry !== null && 'meaning' in entry)
  );
}

export async function readTables(): Promise<TableOfErrors[]> {
  const tables: TableOfErrors[] = [];
  // A room's table may take in that of one of its folders: such an entry stands where it is met first.
  const met = new Set<ErrorEntry>();
  for (const path of listFiles(/(^|\/)errors\.ts$/)) {
    const module = (await import(join(root, path))) as Record<string, unknown>;
    const entries = Object.values(module)
      .filter(isTable)
      .flatMap((table) => Object.entries(table))
      .filter(([, entry]) => !met.has(entry));
    for (const [, entry] of entries) met.add(entry);
    tables.push({ path, entries });
  }
  return tables;
}

export async function errorsPage(): Promise<string> {
  const parts = [
    '# Errors\n\nEvery code the product can give, by the room that gives it. Codes are never reused. Written by\n`npm run errors` from the tables; a test keeps both equal.\n',
  ];
  for (const { path, entries } of await readTables()) {
    const room = path.includes('/') ? path.split('/').slice(0, -1).join('/') : 'start';
    parts.push(`## ${room}\n\n| code | message | meaning | retry |\n| --- | --- | --- | --- |`);
    for (const [code, entry] of entries) {
      const cells = [`\`${code}\``, entry.message, entry.meaning, entry.canRetry ? 'yes' : 'no'];
      parts.push(
        `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`,
      );
    }
    parts.push('');
  }
  return parts.join('\n');
}
