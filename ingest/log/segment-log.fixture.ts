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
import type { Position } from './log.ts';
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
          ...logConfigSchema.parse({ segmentBytesMax: 4_096, recordBytesMax }),
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
