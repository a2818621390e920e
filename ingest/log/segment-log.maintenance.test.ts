import { describe, expect, it } from 'vitest';

import { createManualClock } from '../../devices/clock-manual.ts';
import { copyLog } from './copy-log.ts';
import { createFaultyFileSystem } from './file-system-faults.ts';
import { createMemoryFileSystem, type MemoryFileSystem } from './file-system-memory.ts';
import { appendText, readTexts } from './log.contract.ts';
import type { Position } from './log.ts';
import { lastRecord, recordAt } from './record-at.ts';
import {
  createSegmentLogFixture,
  readAll,
  startAt,
  type SegmentLogFixture,
  type SegmentLogFixtureOptions,
} from './segment-log.fixture.ts';
import type { SegmentLogWriter } from './segment-writer.ts';
import { verifyLog, type Finding, type VerifySummary } from './verify.ts';

const directory = '/readings';
const dayMs = 86_400_000;

interface Opened {
  readonly disk: MemoryFileSystem;
  readonly fixture: SegmentLogFixture;
  readonly writer: SegmentLogWriter;
}

async function openLog(options: Partial<SegmentLogFixtureOptions> = {}): Promise<Opened> {
  const disk = createMemoryFileSystem();
  const fixture = createSegmentLogFixture({ fileSystem: disk, directory, ...options });
  return { disk, fixture, writer: await fixture.openWriter() };
}

function textOf(position: Position): string {
  return `record ${position} of a device with a name`;
}

/** Records `from` to `to`, ten in a commit, and all closed segments sealed. */
async function fill(writer: SegmentLogWriter, from: Position, to: Position): Promise<void> {
  for (let at = from; at <= to; at += 10) {
    const count = Math.min(10, to - at + 1);
    await Promise.all(
      Array.from({ length: count }, (_, index) => appendText(writer, textOf(at + index))),
    );
  }
  await writer.sealed();
}

async function verify(
  disk: MemoryFileSystem,
  folder = directory,
): Promise<VerifySummary & { readonly found: Finding[] }> {
  const found: Finding[] = [];
  const summary = await verifyLog({
    fileSystem: disk,
    directory: folder,
    clock: createManualClock(startAt),
    onFinding: (finding) => void found.push(finding),
  });
  return { ...summary, found };
}

function names(disk: MemoryFileSystem, ending: string): string[] {
  return disk
    .paths()
    .filter((path) => path.endsWith(ending))
    .toSorted();
}

function blank(positions: readonly Position[], reason = 'asked for') {
  return { positions: new Set(positions), reason, replace: () => Buffer.from('blank') };
}

describe('Rewriting records', () => {
  it('replaces bodies in sealed and open segments, keeps positions, and verify still proves the rest', async () => {
    const { disk, fixture, writer } = await openLog();
    await fill(writer, 1, 305);
    const chosen = [1, 2, 57, 150, 301, 305];
    expect(await writer.rewrite(blank(chosen))).toBe(chosen.length);
    await fill(writer, 306, 320);

    const reader = await fixture.openReader();
    const seen: [Position, string, boolean, string | null][] = [];
    while (reader.next <= 320) {
      for (const { position, body, rewritten, reason } of await reader.read(500)) {
        seen.push([position, body.toString(), rewritten, reason]);
      }
    }
    expect(seen).toEqual(
      Array.from({ length: 320 }, (_, index) =>
        chosen.includes(index + 1)
          ? [index + 1, 'blank', true, 'asked for']
          : [index + 1, textOf(index + 1), false, null],
      ),
    );
    await reader.close();
    await writer.close();
    expect(await verify(disk)).toMatchObject({ found: [], records: 320, rewritten: chosen.length });
    const everything = Buffer.concat(disk.paths().map((path) => disk.contents(path))).toString();
    expect(everything).not.toContain(textOf(57));
    expect(everything).toContain(textOf(58));
  });

  it('keeps the hash of the first body when a record is rewritten twice, or before its segment is sealed', async () => {
    const { disk, writer } = await openLog({ config: { segmentBytesMax: 1e6 } });
    await fill(writer, 1, 100);
    await writer.rewrite(blank([10, 20]));
    await writer.rewrite(blank([20, 30], 'asked for again'));
    await fill(writer, 101, 110);
    await writer.rewrite({ ...blank([20]), replace: (record) => Buffer.from(record.body) });
    await writer.sealed();
    await writer.close();
    expect(names(disk, '.seal').length).toBe(2);
    expect(await verify(disk)).toMatchObject({ found: [], rewritten: 3 });
  });

  it('is seen by readers that were open before, in the segment where they stand', async () => {
    const { fixture, writer } = await openLog();
    await fill(writer, 1, 300);
    const reader = await fixture.openReader();
    expect((await reader.read(1)).map((record) => record.position)).toEqual([1]);
    await writer.rewrite(blank([2, 3, 299]));
    const texts = await readTexts(reader);
    expect(texts.slice(0, 3)).toEqual(['blank', 'blank', textOf(4)]);
    expect(texts.at(-2)).toBe('blank');
    expect(texts).toHaveLength(299);
    await reader.close();
    await writer.close();
  });

  it('is refused for positions that are not there yet, and after close', async () => {
    const { writer } = await openLog();
    await fill(writer, 1, 10);
    await expect(writer.rewrite(blank([11]))).rejects.toMatchObject({
      code: 'LOG_POSITION_UNKNOWN',
    });
    await writer.close();
    await expect(writer.rewrite(blank([1]))).rejects.toMatchObject({ code: 'LOG_CLOSED' });
  });

  it('blanks the bytes of a chosen record that is damaged, and copies other damage as it is', async () => {
    const { disk, fixture, writer } = await openLog();
    await fill(writer, 1, 300);
    const path = names(disk, '.segment')[1]!;
    const first = Number(/(\d+)\.segment$/.exec(path)![1]);
    const bytes = disk.contents(path);
    for (const position of [first + 3, first + 6]) {
      bytes[bytes.indexOf(textOf(position)) + 20]! ^= 1;
    }
    disk.setContents(path, bytes);
    await writer.rewrite(blank([first + 1, first + 6]));
    const after = disk.contents(path).toString('latin1');
    expect(after).toContain(`record ${first + 3}`);
    expect(after).not.toContain(`record ${first + 6}`);
    const reader = await fixture.openReader();
    const { texts, damaged } = await readAll(reader);
    expect(damaged).toEqual([first + 3, first + 6]);
    expect(texts.get(first + 1)).toBe('blank');
    expect(texts.get(first + 7)).toBe(textOf(first + 7));
    await reader.close();
    await writer.close();
  });
});

function warnings({ telemetry }: SegmentLogFixture): string[] {
  return telemetry.lines.filter(({ level }) => level === 'warn').map(({ message }) => message);
}

describe('Deleting old segments', () => {
  it('leaves tombstones, the chain goes on, and readers begin at the first kept record', async () => {
    const { disk, fixture, writer } = await openLog();
    await fill(writer, 1, 400);
    const before = writer.bytes;
    const reader = await fixture.openReader();
    await reader.read(1);
    await writer.trimBefore(200);
    const first = writer.firstPosition;
    expect(first).toBeGreaterThan(100);
    expect(first).toBeLessThanOrEqual(200);
    expect(writer.bytes).toBeLessThan(before);
    expect((await readTexts(reader))[0]).toBe(textOf(first));
    reader.seek(5);
    expect((await reader.read(1))[0]?.position).toBe(first);
    await reader.close();
    await writer.close();
    const { found, deleted, records } = await verify(disk);
    expect(found).toEqual([]);
    expect(deleted).toBeGreaterThan(0);
    expect(records).toBe(400 - first + 1);
    const reopened = await fixture.openWriter();
    expect(reopened.firstPosition).toBe(first);
    expect(await appendText(reopened, 'next')).toBe(401);
    await reopened.close();
  });

  it('deletes no segment that reaches the position, nor one that is not sealed', async () => {
    const { disk, writer } = await openLog({ config: { sealSliceMsMax: 1 } });
    await fill(writer, 1, 200);
    await writer.trimBefore(1);
    expect(writer.firstPosition).toBe(1);
    await writer.trimBefore(10_000);
    expect(names(disk, '.segment')).toHaveLength(1);
    expect(writer.durableEnd.get()).toBe(200);
    await writer.close();
  });

  it('goes by age, and never past what is consumed', async () => {
    const { fixture, writer } = await openLog({ retention: { retainMs: 10 * dayMs } });
    await fill(writer, 1, 200);
    fixture.clock.advance(6 * dayMs);
    await fill(writer, 201, 400);
    await writer.retain(400);
    expect(writer.firstPosition).toBe(1);
    fixture.clock.advance(6 * dayMs);
    await writer.retain(100);
    const first = writer.firstPosition;
    expect(first).toBeGreaterThan(1);
    expect(first).toBeLessThanOrEqual(101);
    await writer.retain(400);
    expect(writer.firstPosition).toBeGreaterThan(101);
    expect(writer.firstPosition).toBeLessThanOrEqual(201);
    await writer.close();
  });

  it('goes by bytes: the oldest go while the log is too large', async () => {
    const { writer } = await openLog({ retention: { retainBytesMax: 10_000 } });
    await fill(writer, 1, 400);
    await writer.retain(400);
    expect(writer.bytes).toBeLessThanOrEqual(10_000);
    expect(writer.bytes).toBeGreaterThan(5_000);
    await writer.close();
  });

  it('warns before the wall, refuses by name at it, and takes readings again after a deletion', async () => {
    const { fixture, writer } = await openLog({
      retention: { warnBytesMax: 10_000, totalBytesMax: 20_000 },
    });
    await fill(writer, 1, 150);
    expect(warnings(fixture)).toEqual([]);
    await fill(writer, 151, 200);
    expect(warnings(fixture)).toEqual(['The log nears its limit of bytes.']);
    await expect(fill(writer, 201, 600)).rejects.toMatchObject({ code: 'LOG_FULL' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(writer.state).toMatchObject({ status: 'failing', error: { code: 'LOG_FULL' } });
    expect(writer.bytes).toBeLessThanOrEqual(20_000);
    const end = writer.durableEnd.get();
    await writer.trimBefore(100);
    expect(writer.state.status).toBe('healthy');
    expect(await appendText(writer, 'again')).toBe(end + 1);
    expect(fixture.states.map((state) => state.status)).toEqual(['failing', 'healthy']);
    await writer.close();
  });

  it('makes room on a disk that is full to the last byte', async () => {
    const { disk, writer } = await openLog();
    await fill(writer, 1, 200);
    disk.capacityBytes = 0;
    await writer.trimBefore(100);
    expect(writer.firstPosition).toBeGreaterThan(1);
    disk.capacityBytes = Infinity;
    await writer.close();
    const { found, deleted } = await verify(disk);
    expect(found).toEqual([]);
    expect(deleted).toBeGreaterThan(0);
  });

  it('is finished at the next start when it was cut short behind the tombstone', async () => {
    const disk = createMemoryFileSystem();
    const faulty = createFaultyFileSystem(disk);
    const fixture = createSegmentLogFixture({ fileSystem: faulty, directory });
    const writer = await fixture.openWriter();
    await fill(writer, 1, 200);
    faulty.setFaults([{ call: 'unlink', nth: faulty.calls.unlink + 2, code: 'EIO' }]);
    await expect(writer.trimBefore(200)).rejects.toMatchObject({
      code: 'LOG_WRITE_FAILED',
    });
    await writer.close();
    const reopened = await fixture.openWriter();
    expect(names(disk, '.tombstone')).toHaveLength(1);
    expect(names(disk, '.seal').length).toBe(names(disk, '.segment').length - 1);
    await reopened.close();
    expect((await verify(disk)).found).toEqual([]);
  });

  it('lets a log whose every segment was deleted go on behind its tombstones', async () => {
    const { disk, fixture, writer } = await openLog();
    await fill(writer, 1, 100);
    await writer.rewrite(blank([100]));
    await writer.sealed();
    await writer.trimBefore(101);
    expect(writer.firstPosition).toBe(101);
    await writer.close();
    expect(names(disk, '.segment')).toEqual([]);
    const reopened = await fixture.openWriter();
    expect(reopened.durableEnd.get()).toBe(100);
    expect(await appendText(reopened, 'next')).toBe(101);
    await reopened.close();
    expect((await verify(disk)).found).toEqual([]);
  });
});

describe('A copy of the log', () => {
  it('is a sound log up to the end that was asked for, whichever that is', async () => {
    const { disk, fixture, writer } = await openLog();
    await fill(writer, 1, 250);
    await writer.rewrite(blank([7]));
    await writer.trimBefore(80);
    const first = writer.firstPosition;
    for (const end of [first, 150, 199, 200, 249, 250]) {
      const targetDirectory = `/copy-${end}`;
      const copy = await copyLog({ fileSystem: disk, directory, end, targetDirectory });
      expect(copy).toMatchObject({ first, end });
      const { found, records, end: verifiedEnd } = await verify(disk, targetDirectory);
      expect([found, records, verifiedEnd]).toEqual([[], end - first + 1, end]);
      const other = createSegmentLogFixture({ fileSystem: disk, directory: targetDirectory });
      const copied = await other.openWriter();
      expect(copied.durableEnd.get()).toBe(end);
      expect(await appendText(copied, 'goes on')).toBe(end + 1);
      await copied.close();
    }
    expect(fixture.durableEnd().get()).toBe(250);
    await writer.close();
  });
});

describe('One record of the log', () => {
  it('is found by its position, in a buffer of its own', async () => {
    const { disk, fixture, writer } = await openLog();
    const place = () => ({ fileSystem: disk, directory, durableEnd: fixture.durableEnd() });
    expect(await lastRecord(place())).toBeNull();
    await fill(writer, 1, 300);
    for (const position of [1, 2, 100, 299, 300]) {
      expect((await recordAt(place(), position)).body.toString()).toBe(textOf(position));
    }
    expect((await lastRecord(place()))?.position).toBe(300);
    await expect(recordAt(place(), 301)).rejects.toMatchObject({ code: 'LOG_POSITION_UNKNOWN' });
    await writer.trimBefore(100);
    await expect(recordAt(place(), 1)).rejects.toMatchObject({ code: 'LOG_POSITION_UNKNOWN' });
    await writer.close();
  });
});
