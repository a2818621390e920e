import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openDataFolder, openEmptyFolder, readFormat, writeFormat } from './data-folder.ts';
import { createSeededRandom } from './devices/random.ts';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-folder-'));
  onTestFinished(() => {
    chmodSync(folder, 0o700);
    rmSync(folder, { recursive: true });
  });
  return folder;
}

const random = createSeededRandom(1);

test('a new folder gets one store id, which stays, and is closed to others', () => {
  const path = join(temporaryFolder(), 'data');
  const first = openDataFolder(path, random);
  first.release();
  const second = openDataFolder(path, random);
  second.release();
  expect(second.identity).toEqual(first.identity);
  expect(first.identity.storeId).toMatch(/^[\w-]{12}$/);
  expect(statSync(path).mode & 0o777).toBe(0o700);
});

test('a second owner is refused by name until the first lets go', () => {
  const path = temporaryFolder();
  const owner = openDataFolder(path, random);
  expect(() => openDataFolder(path, random)).toThrow(
    expect.objectContaining({ code: 'START_FOLDER_OWNED' }),
  );
  owner.release();
  openDataFolder(path, random).release();
});

test('a folder of a newer version, or of somebody else, is refused before anything is written', () => {
  const newer = temporaryFolder();
  writeFileSync(
    join(newer, 'format.json'),
    '{"format":"quantrac-data/2","storeId":"x","earlier":[]}',
  );
  expect(() => openDataFolder(newer, random)).toThrow(
    expect.objectContaining({ code: 'START_FOLDER_VERSION' }),
  );
  expect(readFileSync(join(newer, 'format.json'), 'utf8')).toContain('quantrac-data/2');
  const damaged = temporaryFolder();
  writeFileSync(join(damaged, 'format.json'), '{"format":');
  expect(() => openDataFolder(damaged, random)).toThrow(
    expect.objectContaining({ code: 'START_FOLDER_VERSION' }),
  );
  const strange = temporaryFolder();
  writeFileSync(join(strange, 'letter.txt'), 'mine');
  expect(() => openDataFolder(strange, random)).toThrow(
    expect.objectContaining({ code: 'START_FOLDER_STRANGE' }),
  );
});

test('earlier store ids are kept with the position up to which their cursors are good', () => {
  const path = temporaryFolder();
  writeFormat(path, { storeId: 'b', earlier: [{ storeId: 'a', upTo: 17 }] });
  expect(readFormat(path)).toEqual({ storeId: 'b', earlier: [{ storeId: 'a', upTo: 17 }] });
});

test('a place where no folder can be made is named', () => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  expect(() => openDataFolder(join(file, 'data'), random)).toThrow(
    expect.objectContaining({ code: 'START_FOLDER_UNWRITABLE' }),
  );
});

test('a folder that a restore has not finished is refused by name, and a finished one is a data folder', () => {
  const path = join(temporaryFolder(), 'data');
  const folder = openEmptyFolder(path);
  expect(() => openDataFolder(path, random)).toThrow(
    expect.objectContaining({ code: 'START_RESTORE_UNFINISHED' }),
  );
  const identity = { storeId: 'new', earlier: [{ storeId: 'old', upTo: 7 }] };
  folder.finish(identity);
  folder.release();
  const opened = openDataFolder(path, random);
  opened.release();
  expect(opened.identity).toEqual(identity);
});

test('a restore takes a new or empty folder only', () => {
  const used = temporaryFolder();
  openDataFolder(used, random).release();
  expect(() => openEmptyFolder(used)).toThrow(
    expect.objectContaining({ code: 'START_FOLDER_USED' }),
  );
});
