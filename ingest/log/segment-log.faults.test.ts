import { describe, expect, it } from 'vitest';

import { createSeededRandom } from '../../devices/random.ts';
import { createFaultyFileSystem, type Fault, type FaultyFileSystem } from './file-system-faults.ts';
import { createMemoryFileSystem, type MemoryFileSystem } from './file-system-memory.ts';
import { appendText } from './log.contract.ts';
import type { Position } from './log.ts';
import { createSegmentLogFixture, readAll, type SegmentLogFixture } from './segment-log.fixture.ts';
import type { SegmentLogWriter } from './segment-writer.ts';

const directory = '/readings';
const readings = 500;
const perCommit = 10;
const rewritten: ReadonlySet<Position> = new Set([3, 150, 199]);

interface Run {
  readonly disk: MemoryFileSystem;
  readonly faulty: FaultyFileSystem;
  readonly fixture: SegmentLogFixture;
  readonly acknowledged: Map<Position, string>;
  readonly refused: string[];
  /** How often each call was made while faults were planned. */
  calls: FaultyFileSystem['calls'];
}

/**
 * 500 readings in commits of 10, over some twenty segments; a rewrite, a deletion and a restart in
 * between. What the disk refuses is noted, not tried again.
 */
async function runScenario(faults: readonly Fault[]): Promise<Run> {
  const disk = createMemoryFileSystem();
  const faulty = createFaultyFileSystem(disk, faults);
  const fixture = createSegmentLogFixture({
    fileSystem: faulty,
    directory,
    config: { segmentBytesMax: 2_000 },
  });
  const run: Run = {
    disk,
    faulty,
    fixture,
    acknowledged: new Map(),
    refused: [],
    calls: faulty.calls,
  };
  let writer = await openPatiently(run);
  for (let sent = 0; sent < readings; sent += perCommit) {
    await appendSome(run, writer, sent);
    fixture.clock.advance(sent % 50 === 0 ? 20_000 : 100);
    await writer.sealed();
    if (sent === 200) await note(run, writer.rewrite(blanking(rewritten)));
    if (sent === 250) await note(run, writer.trimBefore(30));
    if (sent === 300) {
      await note(run, writer.close());
      writer = await openPatiently(run);
    }
  }
  run.calls = { ...faulty.calls };
  faulty.setFaults([]);
  fixture.clock.advance(20_000);
  await settle();
  await appendSome(run, writer, readings);
  return run;
}

function blanking(positions: ReadonlySet<Position>) {
  return { positions, reason: 'asked for', replace: () => Buffer.from('blank') };
}

async function openPatiently(run: Run): Promise<SegmentLogWriter> {
  try {
    return await run.fixture.openWriter();
  } catch (error) {
    run.refused.push(String(error));
    return run.fixture.openWriter();
  }
}

async function note(run: Run, work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => run.refused.push(String(error)));
}

async function appendSome(run: Run, writer: SegmentLogWriter, from: number): Promise<void> {
  await Promise.all(
    Array.from({ length: perCommit }, async (_, index) => {
      const text = `reading ${from + index} ${'.'.repeat((from * 7 + index) % 40)}`;
      try {
        run.acknowledged.set(await appendText(writer, text), text);
      } catch {
        run.refused.push(text);
      }
    }),
  );
}

/** Lets everything that waits for no clock come to rest. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

async function expectKept(run: Run): Promise<void> {
  const writer = await run.fixture.openWriter();
  const reader = await run.fixture.openReader();
  const { texts, damaged } = await readAll(reader);
  expect(damaged).toEqual([]);
  for (const [position, text] of run.acknowledged) {
    if (position < 30 && !texts.has(position)) continue;
    const allowed = rewritten.has(position) ? [text, 'blank'] : [text];
    expect(allowed).toContain(texts.get(position));
  }
  const first = Math.min(...texts.keys());
  expect(texts.size).toBe(writer.durableEnd.get() - first + 1);
  await reader.close();
  await writer.close();
}

const faultsOfInterest: readonly (readonly [Fault['call'], Fault['code']])[] = [
  ['open', 'EIO'],
  ['open', 'ENOSPC'],
  ['open', 'EMFILE'],
  ['write', 'EIO'],
  ['write', 'ENOSPC'],
  ['write', 'SHORT'],
  ['sync', 'EIO'],
  ['sync', 'ENOSPC'],
  ['rename', 'EIO'],
  ['rename', 'ENOSPC'],
  ['unlink', 'EIO'],
  ['syncDirectory', 'EIO'],
  ['syncDirectory', 'EMFILE'],
];

describe('A log on a disk that fails', () => {
  it('keeps all 500 readings of the scenario on a sound one', async () => {
    const run = await runScenario([]);
    expect(run.acknowledged.size).toBe(readings + perCommit);
    expect(run.refused).toEqual([]);
    await expectKept(run);
  });

  for (const [call, code] of faultsOfInterest) {
    it(`loses nothing acknowledged whichever ${call} fails with ${code}, and takes readings again by itself`, async () => {
      const { calls } = await runScenario([]);
      let failed = 0;
      for (let nth = 1; nth <= calls[call]; nth++) {
        const run = await runScenario([{ call, nth, code }]);
        failed += run.faulty.failures;
        expect([...run.acknowledged.values()].at(-1), `${nth}`).toMatch(/^reading 509/);
        run.disk.kill();
        await expectKept(run);
      }
      expect(calls[call]).toBeGreaterThan(0);
      expect(failed).toBeGreaterThanOrEqual(calls[call]);
    });
  }

  it('loses nothing acknowledged when what was refused cannot be cut either', async () => {
    const { calls } = await runScenario([]);
    for (let nth = 1; nth <= calls.sync; nth++) {
      const run = await runScenario([
        { call: 'sync', nth, code: 'EIO' },
        { call: 'truncate', nth: 1, code: 'EIO', times: 1_000 },
      ]);
      run.disk.powerCut(createSeededRandom(nth));
      await expectKept(run);
    }
  });

  it('answers a reading with an error only when the second try failed too', async () => {
    for (const call of ['write', 'sync'] as const) {
      for (const nth of [5, 20, 33]) {
        const once = await runScenario([{ call, nth, code: 'EIO' }]);
        expect(once.refused.filter((text) => text.startsWith('reading'))).toEqual([]);
        const lasting = await runScenario([{ call, nth, code: 'EIO', times: 4 }]);
        expect(lasting.refused.length).toBeGreaterThanOrEqual(perCommit);
        expect(lasting.fixture.states.map((state) => state.status)).toEqual(['failing', 'healthy']);
      }
    }
  });

  it('shows an open reader what took the place of refused readings, not what the disk still holds of them', async () => {
    const disk = createMemoryFileSystem();
    const faulty = createFaultyFileSystem(disk);
    const fixture = createSegmentLogFixture({ fileSystem: faulty, directory });
    const writer = await fixture.openWriter();
    await appendText(writer, 'first');
    const reader = await fixture.openReader();
    expect((await reader.read(1_000)).map((record) => record.body.toString())).toEqual(['first']);
    faulty.setFaults([
      { call: 'sync', nth: faulty.calls.sync + 1, code: 'EIO', times: 2 },
      { call: 'truncate', nth: 1, code: 'EIO', times: 1_000 },
    ]);
    await expect(appendText(writer, 'refused')).rejects.toMatchObject({ code: 'LOG_WRITE_FAILED' });
    expect(disk.contents(`${directory}/0000000000000001.segment`).includes('refused')).toBe(true);
    fixture.clock.advance(1_000);
    await settle();
    expect(await appendText(writer, 'taken')).toBe(2);
    expect((await reader.read(1_000)).map((record) => record.body.toString())).toEqual(['taken']);
    await reader.close();
    await writer.close();
  });

  it('survives a loss of power after any failed sync: what the system called clean is not believed', async () => {
    const sound = await runScenario([]);
    for (let nth = 1; nth <= sound.calls.sync; nth++) {
      const run = await runScenario([{ call: 'sync', nth, code: 'EIO' }]);
      run.disk.powerCut(createSeededRandom(nth));
      await expectKept(run);
    }
  });
});

describe('A log on a full disk', () => {
  it('refuses by name at once, reads on, and takes readings again within ten seconds of space', async () => {
    const disk = createMemoryFileSystem();
    const fixture = createSegmentLogFixture({
      fileSystem: disk,
      directory,
      config: { resumeFreeBytesMin: 1_000 },
    });
    const writer = await fixture.openWriter();
    disk.capacityBytes = 3_000;
    const acknowledged: string[] = [];
    const codes = new Set<unknown>();
    for (let sent = 0; sent < 200; sent++) {
      const text = `reading ${sent}`;
      try {
        await appendText(writer, text);
        acknowledged.push(text);
      } catch (error) {
        codes.add(error instanceof Error && 'code' in error ? error.code : error);
      }
      fixture.clock.advance(100);
      await settle();
    }
    expect([...codes]).toEqual(['LOG_DISK_FULL']);
    expect(writer.state).toMatchObject({ status: 'failing', error: { code: 'LOG_DISK_FULL' } });
    expect(fixture.telemetry.value('quantrac_log_failing')).toBe(1);
    const reader = await fixture.openReader();
    expect([...(await readAll(reader)).texts.values()]).toEqual(acknowledged);

    disk.capacityBytes = 100_000;
    fixture.clock.advance(10_000);
    await settle();
    expect(writer.state.status).toBe('healthy');
    expect(await appendText(writer, 'again')).toBe(acknowledged.length + 1);
    expect([...(await readAll(reader)).texts.values()]).toEqual(['again']);
    await reader.close();
    await writer.close();
  });
});
