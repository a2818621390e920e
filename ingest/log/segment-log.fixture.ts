import { createManualClock, type ManualClock } from '../../devices/clock-manual.ts';
import { createSeededRandom } from '../../devices/random.ts';
import { createRecordedTelemetry, type RecordedTelemetry } from '../../devices/telemetry-silent.ts';
import {
  logConfigSchema,
  logRetentionSchema,
  type LogConfig,
  type LogRetention,
} from './config.ts';
import { createDurableEnd, durableEndBytes, type SharedDurableEnd } from './durable-end.ts';
import type { FileSystem } from './file-system.ts';
import type { LogReader, Position } from './log.ts';
import type { OwnerLock } from './owner-lock.ts';
import { openLogReader, openLogWriter } from './segment-log.ts';
import type { SegmentLogReader } from './segment-reader.ts';
import type { LogState, SegmentLogWriter } from './segment-writer.ts';

/** A segment log for tests: a manual clock, telemetry that keeps what it was told, small segments. */
export interface SegmentLogFixture {
  readonly clock: ManualClock;
  readonly telemetry: RecordedTelemetry;
  readonly states: LogState[];
  readonly recordBytesMax: number;
  readonly openWriter: () => Promise<SegmentLogWriter>;
  readonly openReader: (from?: Position) => Promise<SegmentLogReader>;
  /** The end as another thread sees it. */
  readonly durableEnd: () => SharedDurableEnd;
}

/**
 * What one life of a process can do to a disk: at its `nth` call (of any kind) it is over. `onDeath`
 * runs first; this call and all later ones are never answered.
 */
export function createMortalFileSystem(
  inner: FileSystem,
  nth: number,
  onDeath: () => void,
): FileSystem & { readonly isDead: () => boolean } {
  let left = nth;
  function step<Result>(run: () => Promise<Result>): Promise<Result> {
    left--;
    if (left === 0) onDeath();
    return left <= 0 ? new Promise<never>(() => undefined) : run();
  }
  return {
    isDead: () => left <= 0,
    open: (path, mode) =>
      step(async () => {
        const file = await inner.open(path, mode);
        return {
          read: (target, at, length, offset) => step(() => file.read(target, at, length, offset)),
          write: (source, at, length, offset) => step(() => file.write(source, at, length, offset)),
          sync: () => step(() => file.sync()),
          truncate: (bytes) => step(() => file.truncate(bytes)),
          size: () => step(() => file.size()),
          close: () => step(() => file.close()),
        };
      }),
    rename: (from, to) => step(() => inner.rename(from, to)),
    unlink: (path) => step(() => inner.unlink(path)),
    list: (directory) => step(() => inner.list(directory)),
    makeDirectory: (path) => step(() => inner.makeDirectory(path)),
    syncDirectory: (path) => step(() => inner.syncDirectory(path)),
    freeBytes: (path) => step(() => inner.freeBytes(path)),
  };
}

/** All that can be read, by position; damage is skipped and listed. */
export async function readAll(
  reader: LogReader,
): Promise<{ readonly texts: Map<Position, string>; readonly damaged: Position[] }> {
  const texts = new Map<Position, string>();
  const damaged: Position[] = [];
  for (;;) {
    try {
      const records = await reader.read(1_000);
      if (records.length === 0) return { texts, damaged };
      for (const record of records) texts.set(record.position, record.body.toString());
    } catch (error) {
      const skipped = await reader.skipDamaged();
      if (skipped === null) throw error;
      for (let one = skipped.first; one <= skipped.last; one++) damaged.push(one);
    }
  }
}

export interface SegmentLogFixtureOptions {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly lock?: ((directory: string) => OwnerLock) | null;
  readonly config?: Partial<LogConfig>;
  readonly retention?: Partial<LogRetention>;
  readonly seed?: number;
}

export const startAt = Date.UTC(2026, 0, 1);

export function createSegmentLogFixture(options: SegmentLogFixtureOptions): SegmentLogFixture {
  const { fileSystem, directory } = options;
  const clock = createManualClock(startAt);
  const random = createSeededRandom(options.seed ?? 1);
  const telemetry = createRecordedTelemetry();
  const states: LogState[] = [];
  const recordBytesMax = 100_000;
  let shared = new SharedArrayBuffer(durableEndBytes);
  return {
    clock,
    telemetry,
    states,
    recordBytesMax,
    openWriter() {
      shared = new SharedArrayBuffer(durableEndBytes);
      return openLogWriter({
        fileSystem,
        directory,
        clock,
        random,
        telemetry,
        name: 'readings',
        config: {
          ...logConfigSchema.parse({
            segmentBytesMax: 4_096,
            recordBytesMax,
            allocateBytesMax: 1_000,
          }),
          ...options.config,
        },
        retention: { ...logRetentionSchema.parse({}), ...options.retention },
        durableEnd: createDurableEnd(shared),
        lock: options.lock ?? null,
        onState: (state) => void states.push(state),
      });
    },
    openReader: (from) =>
      openLogReader({
        fileSystem,
        directory,
        durableEnd: createDurableEnd(shared),
        ...(from === undefined ? {} : { from }),
      }),
    durableEnd: () => createDurableEnd(shared),
  };
}
