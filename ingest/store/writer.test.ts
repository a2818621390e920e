import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createManualClock } from '../../devices/clock-manual.ts';
import { openDatabase } from '../../devices/database.ts';
import { checkView } from './check-view.ts';
import { removeView, viewFormatHorizon } from './schema.ts';
import { askAll } from './asking.contract.ts';
import { replay } from './store.contract.ts';
import type { StoreFollower } from './store.ts';
import { createViewFolder, type ViewFolder } from './view.fixture.ts';
import { createWorld, type BatchSeed, type World } from './world.contract.ts';

function openFolder(config: Parameters<typeof createViewFolder>[0] = {}): ViewFolder {
  const folder = createViewFolder(config);
  onTestFinished(() => folder.remove());
  return folder;
}

/** Rows of three series and days, one batch each. */
function grownWorld(batches: number): World {
  const world = createWorld();
  for (let at = 0; at < batches; at++) {
    const rows = [0, 1, 2].map((series) => ({
      series,
      day: at % 3,
      slot: (at * 7) % 40,
      form: at % 13,
      value: (at * 31) % 200,
      kind: 'value' as const,
    }));
    const entries = at % 3 === 0 ? [{ reading: 1 + (at % 5), channel: at % 2, end: false }] : [];
    world.grow({ rows, entries, waitMs: 1_000 });
  }
  return world;
}

function filled(folder: ViewFolder, world: World): void {
  const writer = folder.openWriter(world.end);
  replay(writer, world.batches, world.end);
  while (!writer.flushSlice(5));
  writer.close();
}

function codeOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return 'nothing thrown';
}

describe('opening a view', () => {
  it('refuses a file of a newer format before anything is written', () => {
    const folder = openFolder();
    filled(folder, grownWorld(3));
    const database = openDatabase(folder.path);
    database.exec(`PRAGMA user_version = ${viewFormatHorizon + 1}`);
    database.close();
    const before = readFileSync(folder.path);
    expect(codeOf(() => folder.openWriter(9))).toBe('STORE_NEWER_FORMAT');
    expect(codeOf(() => folder.openFollower())).toBe('STORE_NEWER_FORMAT');
    expect(readFileSync(folder.path).equals(before)).toBe(true);
  });

  it('empties a file of an older format and says so', () => {
    const folder = openFolder();
    const world = grownWorld(3);
    filled(folder, world);
    const database = openDatabase(folder.path);
    database.exec('PRAGMA user_version = 0');
    database.close();
    expect(codeOf(() => folder.openFollower())).toBe('STORE_OLDER_FORMAT');
    const { path } = folder;
    const logEnd = world.end;
    expect(checkView({ path, logEnd, isCircular: () => false, findingsMax: 9 })).toEqual([]);
    const writer = folder.openWriter(9);
    expect(writer.position).toBe(0);
    expect(folder.telemetry.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    replay(writer, world.batches, world.end);
    askAll(writer, world, 1);
    writer.close();
  });

  it('brings a file of the format before partitions to the newest one as it is', () => {
    const folder = openFolder();
    const world = grownWorld(9);
    filled(folder, world);
    const database = openDatabase(folder.path);
    database.exec(`
      DROP INDEX publications_by_number;
      DROP INDEX publications_by_time;
      ALTER TABLE state DROP COLUMN sources;
      ALTER TABLE publications DROP COLUMN partition;
      ALTER TABLE publications DROP COLUMN first_number;
      CREATE INDEX publications_by_time ON publications (first_published_at, first_position);
      PRAGMA user_version = 2`);
    database.close();
    expect(codeOf(() => folder.openFollower())).toBe('STORE_OLDER_FORMAT');
    const writer = folder.openWriter(world.end);
    expect(writer.position).toBe(world.end);
    expect(folder.telemetry.lines.filter(({ level }) => level === 'warn')).toEqual([]);
    writer.apply(world.end + 1, world.grow({ rows: [], entries: [], waitMs: 7 }));
    while (!writer.flushSlice(1));
    askAll(writer, world, 1);
    writer.close();
    folder.openFollower().close();
  });

  it('refuses what is no view', () => {
    const folder = openFolder();
    writeFileSync(folder.path, 'some text that is no database at all');
    expect(codeOf(() => folder.openWriter(9))).toBe('STORE_NOT_A_VIEW');
    expect(codeOf(() => folder.openFollower())).toBe('STORE_NOT_A_VIEW');
    removeView(folder.path);
    const database = openDatabase(folder.path);
    database.exec('CREATE TABLE something (else INTEGER)'.replace('else', 'other'));
    database.close();
    expect(codeOf(() => folder.openWriter(9))).toBe('STORE_NOT_A_VIEW');
  });

  it('refuses a view that is ahead of its log or of another log', () => {
    const folder = openFolder();
    filled(folder, grownWorld(5));
    expect(codeOf(() => folder.openWriter(4))).toBe('STORE_AHEAD_OF_LOG');
    expect(codeOf(() => folder.openWriter(5, undefined, 'two'))).toBe('STORE_OTHER_LOG');
    folder.openWriter(5).close();
  });

  it('refuses a view of which single series are ahead of the log, too', () => {
    const folder = openFolder();
    const world = grownWorld(5);
    const writer = folder.openWriter(0);
    replay(writer, world.batches, world.end);
    expect(writer.flushSlice(1)).toBe(false);
    writer.close();
    expect(codeOf(() => folder.openWriter(4))).toBe('STORE_AHEAD_OF_LOG');
  });

  it('tells a follower to try again while there is no view yet', () => {
    const folder = openFolder();
    expect(codeOf(() => folder.openFollower())).toBe('STORE_NO_VIEW');
    expect(existsSync(folder.path)).toBe(false);
  });
});

describe('a deleted view', () => {
  it('is built again from the log with the same answers', () => {
    const folder = openFolder();
    const world = grownWorld(60);
    filled(folder, world);
    removeView(folder.path);
    expect(existsSync(folder.path)).toBe(false);
    filled(folder, world);
    const writer = folder.openWriter(world.end);
    askAll(writer, world, 17);
    writer.close();
  });
});

describe('flushing', () => {
  it('moves the position only when all is written, slice by slice', () => {
    const folder = openFolder();
    const world = grownWorld(40);
    const writer = folder.openWriter(0);
    const follower = folder.openFollower();
    replay(writer, world.batches, world.end);
    let slices = 0;
    for (; !writer.flushSlice(1); slices++) {
      follower.refresh();
      expect(follower.position).toBe(0);
      expect(follower.series()).toEqual([]);
    }
    expect(slices).toBeGreaterThan(8);
    follower.refresh();
    expect(follower.position).toBe(40);
    expect(writer.tailBytes).toBe(0);
    askAll(follower, world, 3);
    writer.close();
    follower.close();
  });

  it('has nothing to do where nothing came', () => {
    const writer = openFolder().openWriter(0);
    expect(writer.flushSlice(1)).toBe(true);
    expect(writer.wantsFlush).toBe(false);
    writer.close();
  });

  it('is wanted when the tail is old', () => {
    const clock = createManualClock(0);
    const writer = openFolder({ tailAgeMsMax: 5_000 }).openWriter(0, clock);
    clock.advance(6_000);
    expect(writer.wantsFlush).toBe(false);
    replay(writer, grownWorld(2).batches, 2);
    expect(writer.wantsFlush).toBe(false);
    clock.advance(5_000);
    expect(writer.wantsFlush).toBe(true);
    writer.refresh();
    expect(writer.wantsFlush).toBe(false);
    expect(writer.tailBytes).toBe(0);
    writer.close();
  });

  it('is wanted when the tail is half full, and following waits when it is full', () => {
    const folder = openFolder({ tailBytesMax: 1_048_576 });
    const writer = folder.openWriter(0);
    const follower = folder.openFollower();
    const world = createWorld();
    const seed = { series: 0, day: 0, slot: 1, form: 0, value: 1, kind: 'value' } as const;
    const seen: boolean[] = [];
    while (!writer.saturated) {
      const rows = Array.from({ length: 1_000 }, (_, at) => ({ ...seed, slot: at % 40 }));
      writer.apply(world.end + 1, world.grow({ rows, entries: [], waitMs: 1 }));
      replay(follower, world.batches, world.end);
      seen.push(writer.wantsFlush);
    }
    expect(seen[0]).toBe(false);
    expect(seen.at(-2)).toBe(true);
    expect(follower.saturated).toBe(true);
    while (!writer.flushSlice(50));
    expect([writer.saturated, writer.wantsFlush]).toEqual([false, false]);
    follower.refresh();
    expect([follower.saturated, follower.tailBytes]).toEqual([false, 0]);
    writer.close();
    follower.close();
  });

  it('writes many entries and blocks of more rows than usual', () => {
    const folder = openFolder({ blockPointsMax: 4_096 });
    const world = createWorld();
    const seed = { series: 0, day: 0, form: 0, kind: 'value' as const };
    const rows = Array.from({ length: 1_500 }, (_, at) => ({
      ...seed,
      slot: at / 15,
      form: at % 4,
      value: at,
    }));
    const entries = Array.from({ length: 100 }, (_, at) => ({
      reading: 1 + (at % 6),
      channel: at % 3,
      end: at > 60,
    }));
    world.grow({ rows, entries, waitMs: 1 });
    const writer = folder.openWriter(0);
    replay(writer, world.batches, 1);
    while (!writer.flushSlice(1));
    askAll(writer, world, 100);
    writer.close();
  });

  it('that fails leaves everything as it was, and goes on when it can', () => {
    const folder = openFolder();
    const world = grownWorld(40);
    const writer = folder.openWriter(0);
    const other = openDatabase(folder.path);
    replay(writer, world.batches, world.end);
    for (const table of ['texts', 'blocks', 'days', 'series', 'quarantine', 'publications']) {
      other.exec(
        `CREATE TRIGGER full BEFORE INSERT ON ${table} BEGIN SELECT RAISE(ABORT, 'full'); END`,
      );
      expect(() => {
        while (!writer.flushSlice(1));
      }).toThrow('full');
      askAll(writer, world, 5);
      other.exec('DROP TRIGGER full');
    }
    other.close();
    while (!writer.flushSlice(2));
    askAll(writer, world, 6);
    writer.close();
    const again = folder.openWriter(40);
    askAll(again, world, 7);
    again.close();
    expect(folder.telemetry.value('quantrac_store_slice_failures_total')).toBe(6);
  });
});

describe('a follower', () => {
  it('stays at its position while the database goes on, until it is refreshed', () => {
    const folder = openFolder();
    const world = grownWorld(30);
    const writer = folder.openWriter(0);
    const follower = folder.openFollower();
    replay(writer, world.batches, 10);
    replay(follower, world.batches, 10);
    while (!writer.flushSlice(3));
    replay(writer, world.batches, 30);
    while (!writer.flushSlice(3));
    askAll(follower, world, 2);
    expect(follower.position).toBe(10);
    const asked: StoreFollower = follower;
    asked.refresh();
    expect(asked.position).toBe(30);
    expect(asked.totals).toEqual(world.batches.get(30)!.totals);
    askAll(asked, world, 3);
    writer.close();
    follower.close();
  });

  it('takes nothing into its tail that the database was seen to hold', () => {
    const folder = openFolder();
    const world = createWorld();
    const grow = (...entries: BatchSeed['entries']): void => {
      world.grow({ rows: [], entries, waitMs: 1 });
    };
    grow();
    grow({ reading: 1, channel: 1, end: false });
    grow({ reading: 1, channel: 1, end: true });
    grow();
    const writer = folder.openWriter(0);
    const follower = folder.openFollower();
    replay(follower, world.batches, 1);
    replay(writer, world.batches, 3);
    while (!writer.flushSlice(3));
    askAll(follower, world, 0);
    replay(follower, world.batches, 2);
    askAll(follower, world, 0);
    follower.refresh();
    replay(follower, world.batches, 4);
    askAll(follower, world, 0);
    writer.close();
    follower.close();
  });
});
