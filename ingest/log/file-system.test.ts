import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createSeededRandom } from '../../devices/random.ts';
import { createFaultyFileSystem } from './file-system-faults.ts';
import { createMemoryFileSystem } from './file-system-memory.ts';
import { openNodeFileSystem } from './file-system-node.ts';
import {
  readFile,
  replaceFile,
  unlinkIfThere,
  writeWhole,
  type FileSystem,
} from './file-system.ts';

function describeFileSystem(
  name: string,
  open: () => Promise<{ fileSystem: FileSystem; root: string; remove: () => Promise<void> }>,
): void {
  describe(`${name} as the log's disk`, () => {
    let fileSystem: FileSystem;
    let directory: string;
    let remove: () => Promise<void>;
    beforeEach(async () => {
      const opened = await open();
      fileSystem = opened.fileSystem;
      remove = opened.remove;
      directory = `${opened.root}/log`;
      await fileSystem.makeDirectory(directory);
      await fileSystem.makeDirectory(directory);
    });
    afterEach(() => remove());

    it('reads what was written, where it was written, and zeros between', async () => {
      const file = await fileSystem.open(`${directory}/a`, 'create');
      expect(await file.write(Buffer.from('xxhello'), 2, 5, 10)).toBe(5);
      await file.sync();
      expect(await file.size()).toBe(15);
      const target = Buffer.alloc(8, 0xff);
      expect(await file.read(target, 1, 7, 9)).toBe(6);
      expect(target.toString('latin1')).toBe('\u00ff\0hello\u00ff');
      expect(await file.read(target, 0, 5, 15)).toBe(0);
      await file.truncate(12);
      await file.truncate(14);
      expect(await readFile(fileSystem, `${directory}/a`)).toEqual(
        Buffer.from('\0\0\0\0\0\0\0\0\0\0he\0\0'),
      );
      await file.close();
    });

    it('creates a new file only, and opens an old one only', async () => {
      const created = await fileSystem.open(`${directory}/a`, 'create');
      await created.close();
      await expect(fileSystem.open(`${directory}/a`, 'create')).rejects.toMatchObject({
        code: 'EEXIST',
      });
      for (const mode of ['read', 'write'] as const) {
        await expect(fileSystem.open(`${directory}/b`, mode)).rejects.toMatchObject({
          code: 'ENOENT',
        });
        await (await fileSystem.open(`${directory}/a`, mode)).close();
      }
      expect(await fileSystem.list(directory)).toEqual(['a']);
    });

    it('replaces a file whole, while one who holds the old one still reads it', async () => {
      await replaceFile(fileSystem, directory, 'a', Buffer.from('old'));
      const held = await fileSystem.open(`${directory}/a`, 'read');
      await replaceFile(fileSystem, directory, 'a', Buffer.from('new one'));
      const target = Buffer.alloc(10);
      expect(await held.read(target, 0, 10, 0)).toBe(3);
      await held.close();
      expect((await readFile(fileSystem, `${directory}/a`)).toString()).toBe('new one');
      expect(await fileSystem.list(directory)).toEqual(['a']);
    });

    it('removes files, and says whether there was one', async () => {
      await replaceFile(fileSystem, directory, 'a', Buffer.from('x'));
      expect(await unlinkIfThere(fileSystem, `${directory}/a`)).toBe(true);
      expect(await unlinkIfThere(fileSystem, `${directory}/a`)).toBe(false);
      await expect(fileSystem.unlink(`${directory}/a`)).rejects.toMatchObject({ code: 'ENOENT' });
      await expect(fileSystem.rename(`${directory}/a`, `${directory}/b`)).rejects.toMatchObject({
        code: 'ENOENT',
      });
    });

    it('knows how much is free', async () => {
      expect(await fileSystem.freeBytes(directory)).toBeGreaterThan(1_000_000);
    });
  });
}

describeFileSystem('The machine', async () => {
  const root = await mkdtemp(join(tmpdir(), 'quantrac-disk-'));
  return { fileSystem: openNodeFileSystem(), root, remove: () => rm(root, { recursive: true }) };
});
describeFileSystem('Memory', () =>
  Promise.resolve({
    fileSystem: createMemoryFileSystem(),
    root: '',
    remove: () => Promise.resolve(),
  }),
);

describe('A loss of power in memory', () => {
  it('keeps what was synced and may take any of the rest, names and content alike', async () => {
    const outcomes = new Set<string>();
    for (let seed = 1; seed <= 100; seed++) {
      const disk = createMemoryFileSystem();
      await disk.makeDirectory('/log');
      const kept = await disk.open('/log/kept', 'create');
      await writeWhole(kept, Buffer.alloc(1_200, 'k'), 1_200, 0);
      await kept.sync();
      await disk.syncDirectory('/log');
      await writeWhole(kept, Buffer.alloc(1_200, 'u'), 1_200, 1_200);
      await disk.open('/log/unsynced', 'create');
      disk.powerCut(createSeededRandom(seed));
      const content = disk.contents('/log/kept');
      expect(content.subarray(0, 1_200)).toEqual(Buffer.alloc(1_200, 'k'));
      const rest = content.subarray(1_200).toString('latin1');
      outcomes.add(rest === '' ? 'lost' : rest === 'u'.repeat(1_200) ? 'whole' : 'torn');
      outcomes.add(disk.paths().includes('/log/unsynced') ? 'name kept' : 'name lost');
      await expect(kept.size()).rejects.toMatchObject({ code: 'EBADF' });
    }
    expect(outcomes).toEqual(new Set(['lost', 'whole', 'torn', 'name kept', 'name lost']));
  });

  it('takes what a failed sync had left, though a later sync succeeded', async () => {
    const disk = createMemoryFileSystem();
    const faulty = createFaultyFileSystem(disk, [{ call: 'sync', nth: 1, code: 'EIO' }]);
    await faulty.makeDirectory('/log');
    const file = await faulty.open('/log/a', 'create');
    await faulty.syncDirectory('/log');
    await writeWhole(file, Buffer.from('gone'), 4, 0);
    await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' });
    await file.sync();
    expect(disk.contents('/log/a').toString()).toBe('gone');
    const never = { next: () => 0, bytes: () => new Uint8Array(0) };
    disk.powerCut(never);
    expect(disk.contents('/log/a').toString()).toBe('');
  });

  it('applies what a failed sync left before what was synced later, never over it', async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const disk = createMemoryFileSystem();
      await disk.makeDirectory('/log');
      const file = await disk.open('/log/a', 'create');
      await disk.syncDirectory('/log');
      await writeWhole(file, Buffer.from('doubtful'), 8, 0);
      await file.truncate(2);
      disk.loseUnsynced('/log/a');
      await writeWhole(file, Buffer.from('synced'), 6, 0);
      await file.sync();
      disk.powerCut(createSeededRandom(seed));
      expect(disk.contents('/log/a').toString()).toMatch(/^synced(ul)?$/);
    }
  });

  it('a full disk takes what fits, then refuses', async () => {
    const disk = createMemoryFileSystem();
    await disk.makeDirectory('/log');
    disk.capacityBytes = 10;
    const file = await disk.open('/log/a', 'create');
    expect(await file.write(Buffer.alloc(8), 0, 8, 0)).toBe(8);
    expect(await disk.freeBytes('/log')).toBe(2);
    expect(await file.write(Buffer.alloc(8), 0, 8, 8)).toBe(2);
    await expect(file.write(Buffer.alloc(8), 0, 8, 10)).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await file.write(Buffer.alloc(8), 0, 8, 0)).toBe(8);
  });
});
