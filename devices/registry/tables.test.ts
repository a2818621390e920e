import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../database.ts';
import { isPresentRegistry, migrateRegistry, registryFormat } from './tables.ts';

function newPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-tables-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'registry.db');
}

function make(path: string, change: string): void {
  const database = openDatabase(path);
  migrateRegistry(database, path);
  database.exec(change);
  database.close();
}

test('a registry of the present format is one that readers can open', () => {
  const path = newPath();
  make(path, '');
  expect(isPresentRegistry(path, 0)).toBe(true);
});

test('none, an older or newer one, another program’s file and what is no database are not', () => {
  expect(isPresentRegistry(newPath(), 0)).toBe(false);
  for (const change of [
    `PRAGMA user_version = ${registryFormat - 1}`,
    `PRAGMA user_version = ${registryFormat + 1}`,
    'PRAGMA application_id = 7',
  ]) {
    const path = newPath();
    make(path, change);
    expect(isPresentRegistry(path, 0)).toBe(false);
  }
  const text = newPath();
  writeFileSync(text, 'not a database, whatever its name says: '.repeat(100));
  expect(isPresentRegistry(text, 0)).toBe(false);
});
