import { describe, expect, it } from 'vitest';

import { createManualClock } from '../../devices/clock-manual.ts';
import { createSeededRandom } from '../../devices/random.ts';
import { createMemoryFileSystem, type MemoryFileSystem } from './file-system-memory.ts';
import { appendText } from './log.contract.ts';
import type { Position } from './log.ts';
import { recordHeaderBytes } from './segment-format.ts';
import {
  createSegmentLogFixture,
  readAll,
  startAt,
  type SegmentLogFixture,
} from './segment-log.fixture.ts';
import { verifyLog, type Finding } from './verify.ts';

const directory = '/readings';

interface Written {
  readonly disk: MemoryFileSystem;
  readonly fixture: SegmentLogFixture;
  readonly texts: readonly string[];
}

function textOf(index: number): string {
  return `record ${index} ${'abcdefgh'.repeat(index % 7)}`;
}

/** A log of `count` records in commits of `perCommit`; closed in order, or killed. */
async function writeLog(
  count: number,
  perCommit: number,
  ending: 'closed' | 'killed',
): Promise<Written> {
  const disk = createMemoryFileSystem();
  const fixture = createSegmentLogFixture({ fileSystem: disk, directory });
  const writer = await fixture.openWriter();
  const texts = Array.from({ length: count }, (_, index) => textOf(index + 1));
  for (let from = 0; from < count; from += perCommit) {
    await Promise.all(texts.slice(from, from + perCommit).map((text) => appendText(writer, text)));
  }
  await writer.sealed();
  if (ending === 'closed') await writer.close();
  else disk.kill();
  return { disk, fixture, texts };
}

/** The same files, on a disk that can be damaged without the others noticing. */
function copyOf(disk: MemoryFileSystem): { disk: MemoryFileSystem; fixture: SegmentLogFixture } {
  const copy = createMemoryFileSystem();
  void copy.makeDirectory(directory);
  for (const path of disk.paths()) copy.setContents(path, disk.contents(path));
  return { disk: copy, fixture: createSegmentLogFixture({ fileSystem: copy, directory }) };
}

function damage(disk: MemoryFileSystem, path: string, offset: number, mask: number): void {
  const bytes = disk.contents(path);
  bytes[offset] = (bytes[offset] ?? 0) ^ mask;
  disk.setContents(path, bytes);
}

async function findingsOf(disk: MemoryFileSystem): Promise<Finding[]> {
  const findings: Finding[] = [];
  await verifyLog({
    fileSystem: disk,
    directory,
    clock: createManualClock(startAt),
    onFinding: (finding) => void findings.push(finding),
  });
  return findings;
}

async function readDamaged(fixture: SegmentLogFixture) {
  const writer = await fixture.openWriter();
  const reader = await fixture.openReader();
  const all = await readAll(reader);
  await reader.close();
  return { ...all, writer };
}

function segmentsOf(disk: MemoryFileSystem): string[] {
  return disk
    .paths()
    .filter((path) => path.endsWith('.segment'))
    .toSorted();
}

describe('Damage in sealed segments', () => {
  it.each([1, 2, 3, 4])(
    'verify finds each of 250 flipped bytes, and every other record is read: part %i of 4',
    async (seed) => {
      const written = await writeLog(400, 20, 'closed');
      const sealed = segmentsOf(written.disk).slice(0, -1);
      expect(sealed.length).toBeGreaterThan(4);
      const random = createSeededRandom(seed);
      for (let round = 0; round < 250; round++) {
        const { disk, fixture } = copyOf(written.disk);
        const path = sealed[Math.floor(random.next() * sealed.length)]!;
        const size = disk.contents(path).length;
        // Every tenth hits the header, which is small and matters.
        const offset = Math.floor(random.next() * (round % 10 === 0 ? 256 : size));
        damage(disk, path, offset, 1 << Math.floor(random.next() * 8));

        const findings = await findingsOf(disk);
        expect(findings.length, `${path} ${offset}`).toBe(1);
        expect(path.endsWith(findings[0]!.file)).toBe(true);

        const { texts, damaged, writer } = await readDamaged(fixture);
        const { first, last } = findings[0]!;
        expect(offset < 256 || first === last).toBe(true);
        expect(damaged).toEqual(offset < 256 ? [] : [first]);
        expect(texts.size).toBe(400 - damaged.length);
        for (const [position, text] of texts) expect(text).toBe(textOf(position));
        await writer.close();
      }
    },
  );

  it('verify finds every flipped byte of a seal', async () => {
    const { disk } = await writeLog(100, 20, 'closed');
    const path = disk.paths().find((one) => one.endsWith('.seal'))!;
    for (let offset = 0; offset < disk.contents(path).length; offset++) {
      const copy = copyOf(disk).disk;
      damage(copy, path, offset, 0x10);
      const findings = await findingsOf(copy);
      expect(findings.map((one) => one.kind)).toEqual(['proof']);
    }
  });

  it("names sound records that stand in each other's place", async () => {
    const written = await writeLog(300, 20, 'closed');
    const path = segmentsOf(written.disk)[0]!;
    const bytes = written.disk.contents(path);
    // Records 29 and 36 are of the same length.
    const length = recordHeaderBytes + textOf(29).length;
    const twentyNine = bytes.indexOf(textOf(29)) - recordHeaderBytes;
    const thirtySix = bytes.indexOf(textOf(36)) - recordHeaderBytes;
    const kept = Buffer.from(bytes.subarray(twentyNine, twentyNine + length));
    bytes.copy(bytes, twentyNine, thirtySix, thirtySix + length);
    kept.copy(bytes, thirtySix);
    written.disk.setContents(path, bytes);
    const { texts, damaged, writer } = await readDamaged(written.fixture);
    expect(damaged).toEqual([29, 36]);
    for (const [position, text] of texts) expect(text).toBe(textOf(position));
    await writer.close();
    expect((await findingsOf(written.disk)).map((one) => one.first)).toEqual([29, 36]);
  });

  it('names a stretch of many records, and goes on behind it', async () => {
    const written = await writeLog(300, 20, 'closed');
    const path = segmentsOf(written.disk)[1]!;
    const bytes = written.disk.contents(path);
    bytes.fill(0, 700, 1_500);
    written.disk.setContents(path, bytes);
    const { texts, damaged, writer } = await readDamaged(written.fixture);
    expect(damaged.length).toBeGreaterThan(5);
    expect(texts.size + damaged.length).toBe(300);
    expect(damaged).toEqual(damaged.map((_, index) => damaged[0]! + index));
    await writer.close();
  });

  it('reads on behind a segment with no sound header and one that is missing', async () => {
    const written = await writeLog(300, 20, 'closed');
    const [, second, third] = segmentsOf(written.disk);
    damage(written.disk, second!, 20, 1);
    damage(written.disk, second!, 148, 1);
    await written.disk.unlink(third!);
    const findings = await findingsOf(written.disk);
    expect(new Set(findings.map((one) => one.kind))).toEqual(new Set(['header', 'missing']));
    const { texts, damaged, writer } = await readDamaged(written.fixture);
    expect(texts.size + damaged.length).toBe(300);
    expect(texts.get(300)).toBe(textOf(300));
    await writer.close();
  });

  it('verify tells records that were exchanged for sound others', async () => {
    const written = await writeLog(200, 20, 'closed');
    const other = await writeLog(200, 20, 'closed');
    const path = segmentsOf(written.disk)[0]!;
    const bytes = other.disk.contents(path);
    expect(bytes.equals(written.disk.contents(path))).toBe(true);
    const forged = createMemoryFileSystem();
    const fixture = createSegmentLogFixture({ fileSystem: forged, directory });
    const writer = await fixture.openWriter();
    for (let from = 0; from < 200; from += 20) {
      await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          appendText(writer, textOf(from + index + 1).replace('record', 'RECORD')),
        ),
      );
    }
    await writer.close();
    written.disk.setContents(path, forged.contents(path));
    const findings = await findingsOf(written.disk);
    expect(findings.map((one) => one.kind)).toEqual(['chain']);
  });
});

describe('Damage in the open segment', () => {
  it('cutting the file at every offset of the last two records loses nothing before them', async () => {
    const written = await writeLog(20, 1, 'killed');
    const path = segmentsOf(written.disk).at(-1)!;
    const size = written.disk.contents(path).indexOf(textOf(20)) + textOf(20).length;
    const lastTwo = 2 * recordHeaderBytes + textOf(19).length + textOf(20).length;
    const lastOne = recordHeaderBytes + textOf(20).length;
    const cuts = Array.from({ length: lastTwo + 1 }, (_, index) => size - lastTwo + index);
    for (const [cut, behind] of cuts.flatMap((at) => [[at, 0] as const, [at, 500] as const])) {
      const { disk, fixture } = copyOf(written.disk);
      const kept = disk.contents(path).subarray(0, cut);
      disk.setContents(path, Buffer.concat([kept, Buffer.alloc(behind)]));
      const { texts, damaged, writer } = await readDamaged(fixture);
      const whole = cut === size ? 20 : cut >= size - lastOne ? 19 : 18;
      expect([...texts.values()]).toEqual(written.texts.slice(0, whole));
      expect(damaged).toEqual([]);
      const isTorn = cut !== size && cut !== size - lastOne && cut !== size - lastTwo;
      expect(fixture.telemetry.value('quantrac_log_torn_bytes_total') > 0).toBe(isTorn);
      expect(await appendText(writer, 'next')).toBe(whole + 1);
      await writer.close();
      expect(await findingsOf(disk)).toEqual([]);
    }
  });

  it('a log that was closed in order and is shorter now is refused by name', async () => {
    const written = await writeLog(20, 1, 'closed');
    const path = segmentsOf(written.disk).at(-1)!;
    const lastOne = recordHeaderBytes + textOf(20).length;
    const bytes = written.disk.contents(path);
    written.disk.setContents(path, bytes.subarray(0, bytes.length - lastOne));
    await expect(written.fixture.openWriter()).rejects.toMatchObject({
      code: 'LOG_SHORTENED',
      fields: { end: 19, known: 20 },
    });
    expect((await findingsOf(written.disk)).map((one) => [one.kind, one.first])).toEqual([
      ['missing', 20],
    ]);
  });

  it('a flipped byte is named where a later commit or a clean end proves the record, else cut', async () => {
    for (const ending of ['closed', 'killed'] as const) {
      const written = await writeLog(15, 3, ending);
      const path = segmentsOf(written.disk).at(-1)!;
      const size = written.disk.contents(path).indexOf(textOf(15)) + textOf(15).length;
      for (let offset = 256; offset < size; offset++) {
        const { disk, fixture } = copyOf(written.disk);
        damage(disk, path, offset, 0x80);
        const { texts, damaged, writer } = await readDamaged(fixture);
        for (const [position, text] of texts) expect(text).toBe(textOf(position));
        const end = writer.durableEnd.get();
        const named = fixture.telemetry.value('quantrac_log_damaged_records_total');
        const isCut = fixture.telemetry.value('quantrac_log_torn_bytes_total') > 0;
        const isNamed = damaged.length === 1 && texts.size === 14 && end === 15 && named === 1;
        const isInLastCommit = damaged.length === 0 && texts.size === end && end >= 12;
        expect(isCut ? isInLastCommit && ending === 'killed' : isNamed).toBe(true);
        const next = await appendText(writer, 'next');
        expect(next).toBe(end + 1);
        const reader = await fixture.openReader(next as Position);
        expect((await readAll(reader)).texts.get(next)).toBe('next');
        await reader.close();
        await writer.close();
      }
    }
  });

  it('a segment with damage is sealed, says so, and verify names it ever after', async () => {
    const written = await writeLog(30, 3, 'killed');
    const path = segmentsOf(written.disk).at(-1)!;
    damage(written.disk, path, 300, 1);
    const writer = await written.fixture.openWriter();
    for (let from = 31; from <= 200; from++) await appendText(writer, textOf(from));
    await writer.sealed();
    await writer.close();
    const findings = await findingsOf(written.disk);
    expect(findings.map((one) => [one.kind, one.first, one.last])).toEqual([
      ['record', findings[0]!.first, findings[0]!.first],
    ]);
  });
});
