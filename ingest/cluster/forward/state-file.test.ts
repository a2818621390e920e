import { crc32 } from 'node:zlib';

import { beforeEach, describe, expect, it } from 'vitest';

import { createSeededRandom } from '../../../devices/random.ts';
import { createMemoryFileSystem, type MemoryFileSystem } from '../../log/file-system-memory.ts';
import { createMortalFileSystem } from '../../log/segment-log.fixture.ts';
import { openStateFile, type ForwardState, type StateFile } from './state-file.ts';

const first: ForwardState = { position: 4, registryVersion: 2, sequences: [0, 0, 0] };
const path = '/data/forward.state';

let disk: MemoryFileSystem;
beforeEach(async () => {
  disk = createMemoryFileSystem();
  await disk.makeDirectory('/data');
});

function open(fileSystem = disk as Parameters<typeof openStateFile>[0]['fileSystem']) {
  const identity = { node: 7, topic: 'quantrac-readings', partitions: 3 };
  return openStateFile({ ...identity, fileSystem, directory: '/data', first });
}

function stateAt(position: number): ForwardState {
  const sequences = [position, 2 * position, Number.MAX_SAFE_INTEGER];
  return { position, registryVersion: position + 1, sequences };
}

describe('the note of how far Kafka has a log', () => {
  it('begins with what a node that never sent anything has', async () => {
    expect((await open()).found).toMatchObject(first);
    disk.powerCut(createSeededRandom(1));
    expect((await open()).found).toMatchObject(first);
  });

  it('is found as it was last noted, and never grows', async () => {
    const file = await open();
    const sizeBytes = disk.contents(path).length;
    for (let position = 5; position < 30; position++) await file.note(stateAt(position));
    await file.close();
    expect(disk.contents(path)).toHaveLength(sizeBytes);
    expect((await open()).found).toMatchObject(stateAt(29));
  });

  it('survives a loss of power at any call to the disk: the last note holds, or the one under way', async () => {
    for (let seed = 1; seed <= 3; seed++) {
      const random = createSeededRandom(seed);
      for (let nth = 1; nth < 60; nth++) {
        disk = createMemoryFileSystem();
        await disk.makeDirectory('/data');
        let noted = -1;
        await new Promise<void>((resolve) => {
          const mortal = createMortalFileSystem(disk, nth, () => {
            disk.powerCut(random);
            resolve();
          });
          void notesOf(mortal, (position) => (noted = position)).then(resolve);
        });
        const { found } = await open();
        // A folder in which nothing was noted begins anew.
        expect([Math.max(noted, first.position), noted + 1]).toContain(found.position);
        expect(found).toMatchObject(
          found.position === first.position ? first : stateAt(found.position),
        );
      }
    }
  });

  it('holds over a loss of power what a process found that another was killed at', async () => {
    for (let nth = 1; nth < 30; nth++) {
      for (const seed of [1, 2, 3, 4, 5]) {
        disk = createMemoryFileSystem();
        await disk.makeDirectory('/data');
        await new Promise<void>((resolve) => {
          const mortal = createMortalFileSystem(disk, nth, () => {
            disk.kill();
            resolve();
          });
          void notesOf(mortal, () => undefined).then(resolve);
        });
        const { found } = await open();
        disk.powerCut(createSeededRandom(seed));
        expect((await open()).found.position).toBe(found.position);
      }
    }
  });

  async function notesOf(
    fileSystem: Parameters<typeof open>[0],
    noted: (position: number) => void,
  ): Promise<void> {
    const file: StateFile = await open(fileSystem);
    noted(first.position);
    for (let position = first.position + 1; position < 15; position++) {
      await file.note(stateAt(position));
      noted(position);
    }
  }

  it('can be written on a disk that has no byte left', async () => {
    const file = await open();
    disk.capacityBytes = disk.contents(path).length;
    await file.note(stateAt(9));
    await file.close();
    expect((await open()).found).toMatchObject(stateAt(9));
  });

  it('keeps the last note where a write fails, and is written again by the next', async () => {
    const file = await open();
    await file.note(stateAt(5));
    disk.kill();
    await expect(file.note(stateAt(6))).rejects.toMatchObject({ code: 'EBADF' });
    expect((await open()).found).toMatchObject(stateAt(5));
    await file.note(stateAt(7));
    await file.note(stateAt(8));
    expect((await open()).found).toMatchObject(stateAt(8));
  });

  it('is found while one of its halves is damaged, and refused by name where both are', async () => {
    const file = await open();
    await file.note(stateAt(5));
    await file.note(stateAt(6));
    await file.close();
    const bytes = disk.contents(path);
    const half = bytes.length / 2;
    for (const at of [0, half]) {
      const damaged = Buffer.from(bytes);
      damaged[at + 40] = 0;
      disk.setContents(path, damaged);
      expect([5, 6]).toContain((await open()).found.position);
    }
    disk.setContents(path, Buffer.from(bytes).fill(0, 0, half + 40));
    await expect(open()).rejects.toMatchObject({ code: 'FORWARD_STATE_DAMAGED', fields: { path } });
    disk.setContents(path, Buffer.alloc(0));
    await expect(open()).rejects.toMatchObject({ code: 'FORWARD_STATE_DAMAGED' });
  });

  it('refuses a note of a newer form by name', async () => {
    const json = '{"format":"quantrac-forward/2"}';
    disk.setContents(path, Buffer.from(`${crc32(json).toString(16).padStart(8, '0')} ${json}`));
    await expect(open()).rejects.toMatchObject({ code: 'FORWARD_STATE_DAMAGED' });
  });
});
