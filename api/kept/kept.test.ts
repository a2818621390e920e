import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

import { openDatabase } from '../../devices/database.ts';
import { openKept } from './kept.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'quantrac-kept-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

test('what is kept is there again at the next start', () => {
  const path = join(folder(), 'feeds.db');
  const first = openKept(path, 1_000);
  first.exec('CREATE TABLE IF NOT EXISTS note (text TEXT) STRICT');
  first.prepare('INSERT INTO note VALUES (?)').run('kept');
  first.close();
  const second = openKept(path, 1_000);
  expect(second.prepare('SELECT text FROM note').get()).toEqual({ text: 'kept' });
  second.close();
});

test('a file of a later version is refused and not written', () => {
  const path = join(folder(), 'feeds.db');
  const later = openDatabase(path);
  later.exec('PRAGMA user_version = 99');
  later.close();
  expect(() => openKept(path, 1_000)).toThrow(expect.objectContaining({ code: 'API_KEPT_NEWER' }));
  const again = openDatabase(path, { readOnly: true });
  expect(again.prepare('PRAGMA user_version').get()).toEqual({ user_version: 99 });
  again.close();
});

test('a table that was made without a column gets it, and keeps its rows', () => {
  const path = join(folder(), 'feeds.db');
  const older = openDatabase(path);
  older.exec(`CREATE TABLE access_request (
    position INTEGER PRIMARY KEY, at INTEGER NOT NULL, key TEXT NOT NULL, path TEXT NOT NULL,
    status INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT`);
  older.exec("INSERT INTO access_request VALUES (1, 2, 'k', '/', 200, 3, 4)");
  older.close();
  openKept(path, 1_000).close();
  const now = openKept(path, 1_000);
  expect(now.prepare('SELECT rows, door, requests FROM access_request').all()).toEqual([
    { rows: 3, door: null, requests: null },
  ]);
  now.close();
});
