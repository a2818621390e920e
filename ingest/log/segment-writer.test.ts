import { describe, expect, it } from 'vitest';

import { createSeededRandom } from '../../devices/random.ts';
import { createCrc32c } from './crc32c.ts';
import { createFaultyFileSystem } from './file-system-faults.ts';
import { createMemoryFileSystem } from './file-system-memory.ts';
import { appendText } from './log.contract.ts';
import { viewOf } from './segment-format.ts';
import { createSegmentLogFixture, type SegmentLogFixtureOptions } from './segment-log.fixture.ts';

const directory = '/readings';

function createFixture(options: Partial<SegmentLogFixtureOptions> = {}) {
  const disk = createMemoryFileSystem();
  const faulty = createFaultyFileSystem(disk);
  const fixture = createSegmentLogFixture({ fileSystem: faulty, directory, ...options });
  return { disk, faulty, fixture };
}

function names(disk: ReturnType<typeof createMemoryFileSystem>): string[] {
  return disk
    .paths()
    .map((path) => path.slice(directory.length + 1))
    .toSorted();
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('The writer of a segment log', () => {
  it('puts what is appended in a row into one write and one sync', async () => {
    const { faulty, fixture } = createFixture();
    const writer = await fixture.openWriter();
    await appendText(writer, 'the first opens a segment');
    const { write, sync } = faulty.calls;
    await Promise.all(Array.from({ length: 100 }, () => appendText(writer, 'x')));
    expect([faulty.calls.write - write, faulty.calls.sync - sync]).toEqual([1, 1]);
    expect(fixture.telemetry.value('quantrac_log_commits_total')).toBe(2);
    expect(fixture.telemetry.value('quantrac_log_records_total')).toBe(101);
    await writer.close();
  });

  it('collects while a commit runs, and says when too much waits', async () => {
    const { fixture } = createFixture({ config: { pendingBytesMax: 1_000, commitDelayMs: 5 } });
    const writer = await fixture.openWriter();
    const answers: string[] = [];
    const append = (): void =>
      writer.append(
        100,
        () => undefined,
        (error) =>
          answers.push(error === null ? 'kept' : String((error as { code?: string }).code)),
      );
    append();
    await settle();
    for (let count = 0; count < 7; count++) append();
    expect(writer.saturated).toBe(false);
    append();
    expect(writer.saturated).toBe(true);
    for (let count = 0; count < 20; count++) append();
    expect(answers).toEqual([]);
    fixture.clock.advance(5);
    await settle();
    fixture.clock.advance(5);
    await settle();
    const kept = answers.filter((answer) => answer === 'kept').length;
    expect(kept * 113).toBeGreaterThan(1_800);
    expect(kept * 113).toBeLessThanOrEqual(2_100);
    expect(answers.slice(kept)).toEqual(Array.from({ length: 29 - kept }, () => 'LOG_SATURATED'));
    expect(writer.saturated).toBe(false);
    await writer.close();
  });

  it('acknowledges only after the delay that stands for a slower disk', async () => {
    const { fixture } = createFixture({ config: { commitDelayMs: 5 } });
    const writer = await fixture.openWriter();
    let isDone = false;
    const done = appendText(writer, 'x').then(() => (isDone = true));
    await settle();
    fixture.clock.advance(4);
    await settle();
    expect([isDone, writer.durableEnd.get()]).toEqual([false, 0]);
    fixture.clock.advance(1);
    await done;
    expect(writer.durableEnd.get()).toBe(1);
    await writer.close();
  });

  it('flushes nothing when told never to, for the measurement only', async () => {
    const { faulty, fixture } = createFixture({ config: { sync: 'never' } });
    const writer = await fixture.openWriter();
    await appendText(writer, 'x');
    const { sync } = faulty.calls;
    await appendText(writer, 'y');
    expect(faulty.calls.sync).toBe(sync);
    await writer.close();
  });

  it('opens a new segment by size and by age', async () => {
    const { disk, fixture } = createFixture({ config: { segmentAgeMsMax: 60_000 } });
    const writer = await fixture.openWriter();
    await appendText(writer, 'x'.repeat(3_000));
    await appendText(writer, 'y'.repeat(3_000));
    fixture.clock.advance(60_001);
    await appendText(writer, 'z');
    await writer.sealed();
    expect(names(disk)).toEqual([
      '0000000000000001.seal',
      '0000000000000001.segment',
      '0000000000000002.seal',
      '0000000000000002.segment',
      '0000000000000003.segment',
    ]);
    await writer.close();
  });

  it('answers the others first when a done throws, and then lets the process know', async () => {
    const { fixture } = createFixture();
    const writer = await fixture.openWriter();
    const thrown: unknown[] = [];
    const handlers = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.once('uncaughtException', (error) => thrown.push(error));
    writer.append(
      1,
      () => undefined,
      () => {
        throw new Error('broken caller');
      },
    );
    await appendText(writer, 'second');
    await settle();
    for (const handler of handlers) process.on('uncaughtException', handler);
    expect(thrown).toEqual([new Error('broken caller')]);
    await writer.close();
  });

  it('seals in the background what was closed when the last run ended, pausing between slices', async () => {
    const { disk, fixture } = createFixture({ config: { segmentBytesMax: 100_000 } });
    const writer = await fixture.openWriter();
    for (let commit = 0; commit < 5; commit++) {
      await Promise.all(Array.from({ length: 100 }, () => appendText(writer, 'x'.repeat(200))));
    }
    disk.kill();
    for (const path of disk.paths()) if (path.endsWith('.seal')) await disk.unlink(path);
    const again = createSegmentLogFixture({ fileSystem: disk, directory });
    let ticks = 0;
    const clock = again.clock;
    Object.assign(clock, { monotonicMs: () => (ticks += 3) });
    const reopened = await again.openWriter();
    const sealing = reopened.sealed();
    for (let turn = 0; turn < 50; turn++) {
      clock.advance(10);
      await settle();
    }
    await sealing;
    expect(names(disk)).toContain('0000000000000001.seal');
    await reopened.close();
  });

  it('tries again to seal a segment when the disk refused the seal', async () => {
    const { disk, faulty, fixture } = createFixture();
    const writer = await fixture.openWriter();
    faulty.setFaults([{ call: 'rename', nth: 1, code: 'EIO' }]);
    await appendText(writer, 'x'.repeat(3_000));
    await appendText(writer, 'y'.repeat(3_000));
    await writer.sealed();
    expect(names(disk)).not.toContain('0000000000000001.seal');
    expect(fixture.telemetry.value('quantrac_log_seal_failures_total')).toBe(1);
    fixture.clock.advance(10_000);
    await writer.sealed();
    expect(names(disk)).toContain('0000000000000001.seal');
    await writer.close();
  });

  it('refuses a folder of a newer format by name and changes nothing', async () => {
    const { disk, fixture } = createFixture();
    const writer = await fixture.openWriter();
    await appendText(writer, 'x');
    await writer.close();
    const path = `${directory}/0000000000000001.segment`;
    const bytes = disk.contents(path);
    const copy = bytes.subarray(0, 128);
    copy.writeUInt16LE(2, 8);
    copy.writeUInt32LE(createCrc32c()(viewOf(copy), 0, 124, 0), 124);
    copy.copy(bytes, 128);
    disk.setContents(path, bytes);
    const before = disk.paths().map((one) => [one, disk.contents(one).toString('hex')]);
    await expect(fixture.openWriter()).rejects.toMatchObject({
      code: 'LOG_VERSION',
      fields: { version: 2, known: 1 },
    });
    expect(disk.paths().map((one) => [one, disk.contents(one).toString('hex')])).toEqual(before);
  });

  it('removes files that were never finished', async () => {
    const { disk, fixture } = createFixture();
    const writer = await fixture.openWriter();
    await appendText(writer, 'x');
    await writer.close();
    disk.setContents(`${directory}/0000000000000001.segment.new`, Buffer.from('half'));
    disk.setContents(`${directory}/0000000000000002.segment`, Buffer.from('QTRAC'));
    const reopened = await fixture.openWriter();
    expect(names(disk)).toEqual(['0000000000000001.segment', 'end']);
    expect(await appendText(reopened, 'y')).toBe(2);
    await reopened.close();
  });

  it('starts on any leftovers of one life of random bytes without inventing a record', async () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = createSeededRandom(seed);
      const { disk, fixture } = createFixture({ config: { allocateBytesMax: 0 } });
      const writer = await fixture.openWriter();
      await appendText(writer, 'kept');
      disk.kill();
      const path = `${directory}/0000000000000001.segment`;
      const tail = random.bytes(Math.floor(random.next() * 500));
      disk.setContents(path, Buffer.concat([disk.contents(path), tail]));
      const reopened = await fixture.openWriter();
      expect(reopened.durableEnd.get()).toBe(1);
      expect(fixture.telemetry.value('quantrac_log_torn_bytes_total')).toBe(
        tail.findLastIndex((byte) => byte !== 0) + 1,
      );
      await reopened.close();
    }
  });
});
