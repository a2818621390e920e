import { closeSync, openSync, writeSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openDatabase, type Database } from '../../devices/database.ts';
import { checkView, viewFindings, type ViewFindingCode } from './check-view.ts';
import { isCircularSeries } from './naive.contract.ts';
import { replay } from './store.contract.ts';
import { createViewFolder, type ViewFolder } from './view.fixture.ts';
import { createWorld } from './world.contract.ts';

/** Three series with finished days, kept hours and several blocks a day. */
function openFilled(): ViewFolder {
  const folder = createViewFolder();
  onTestFinished(() => folder.remove());
  const world = createWorld();
  for (let at = 0; at < 120; at++) {
    const seed = { day: at % 3, slot: at % 40, form: at % 13, value: at, kind: 'value' } as const;
    const rows = [0, 1, 2].map((series) => ({ ...seed, series, value: at + series }));
    world.grow({ rows, entries: [], waitMs: 1_000 });
  }
  const writer = folder.openWriter(world.end);
  replay(writer, world.batches, world.end);
  while (!writer.flushSlice(5));
  writer.close();
  return folder;
}

function check(folder: ViewFolder, logEnd = 120, findingsMax = 50): ViewFindingCode[] {
  const found = checkView({ path: folder.path, logEnd, isCircular: isCircularSeries, findingsMax });
  for (const { code } of found) expect(viewFindings[code]).toMatch(/^[A-Z]/);
  return found.map(({ code }) => code);
}

function spoil(folder: ViewFolder, work: (database: Database) => void): void {
  const database = openDatabase(folder.path);
  work(database);
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
}

describe('checking a view', () => {
  it('finds nothing in a whole one, flushed or in the middle of a flush', () => {
    const folder = openFilled();
    expect(check(folder)).toEqual([]);
    const writer = folder.openWriter(121);
    const world = createWorld();
    const row = { series: 0, day: 2, slot: 39, form: 0, value: 3, kind: 'value' } as const;
    const other = { ...row, series: 1, kind: 'deletion' } as const;
    const seed = { rows: [row, other, { ...row, series: 2 }], entries: [], waitMs: 1 };
    writer.apply(121, world.grow(seed));
    expect(writer.flushSlice(1)).toBe(false);
    expect(check(folder, 121)).toEqual([]);
    writer.close();
  });

  it('finds a position beyond the log', () => {
    expect(check(openFilled(), 119)).toEqual(['VIEW_AHEAD_OF_LOG']);
  });

  it('finds a block that does not decode', () => {
    const folder = openFilled();
    spoil(folder, (database) => {
      database.exec(`UPDATE blocks SET details = substr(details, 1, 9) WHERE id IN
        (SELECT id FROM blocks LIMIT 1)`);
    });
    expect(check(folder)).toEqual(['VIEW_BLOCK_UNREADABLE']);
  });

  it('finds a block that is gone, and one that nobody names', () => {
    const folder = openFilled();
    spoil(folder, (database) => {
      database.exec('UPDATE blocks SET id = 100000 WHERE id IN (SELECT max(id) FROM blocks)');
    });
    expect(check(folder)).toEqual(['VIEW_BLOCK_UNREADABLE', 'VIEW_BLOCK_UNUSED']);
  });

  it('finds blocks that have changed places', () => {
    const folder = openFilled();
    spoil(folder, (database) => {
      const ids = database.prepare('SELECT id FROM blocks ORDER BY id').all() as { id: number }[];
      const swap = database.prepare('UPDATE blocks SET id = ? WHERE id = ?');
      const [first, second] = [ids[0]!.id, ids.at(-1)!.id];
      swap.run(-1, first);
      swap.run(first, second);
      swap.run(second, -1);
    });
    expect(check(folder)).toContain('VIEW_BLOCK_MISPLACED');
  });

  it('finds a day without its directory', () => {
    const folder = openFilled();
    spoil(folder, (database) => {
      database.exec('DELETE FROM days WHERE series = 1');
    });
    const found = check(folder);
    expect(found).toContain('VIEW_BLOCK_MISPLACED');
    expect(found).toContain('VIEW_BLOCK_UNUSED');
  });

  it('finds latest rows and hours that are not what the blocks say', () => {
    const folder = openFilled();
    spoil(folder, (database) => {
      database.exec(`UPDATE series SET latest_points = (SELECT latest_points FROM series
        WHERE series = 1) WHERE series = 0`);
      database.exec('UPDATE series SET latest_points = NULL WHERE series = 2');
      database.exec(`UPDATE days SET hours = (SELECT hours FROM days WHERE series = 1 AND hours
        IS NOT NULL LIMIT 1) WHERE series = 2 AND hours IS NOT NULL`);
    });
    const found = check(folder);
    expect(found.filter((code) => code === 'VIEW_LATEST_WRONG')).toHaveLength(2);
    expect(found).toContain('VIEW_HOURS_WRONG');
  });

  it('finds a directory that cannot be read, and goes on with the next series', () => {
    const folder = openFilled();
    spoil(folder, (database) => {
      database.exec("UPDATE days SET parts = x'00' WHERE series = 0");
      database.exec("UPDATE series SET days = x'ff' WHERE series = 1");
    });
    expect(check(folder).filter((code) => code === 'VIEW_UNREADABLE')).toHaveLength(2);
  });

  it('finds damage that SQLite sees', () => {
    const folder = openFilled();
    let page = 0;
    spoil(folder, (database) => {
      const named =
        "SELECT rootpage AS page FROM sqlite_schema WHERE name = 'publications_by_time'";
      page = (database.prepare(named).get() as { page: number }).page;
    });
    // An index that has lost its one entry: bytes 3 and 4 of a page count its cells.
    const file = openSync(folder.path, 'r+');
    writeSync(file, Uint8Array.of(0, 0), 0, 2, (page - 1) * 4_096 + 3);
    closeSync(file);
    expect(new Set(check(folder))).toEqual(new Set(['VIEW_DATABASE_DAMAGED']));
  });

  it('names a file that is no view or is not there', () => {
    const folder = openFilled();
    spoil(folder, (database) => {
      database.exec('PRAGMA application_id = 7');
    });
    expect(check(folder)).toEqual(['VIEW_UNREADABLE']);
    folder.remove();
    expect(check(folder)).toEqual(['VIEW_UNREADABLE']);
  });

  it('stops naming at its bound', () => {
    const folder = openFilled();
    spoil(folder, (database) => {
      database.exec("UPDATE blocks SET points = x'ffff'");
    });
    expect(check(folder, 120, 2)).toHaveLength(2);
  });
});
