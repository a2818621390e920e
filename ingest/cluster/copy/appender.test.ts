import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createManualClock } from '../../../devices/clock-manual.ts';
import { createSeededRandom } from '../../../devices/random.ts';
import { createRecordedTelemetry } from '../../../devices/telemetry-silent.ts';
import { logConfigSchema } from '../../log/config.ts';
import { createDurableEnd } from '../../log/durable-end.ts';
import { logError } from '../../log/errors.ts';
import { createFaultyFileSystem, type FaultyFileSystem } from '../../log/file-system-faults.ts';
import { createMemoryFileSystem } from '../../log/file-system-memory.ts';
import type { LogWriter, Position } from '../../log/log.ts';
import { openLogReader, openLogWriter } from '../../log/segment-log.ts';
import { noTotals, type Batch } from '../../observations/batch.ts';
import { CopyAppender } from './appender.ts';

const directory = '/observations';

interface Bench {
  readonly append: CopyAppender;
  readonly files: FaultyFileSystem;
  /** Numbers of the batches in the view, in their order. */
  readonly shown: number[];
  readonly refusals: string[];
  readonly failures: unknown[];
  /** Lets time pass until all that was added is shown, or nothing more happens. */
  settle(): Promise<void>;
  /** Numbers of the batches in the log, in their order. */
  kept(): Promise<number[]>;
}

async function openBench(wrap: (log: LogWriter) => Pick<LogWriter, 'append'> = (log) => log) {
  const clock = createManualClock(0);
  const files = createFaultyFileSystem(createMemoryFileSystem());
  const durableEnd = createDurableEnd();
  const log = await openLogWriter({
    fileSystem: files,
    directory,
    name: 'observations',
    config: logConfigSchema.parse({ segmentBytesMax: 4_096, pendingBytesMax: 1_024 }),
    clock,
    random: createSeededRandom(1),
    telemetry: createRecordedTelemetry(),
    durableEnd,
    lock: null,
  });
  const shown: number[] = [];
  const positions: Position[] = [];
  const refusals: string[] = [];
  const failures: unknown[] = [];
  const append = new CopyAppender({
    observations: wrap(log),
    clock,
    store: {
      apply(position, batch) {
        positions.push(position);
        shown.push(batch.consumed);
      },
    },
    events: { copied: () => {}, refused: (error) => void refusals.push(String(error)) },
    onFailed: (error) => void failures.push(error),
  });
  const bench: Bench = {
    append,
    files,
    shown,
    refusals,
    failures,
    async settle() {
      for (let rounds = 0; rounds < 40; rounds++) {
        await new Promise((resolve) => void setTimeout(resolve, 0));
        clock.advance(250);
      }
    },
    async kept() {
      files.setFaults([]);
      const reader = await openLogReader({ fileSystem: files, directory, durableEnd });
      const found: number[] = [];
      for (;;) {
        const records = await reader.read(1_000);
        if (records.length === 0) break;
        for (const { body } of records) found.push(body.readUInt32LE(0));
      }
      await reader.close();
      expect(positions).toEqual(positions.map((_, at) => at + 1));
      return found;
    },
  };
  return bench;
}

function batchOf(number: number): Batch {
  return {
    publishedAt: number,
    consumed: number,
    totals: noTotals,
    registryVersion: 1,
    rows: [],
    quarantined: [],
    control: [],
  };
}

/** Its bytes say which it is. */
function bodyOf(number: number, bytes = 40): Uint8Array {
  const body = Buffer.alloc(bytes);
  body.writeUInt32LE(number, 0);
  return body;
}

function addAll({ append }: Bench, from: number, to: number): void {
  for (let number = from; number <= to; number++) append.add(batchOf(number), bodyOf(number));
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, at) => at + 1);

describe('batches on their way into a copy', () => {
  it('share flushes, and are shown in order once they are durable', async () => {
    const bench = await openBench();
    const before = bench.files.calls.sync;
    addAll(bench, 1, 20);
    expect(bench.shown).toEqual([]);
    await bench.settle();
    expect(bench.shown).toEqual(upTo(20));
    expect(await bench.kept()).toEqual(upTo(20));
    expect(bench.files.calls.sync - before).toBeLessThan(5);
  });

  it('that the disk refuses are offered again in their order, with all behind them', async () => {
    const bench = await openBench();
    bench.files.setFaults([
      { call: 'write', nth: bench.files.calls.write + 1, code: 'EIO', times: 4 },
    ]);
    addAll(bench, 1, 8);
    await bench.settle();
    expect(bench.shown).toEqual(upTo(8));
    expect(await bench.kept()).toEqual(upTo(8));
    expect(bench.refusals.length).toBeGreaterThan(0);
  });

  it('wait where the log takes no more at once, and none overtakes', async () => {
    const bench = await openBench();
    // Twice what may wait: the log refuses some while it takes smaller ones behind them.
    for (const number of upTo(30)) {
      bench.append.add(batchOf(number), bodyOf(number, number % 3 === 0 ? 900 : 8));
    }
    expect(bench.append.isFull).toBe(true);
    await bench.settle();
    expect(bench.append.isFull).toBe(false);
    expect(await bench.kept()).toEqual(upTo(30));
    expect(bench.shown).toEqual(upTo(30));
  });

  it('are few enough that memory is bounded', async () => {
    const bench = await openBench(() => ({ append: (_bytes, fill) => fill(Buffer.alloc(64), 0) }));
    addAll(bench, 1, 511);
    expect(bench.append.isFull).toBe(false);
    addAll(bench, 512, 512);
    expect(bench.append.isFull).toBe(true);
    const large = await openBench(() => ({
      append: (bytes, fill) => fill(Buffer.alloc(bytes), 0),
    }));
    large.append.add(batchOf(1), bodyOf(1, 4_194_304));
    expect(large.append.isFull).toBe(true);
  });

  it('say when all of them are shown', async () => {
    const bench = await openBench();
    const told: string[] = [];
    bench.append.afterAll(() => told.push('none'));
    addAll(bench, 1, 3);
    bench.append.afterAll(() => told.push('first'));
    bench.append.afterAll(() => told.push(`three of ${bench.shown.length}`));
    addAll(bench, 4, 5);
    expect(told).toEqual(['none']);
    await bench.settle();
    expect(told).toEqual(['none', 'three of 3']);
  });

  it('that can never be kept end the copy', async () => {
    const never = logError('LOG_RECORD_TOO_LARGE');
    const bench = await openBench(() => ({ append: (_bytes, _fill, done) => done(never, 0) }));
    addAll(bench, 1, 1);
    await bench.settle();
    expect(bench.failures).toContain(never);
  });

  it('are waited for at the end, unless the disk does not take them', async () => {
    const bench = await openBench();
    addAll(bench, 1, 3);
    await bench.append.close();
    expect(bench.shown).toEqual(upTo(3));
    const failing = await openBench();
    failing.files.setFaults([{ call: 'write', nth: 1, code: 'EIO', times: 1_000 }]);
    addAll(failing, 1, 3);
    await failing.append.close();
    await failing.settle();
    expect(failing.shown).toEqual([]);
  });

  it('are kept once and in order whatever the disk does', async () => {
    const fault = fc.record({
      call: fc.constantFrom('open', 'write', 'sync', 'truncate', 'syncDirectory'),
      nth: fc.integer({ min: 1, max: 40 }),
      code: fc.constantFrom('EIO', 'ENOSPC', 'SHORT'),
      times: fc.integer({ min: 1, max: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fault, { maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 }),
        async (faults, bursts) => {
          const bench = await openBench();
          const { calls } = bench.files;
          bench.files.setFaults(faults.map((one) => ({ ...one, nth: calls[one.call] + one.nth })));
          let last = 0;
          for (const burst of bursts) {
            addAll(bench, last + 1, last + burst);
            last += burst;
            await bench.settle();
          }
          expect(bench.shown).toEqual(upTo(last));
          expect(await bench.kept()).toEqual(upTo(last));
          expect(bench.failures).toEqual([]);
        },
      ),
      { numRuns: 40 },
    );
  });
});
