import { describe, expect, it } from 'vitest';

import { createSeededRandom, type Random } from '../../devices/random.ts';
import { createMemoryFileSystem, type MemoryFileSystem } from './file-system-memory.ts';
import { appendText } from './log.contract.ts';
import type { Position } from './log.ts';
import {
  createMortalFileSystem,
  createSegmentLogFixture,
  readAll,
  startAt,
} from './segment-log.fixture.ts';
import type { SegmentLogWriter } from './segment-writer.ts';
import { createManualClock } from '../../devices/clock-manual.ts';
import { verifyLog, type Finding } from './verify.ts';

const directory = '/readings';
const lives = 4;

/** What the outside world knows, over all lives of the process. */
interface World {
  readonly disk: MemoryFileSystem;
  readonly random: Random;
  /** `done(null, position)` was called. */
  readonly acknowledged: Map<Position, string>;
  readonly appended: Set<string>;
  /** Rewriting was asked for: the old body or the new one may be there. */
  readonly rewritten: Set<Position>;
  trimmedBefore: Position;
}

/** One life: appends, rewrites and deletes until the power goes at the `nth` call to the disk. */
async function live(world: World, life: number, death: 'power' | 'kill'): Promise<void> {
  const { disk, random } = world;
  const nth = 1 + Math.floor(random.next() * 150);
  const mortal = createMortalFileSystem(disk, nth, () => end(world, death));
  const fixture = createSegmentLogFixture({
    fileSystem: mortal,
    directory,
    config: { segmentBytesMax: 1_500 },
    seed: life,
  });
  let writer: SegmentLogWriter | null = null;
  const opening = fixture.openWriter().then((opened) => void (writer = opened));
  await rest(opening);
  for (let turn = 0; turn < 60 && !mortal.isDead() && writer !== null; turn++) {
    await rest(act(world, writer, `${life}-${turn}`));
  }
  if (!mortal.isDead()) end(world, death);
}

/** Half of the kills come after a flush that failed: the system holds as clean what it never wrote. */
function end({ disk, random }: World, death: 'power' | 'kill'): void {
  if (death === 'power') return disk.powerCut(random);
  if (random.next() < 0.5) for (const path of disk.paths()) disk.loseUnsynced(path);
  disk.kill();
}

/** Waits for the work or, when the process has died in it, for everything to come to rest. */
async function rest(work: Promise<unknown>): Promise<void> {
  let isDone = false;
  void work.then(() => (isDone = true));
  for (let turn = 0; turn < 20 && !isDone; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function act(world: World, writer: SegmentLogWriter, label: string): Promise<void> {
  const { random } = world;
  const choice = random.next();
  const end = writer.durableEnd.get();
  if (choice < 0.06 && end > 0) {
    const position = 1 + Math.floor(random.next() * end);
    world.rewritten.add(position);
    await writer.rewrite({
      positions: new Set([position]),
      reason: 'asked for',
      replace: () => Buffer.from('blank'),
    });
  } else if (choice < 0.1 && end > 0) {
    const position = Math.floor(random.next() * end * 0.4);
    world.trimmedBefore = Math.max(world.trimmedBefore, position);
    await writer.trimBefore(position);
  } else {
    const count = 1 + Math.floor(random.next() * 12);
    await Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const text = `${label}-${index} ${'x'.repeat(Math.floor(random.next() ** 4 * 1_000))}`;
        world.appended.add(text);
        world.acknowledged.set(await appendText(writer, text), text);
      }),
    );
  }
}

async function expectPromiseKept(world: World): Promise<void> {
  const fixture = createSegmentLogFixture({ fileSystem: world.disk, directory });
  const writer = await fixture.openWriter();
  const reader = await fixture.openReader();
  const { texts, damaged } = await readAll(reader);
  await reader.close();
  expect(damaged).toEqual([]);
  for (const [position, text] of world.acknowledged) {
    if (position < world.trimmedBefore && !texts.has(position)) continue;
    const found = texts.get(position);
    if (found === 'blank' && world.rewritten.has(position)) continue;
    expect(found).toBe(text);
  }
  for (const [position, text] of texts) {
    if (text !== 'blank') {
      expect(world.appended).toContain(text);
      // A reader has seen it as durable: from now on it has to stay.
      world.acknowledged.set(position, text);
    } else expect(world.rewritten).toContain(position);
  }
  const end = writer.durableEnd.get();
  expect(texts.size === 0 ? end : Math.min(...texts.keys()) + texts.size - 1).toBe(end);
  await writer.close();
  const findings: Finding[] = [];
  await verifyLog({
    fileSystem: world.disk,
    directory,
    clock: createManualClock(startAt),
    onFinding: (finding) => void findings.push(finding),
  });
  expect(findings).toEqual([]);
}

async function runSeed(seed: number, death: 'power' | 'kill'): Promise<number> {
  const world: World = {
    disk: createMemoryFileSystem(),
    random: createSeededRandom(seed),
    acknowledged: new Map(),
    appended: new Set(),
    rewritten: new Set(),
    trimmedBefore: 0,
  };
  for (let life = 1; life <= lives; life++) {
    await live(world, life, death);
    await expectPromiseKept(world);
    world.disk.powerCut(world.random);
  }
  await expectPromiseKept(world);
  return world.acknowledged.size;
}

describe('A log whose power is cut', () => {
  for (const firstSeed of [1, 51, 101, 151]) {
    it(`keeps every acknowledged reading and invents none, seeds ${firstSeed} to ${firstSeed + 49}`, async () => {
      let acknowledged = 0;
      for (let seed = firstSeed; seed < firstSeed + 50; seed++) {
        acknowledged += await runSeed(seed, 'power');
      }
      expect(acknowledged).toBeGreaterThan(2_000);
    });
  }

  it('keeps every acknowledged reading when the process is killed at any call to the disk', async () => {
    let acknowledged = 0;
    for (let seed = 1_001; seed <= 1_060; seed++) acknowledged += await runSeed(seed, 'kill');
    expect(acknowledged).toBeGreaterThan(2_000);
  });

  it('keeps what the next process acknowledged, wherever the one before was killed', async () => {
    for (let nth = 1; nth <= 40; nth++) {
      for (const seed of [1, 2, 3, 4, 5]) {
        const disk = createMemoryFileSystem();
        const mortal = createMortalFileSystem(disk, nth, () => disk.kill());
        const dying = createSegmentLogFixture({ fileSystem: mortal, directory });
        await rest(
          dying.openWriter().then(async (writer) => {
            await appendText(writer, 'the first');
          }),
        );
        const fixture = createSegmentLogFixture({ fileSystem: disk, directory });
        await appendText(await fixture.openWriter(), 'the next');
        disk.powerCut(createSeededRandom(seed));
        expect(await readAgain(disk)).toContain('the next');
      }
    }
  });

  it('shows after a kill only what a loss of power leaves, even where a flush had failed before', async () => {
    for (let nth = 1; nth <= 60; nth++) {
      for (const seed of [1, 2, 3]) {
        const disk = createMemoryFileSystem();
        const mortal = createMortalFileSystem(disk, nth, () => {
          for (const path of disk.paths()) disk.loseUnsynced(path);
          disk.kill();
        });
        const dying = createSegmentLogFixture({ fileSystem: mortal, directory });
        await rest(
          dying.openWriter().then(async (writer) => {
            for (let index = 0; index < 20; index++) await appendText(writer, `reading ${index}`);
          }),
        );
        const seen = await readAgain(disk);
        disk.powerCut(createSeededRandom(seed));
        expect(await readAgain(disk)).toEqual(seen);
      }
    }
  });
});

async function readAgain(disk: MemoryFileSystem): Promise<string[]> {
  const fixture = createSegmentLogFixture({ fileSystem: disk, directory });
  await fixture.openWriter();
  const reader = await fixture.openReader();
  const { texts } = await readAll(reader);
  disk.kill();
  return [...texts.values()];
}
