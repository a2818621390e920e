import { describe, expect, it } from 'vitest';
import { attemptsFile, openAttempts, type Attempts } from './attempts.ts';
import { ingestConfigSchema } from './config.ts';
import { createMemoryFileSystem } from './log/file-system-memory.ts';
import { replaceFile, type FileSystem } from './log/file-system.ts';

const { careful: config, stretch } = ingestConfigSchema.parse({});
const small = { rows: 7, bytes: 300 };
const directory = '/data';

async function openFileSystem(): Promise<FileSystem> {
  const fileSystem = createMemoryFileSystem();
  await fileSystem.makeDirectory(directory);
  return fileSystem;
}
const open = (fileSystem: FileSystem, consumed: number): Promise<Attempts> =>
  openAttempts({ fileSystem, directory, consumed, config, stretch });

/** A life that begins to decide at a position and dies there. */
async function die(fileSystem: FileSystem, consumed: number): Promise<Attempts> {
  const attempts = await open(fileSystem, consumed);
  await attempts.begin();
  return attempts;
}

describe('careful mode', () => {
  it('begins after two crashes without progress', async () => {
    const fileSystem = await openFileSystem();
    expect((await die(fileSystem, 7)).carefulLeft).toBe(0);
    expect((await die(fileSystem, 7)).carefulLeft).toBe(0);
    expect((await die(fileSystem, 7)).carefulLeft).toBe(config.readingsMax);
  });

  it('does not begin where there was progress, a clean end, or nothing to decide', async () => {
    const fileSystem = await openFileSystem();
    for (const consumed of [1, 2, 3, 4, 5]) {
      expect((await die(fileSystem, consumed)).carefulLeft).toBe(0);
    }
    for (let start = 0; start < 5; start++) {
      const attempts = await die(fileSystem, 9);
      expect(attempts.carefulLeft).toBe(0);
      await attempts.end();
    }
    for (let start = 0; start < 5; start++) {
      expect((await open(fileSystem, 11)).carefulLeft).toBe(0);
    }
  });

  it('tries a reading three times, each noted before, then calls it crashed', async () => {
    const fileSystem = await openFileSystem();
    await die(fileSystem, 4);
    await die(fileSystem, 4);
    for (let tries = 1; tries <= 3; tries++) {
      const attempts = await open(fileSystem, 4);
      expect(await attempts.tryReading(5)).toBe('try');
    }
    const last = await open(fileSystem, 4);
    expect(await last.tryReading(5)).toBe('crashed');
    await last.settled(5, small);
    // The one that it died at is behind it: the rest is decided as usual.
    expect(last.carefulLeft).toBe(0);
    expect((await open(fileSystem, 6)).carefulLeft).toBe(0);
  });

  it('knows the reading again where positions have holes', async () => {
    const fileSystem = await openFileSystem();
    await die(fileSystem, 1_024);
    await die(fileSystem, 1_024);
    const careful = await open(fileSystem, 1_024);
    await careful.tryReading(2_048);
    await careful.settled(2_048, small);
    await careful.tryReading(5_120);
    for (let tries = 2; tries <= 3; tries++) {
      const attempts = await open(fileSystem, 2_048);
      expect(attempts.carefulLeft).toBe(1);
      expect(await attempts.tryReading(5_120)).toBe('try');
    }
    expect(await (await open(fileSystem, 2_048)).tryReading(5_120)).toBe('crashed');
  });

  it('ends after so many readings without a crash', async () => {
    const fileSystem = await openFileSystem();
    await die(fileSystem, 0);
    await die(fileSystem, 0);
    const attempts = await openAttempts({
      fileSystem,
      directory,
      consumed: 0,
      config: { ...config, readingsMax: 2 },
      stretch,
    });
    for (const position of [1, 2]) {
      expect(attempts.carefulLeft).toBe(3 - position);
      await attempts.tryReading(position);
      await attempts.settled(position, small);
    }
    expect(attempts.carefulLeft).toBe(0);
    expect((await open(fileSystem, 2)).carefulLeft).toBe(0);
  });

  it('ends behind all that a start can have had in hand: two stretches, by rows or by bytes', async () => {
    for (const [size, expected] of [
      [{ rows: 7, bytes: 300 }, Math.ceil((2 * stretch.rowsMax) / 7) + 1],
      [{ rows: 0, bytes: 65_536 }, (2 * stretch.bytesMax) / 65_536 + 1],
    ] as const) {
      const fileSystem = await openFileSystem();
      await die(fileSystem, 0);
      const attempts = await die(fileSystem, 0).then(() => open(fileSystem, 0));
      let position = 0;
      while (attempts.carefulLeft > 0) {
        position++;
        await attempts.tryReading(position);
        await attempts.settled(position, size);
      }
      expect(position).toBe(expected);
    }
  });

  it('that is killed from outside tries one reading again, and is over with it', async () => {
    const fileSystem = await openFileSystem();
    await die(fileSystem, 0);
    await die(fileSystem, 0);
    const killed = await open(fileSystem, 0);
    for (const position of [1, 2]) {
      await killed.tryReading(position);
      await killed.settled(position, small);
    }
    await killed.tryReading(3);
    const next = await open(fileSystem, 2);
    expect(next.carefulLeft).toBe(1);
    await next.tryReading(3);
    await next.settled(3, small);
    expect(next.carefulLeft).toBe(0);
    expect((await die(fileSystem, 3)).carefulLeft).toBe(0);
  });

  it('takes a file that is not its own for none', async () => {
    const fileSystem = await openFileSystem();
    for (const text of ['', 'null', '{"format":2}', 'not JSON']) {
      await replaceFile(fileSystem, directory, attemptsFile, Buffer.from(text));
      expect((await open(fileSystem, 3)).carefulLeft).toBe(0);
    }
  });

  it('fails where the disk cannot be read', async () => {
    const fileSystem = await openFileSystem();
    const broken: FileSystem = {
      ...fileSystem,
      open: () => Promise.reject(Object.assign(new Error('disk'), { code: 'EIO' })),
    };
    await expect(open(broken, 0)).rejects.toThrow('disk');
  });
});
