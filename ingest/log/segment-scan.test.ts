import { describe, expect, it } from 'vitest';

import { createSeededRandom } from '../../devices/random.ts';
import { copyLog } from './copy-log.ts';
import { createMemoryFileSystem, type MemoryFileSystem } from './file-system-memory.ts';
import type { Position } from './log.ts';
import { createSegmentLogFixture, readAll, type SegmentLogFixture } from './segment-log.fixture.ts';
import type { SegmentLogWriter } from './segment-writer.ts';

const directory = '/readings';
const count = 3_000;

interface Large {
  readonly disk: MemoryFileSystem;
  readonly fixture: SegmentLogFixture;
  readonly writer: SegmentLogWriter;
  readonly bodies: readonly Buffer[];
}

/** Some MiB in few segments: sizes from 0 to 3 kB, and here and there a record of 400 kB. */
async function writeLarge(seed: number): Promise<Large> {
  const disk = createMemoryFileSystem();
  const fixture = createSegmentLogFixture({
    fileSystem: disk,
    directory,
    seed,
    config: { segmentBytesMax: 3_000_000, recordBytesMax: 1_000_000 },
  });
  const writer = await fixture.openWriter();
  const random = createSeededRandom(seed);
  const bodies: Buffer[] = [];
  for (let index = 0; index < count; index++) {
    const bytes = index % 700 === 5 ? 400_000 : Math.floor(random.next() ** 3 * 3_000);
    bodies.push(Buffer.from(random.bytes(bytes)));
  }
  for (let from = 0; from < count; from += 50) {
    const some = bodies.slice(from, from + 50).map(
      (body) =>
        new Promise<void>((resolve, reject) => {
          writer.append(
            body.length,
            (target, at) => void body.copy(target, at),
            (error) => (error === null ? resolve() : reject(error)),
          );
        }),
    );
    await Promise.all(some);
  }
  await writer.sealed();
  return { disk, fixture, writer, bodies };
}

function segmentsOf(disk: MemoryFileSystem): string[] {
  return disk
    .paths()
    .filter((path) => path.endsWith('.segment'))
    .toSorted();
}

describe('Looking for a position in large segments', () => {
  it('finds each, in sealed segments and in the open one', async () => {
    const { fixture, writer, bodies } = await writeLarge(3);
    const random = createSeededRandom(4);
    const reader = await fixture.openReader();
    for (let round = 0; round < 300; round++) {
      const position: Position = 1 + Math.floor(random.next() * count);
      reader.seek(position);
      const [record] = await reader.read(1);
      expect(record?.position).toBe(position);
      expect(record?.body.equals(bodies[position - 1]!)).toBe(true);
    }
    await reader.close();
    await writer.close();
  });

  it('finds every sound one where stretches of the files are damaged', async () => {
    const { disk, fixture, writer, bodies } = await writeLarge(5);
    const random = createSeededRandom(6);
    for (const path of segmentsOf(disk)) {
      const bytes = disk.contents(path);
      for (let hole = 0; hole < 4; hole++) {
        const at = 256 + Math.floor(random.next() * (bytes.length - 100_000));
        Buffer.from(random.bytes(Math.floor(random.next() * 90_000))).copy(bytes, at);
      }
      disk.setContents(path, bytes);
    }
    const all = await fixture.openReader();
    const { texts, damaged } = await readAll(all);
    expect(texts.size + damaged.length).toBe(count);
    expect(damaged.length).toBeGreaterThan(50);
    await all.close();
    const isDamaged = new Set(damaged);
    const reader = await fixture.openReader();
    for (let position = 1; position <= count; position += 7) {
      reader.seek(position);
      const found = await reader.read(1).then(
        ([record]) => [record?.position, record?.body.equals(bodies[position - 1]!)],
        (error: { readonly fields: { readonly first: Position } }) => [
          error.fields.first,
          'damaged',
        ],
      );
      expect(found).toEqual([position, isDamaged.has(position) ? 'damaged' : true]);
    }
    await reader.close();
    const copy = await copyLog({
      fileSystem: disk,
      directory,
      end: count,
      targetDirectory: '/copy',
    });
    expect(copy.end).toBe(count);
    const copied = createSegmentLogFixture({ fileSystem: disk, directory: '/copy' });
    const copiedWriter = await copied.openWriter();
    const copiedReader = await copied.openReader();
    expect((await readAll(copiedReader)).damaged).toEqual(damaged);
    await copiedReader.close();
    await copiedWriter.close();
    await writer.close();
  });

  it('takes no bytes inside a payload for a record, though they were copied from a log', async () => {
    const other = await writeLarge(7);
    const stolen = other.disk.contents(segmentsOf(other.disk)[0]!).subarray(256, 60_000);
    const disk = createMemoryFileSystem();
    const fixture = createSegmentLogFixture({
      fileSystem: disk,
      directory,
      seed: 8,
      config: { segmentBytesMax: 3_000_000 },
    });
    const writer = await fixture.openWriter();
    await Promise.all(
      Array.from(
        { length: 60 },
        () =>
          new Promise((resolve) => {
            writer.append(stolen.length, (target, at) => void stolen.copy(target, at), resolve);
          }),
      ),
    );
    const path = segmentsOf(disk)[0]!;
    const bytes = disk.contents(path);
    for (const record of [3, 17, 40]) bytes[256 + (record - 1) * (stolen.length + 13)]! ^= 1;
    disk.setContents(path, bytes);
    const reader = await fixture.openReader();
    const { texts, damaged } = await readAll(reader);
    expect(damaged).toEqual([3, 17, 40]);
    expect(new Set(texts.values())).toEqual(new Set([stolen.toString()]));
    for (const position of [1, 2, 4, 16, 18, 39, 41, 60]) {
      reader.seek(position);
      expect((await reader.read(1))[0]?.position).toBe(position);
    }
    await reader.close();
    await writer.close();
  });
});
