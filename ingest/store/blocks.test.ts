import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../devices/clock.ts';
import { createRecordedTelemetry } from '../../devices/telemetry-silent.ts';
import { storeConfigSchema, type StoreConfig } from './config.ts';
import { openStoreFollower } from './follower.ts';
import { describeStore, isCircularSeries, type StoreUnderTest } from './store.contract.ts';
import { openStoreWriter } from './writer.ts';

/** Every look at it takes a millisecond, so that a slice of n ms is n units. */
function createCountingClock(): Clock {
  let ms = 0;
  return {
    now: () => ms,
    monotonicMs: () => ms++,
    schedule: () => ({ cancel: () => undefined }),
  };
}

const suffixes = ['', '-wal'];

function openUnderTest(config: Partial<StoreConfig>): StoreUnderTest {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-store-'));
  const path = join(folder, 'view.db');
  const parsed = storeConfigSchema.parse(config);
  let moments = 0;
  return {
    openWriter: (logEnd) =>
      openStoreWriter({
        path,
        logEnd,
        config: parsed,
        clock: createCountingClock(),
        telemetry: createRecordedTelemetry(),
        isCircular: isCircularSeries,
        storeId: 'one',
      }),
    openFollower: () => openStoreFollower({ path, config: parsed, isCircular: isCircularSeries }),
    keepMoment() {
      // By another process: closing the file here would drop this process's locks on it.
      const files = suffixes.map((suffix) => path + suffix).filter((file) => existsSync(file));
      const moment = join(folder, String(moments++));
      mkdirSync(moment);
      execFileSync('cp', [...files, moment]);
    },
    setBack(choice) {
      const moment = join(folder, String(Math.floor(choice * moments)), 'view.db');
      for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
      for (const suffix of suffixes) {
        if (existsSync(moment + suffix)) cpSync(moment + suffix, path + suffix);
      }
    },
    removeAll: () => rmSync(folder, { recursive: true, force: true }),
  };
}

describeStore('a view of blocks', () => openUnderTest({ blockPointsMax: 16, rollupPointsMin: 12 }));
