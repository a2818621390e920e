/** A view in a folder of its own, opened the usual way: for the suites. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../devices/clock.ts';
import { createRecordedTelemetry, type RecordedTelemetry } from '../../devices/telemetry-silent.ts';
import { storeConfigSchema, type StoreConfig } from './config.ts';
import { openStoreFollower } from './follower.ts';
import { isCircularSeries } from './naive.contract.ts';
import type { StoreFollower } from './store.ts';
import { openStoreWriter, type ViewWriter } from './writer.ts';

/** Every look at it takes a millisecond, so that a slice of n ms is n units. */
export function createCountingClock(): Clock {
  let ms = 0;
  return {
    now: () => ms,
    monotonicMs: () => ms++,
    schedule: () => ({ cancel: () => undefined }),
  };
}

export interface ViewFolder {
  readonly folder: string;
  readonly path: string;
  readonly telemetry: RecordedTelemetry;
  openWriter(logEnd?: number, clock?: Clock, storeId?: string): ViewWriter;
  openFollower(): StoreFollower;
  remove(): void;
}

/** Small blocks, and hours kept from few rows on, so that few rows meet every way. */
export function createViewFolder(config: Partial<StoreConfig> = {}): ViewFolder {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-store-'));
  const path = join(folder, 'view.db');
  const small = { blockPointsMax: 16, rollupPointsMin: 12 };
  const parsed = storeConfigSchema.parse({ ...small, ...config });
  const telemetry = createRecordedTelemetry();
  const shared = { path, config: parsed, isCircular: isCircularSeries };
  return {
    folder,
    path,
    telemetry,
    openWriter: (logEnd = 0, clock = createCountingClock(), storeId = 'one') =>
      openStoreWriter({ ...shared, logEnd, clock, telemetry, storeId }),
    openFollower: () => openStoreFollower(shared),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
