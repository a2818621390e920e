/** What goes by itself, and what is said before the log or its disk is full. */
import { describe, expect, it } from 'vitest';

import { createManualClock } from '../../devices/clock-manual.ts';
import { createMemoryFileSystem, type MemoryFileSystem } from './file-system-memory.ts';
import { appendText } from './log.contract.ts';
import {
  createSegmentLogFixture,
  startAt,
  type SegmentLogFixture,
  type SegmentLogFixtureOptions,
} from './segment-log.fixture.ts';
import type { SegmentLogWriter } from './segment-writer.ts';
import { verifyLog } from './verify.ts';

const directory = '/readings';
const dayMs = 86_400_000;

async function openLog(options: Partial<SegmentLogFixtureOptions> = {}) {
  const disk = createMemoryFileSystem();
  const fixture = createSegmentLogFixture({ fileSystem: disk, directory, ...options });
  return { disk, fixture, writer: await fixture.openWriter() };
}

async function fill(writer: SegmentLogWriter, from: number, to: number): Promise<void> {
  for (let at = from; at <= to; at += 1) {
    await appendText(writer, `record ${at} of a device with a name`);
  }
  await writer.sealed();
}

async function segmentsOf(disk: MemoryFileSystem): Promise<string[]> {
  return (await disk.list(directory)).filter((name) => name.endsWith('.segment'));
}

function warnings({ telemetry }: SegmentLogFixture): string[] {
  return telemetry.lines.filter(({ level }) => level === 'warn').map(({ message }) => message);
}

describe('Retention and its warnings', () => {
  it('warns at nine tenths of the wall where no other limit is set', async () => {
    const { fixture, writer } = await openLog({ retention: { totalBytesMax: 20_000 } });
    await fill(writer, 1, 220);
    expect(writer.bytes).toBeLessThan(18_000);
    expect(warnings(fixture)).toEqual([]);
    await fill(writer, 221, 360);
    expect(warnings(fixture)).toEqual(['The log nears its limit of bytes.']);
    await writer.close();
  });

  it('warns before the disk is full, once until there is room again', async () => {
    const { disk, fixture, writer } = await openLog({ config: { warnFreeBytesMin: 50_000 } });
    await fill(writer, 1, 100);
    disk.capacityBytes = 100_000;
    await writer.retain(100);
    expect(warnings(fixture)).toEqual([]);
    disk.capacityBytes = 40_000;
    await writer.retain(100);
    await writer.retain(100);
    expect(warnings(fixture)).toHaveLength(1);
    expect(fixture.telemetry.value('quantrac_disk_free_bytes', { log: 'readings' })).toBeLessThan(
      40_000,
    );
    disk.capacityBytes = 100_000;
    await writer.retain(100);
    disk.capacityBytes = 40_000;
    await writer.retain(100);
    expect(warnings(fixture)).toHaveLength(2);
    await writer.close();
  });

  it('gives up the open segment at the wall, so that what is settled can go and readings be taken', async () => {
    const { fixture, writer } = await openLog({
      config: { segmentBytesMax: 1_000_000 },
      retention: { retainBytesMax: 9_000, totalBytesMax: 10_000 },
    });
    await expect(fill(writer, 1, 600)).rejects.toMatchObject({ code: 'LOG_FULL' });
    await new Promise((resolve) => setImmediate(resolve));
    const end = writer.durableEnd.get();
    await writer.retain(end);
    expect(writer.state.status).toBe('healthy');
    expect(writer.bytes).toBeGreaterThan(5_000);
    expect(await appendText(writer, 'again')).toBe(end + 1);
    expect(fixture.states.map(({ status }) => status)).toEqual(['failing', 'healthy']);
    await writer.close();
  });

  it('touches nothing when the log is closed while it looks at the disk', async () => {
    const { disk, fixture, writer } = await openLog({ retention: { retainBytesMax: 9_000 } });
    await fill(writer, 1, 400);
    const before = await segmentsOf(disk);
    const retaining = writer.retain(400);
    await writer.close();
    await retaining;
    expect(await segmentsOf(disk)).toEqual(before);
    const reopened = await fixture.openWriter();
    await reopened.retain(400);
    expect((await segmentsOf(disk)).length).toBeLessThan(before.length);
    await reopened.close();
  });

  it('lets the last readings go by age too, though none comes after them', async () => {
    const { disk, fixture, writer } = await openLog({ retention: { retainMs: 10 * dayMs } });
    await fill(writer, 1, 20);
    fixture.clock.advance(2 * dayMs);
    await writer.retain(20);
    fixture.clock.advance(11 * dayMs);
    await writer.retain(20);
    expect(await segmentsOf(disk)).toEqual([]);
    expect(await appendText(writer, 'next')).toBe(21);
    await writer.close();
    const found: unknown[] = [];
    const onFinding = (finding: unknown) => void found.push(finding);
    const clock = createManualClock(startAt);
    await verifyLog({ fileSystem: disk, directory, clock, onFinding });
    expect(found).toEqual([]);
  });
});
