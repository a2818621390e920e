import { describe, expect, test } from 'vitest';
import { createManualClock } from '../devices/clock-manual.ts';
import { createRecordedTelemetry } from '../devices/telemetry-silent.ts';
import { createFaultyFileSystem } from '../ingest/log/file-system-faults.ts';
import { createMemoryFileSystem } from '../ingest/log/file-system-memory.ts';
import { readFile, type FileSystem } from '../ingest/log/file-system.ts';
import { openAccessFile } from './access-file.ts';
import { createAccessFileEvents } from './events.ts';
import { createGivenBook } from './given.ts';

const startAt = Date.UTC(2026, 10, 23, 12);
const dayMs = 86_400_000;

function open({ bytesMax = 10_000, fileSystem = createMemoryFileSystem() as FileSystem } = {}) {
  const clock = createManualClock(startAt);
  const book = createGivenBook({ clock, countersMax: 10 });
  const telemetry = createRecordedTelemetry();
  const file = openAccessFile({
    fileSystem,
    directory: '/data/access',
    clock,
    events: createAccessFileEvents(telemetry),
    everyMs: 60_000,
    days: 2,
    clockJumpMsMax: dayMs,
    bytesMax,
    given: () => book.take(2),
  });
  const giving = book.open(
    { kind: 'token', role: 'reader', subject: 'token-1' },
    { path: 'open/v1/{stationId}/{slug}', station: 'hue' },
  );
  const noted = (outcome: string) =>
    telemetry.value('quantrac_access_noted_total', { outcome }) ?? 0;
  const rows = async (day: string): Promise<unknown[]> =>
    (await readFile(fileSystem, `/data/access/${day}.ndjson`))
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
  return { clock, counter: giving!.counter, file, fileSystem, noted, rows, telemetry };
}

/** What a round does takes turns of the event loop. */
async function round(scene: ReturnType<typeof open>, count: number): Promise<void> {
  scene.clock.advance(60_000);
  await expect.poll(() => scene.noted('written') + scene.noted('dropped')).toBe(count);
}

describe('the access log of a node without an api', () => {
  test('has a line of each round in which something was given, and the last at the end', async () => {
    const scene = open();
    scene.counter.add(2, 300);
    await round(scene, 1);
    scene.counter.add(1, 150);
    await scene.file.close();
    const followed = { key: 'token-1', path: 'open/v1/{stationId}/{slug}', station: 'hue' };
    expect(await scene.rows('2026-11-23')).toEqual([
      {
        ...followed,
        at: '2026-11-23T12:00:00.000Z',
        status: 200,
        rows: 2,
        bytes: 300,
        door: 'mqtt',
        requests: 1,
      },
      {
        ...followed,
        at: '2026-11-23T12:01:00.000Z',
        status: 200,
        rows: 1,
        bytes: 150,
        door: 'mqtt',
        requests: 0,
      },
    ]);
  });

  test('keeps its days, and nothing of others in its folder is touched', async () => {
    const scene = open();
    scene.counter.add(1, 1);
    await round(scene, 1);
    const other = await scene.fileSystem.open('/data/access/note.txt', 'create');
    await other.close();
    scene.clock.advance(3 * dayMs);
    await expect.poll(() => scene.fileSystem.list('/data/access')).toEqual(['note.txt']);
    scene.counter.add(1, 1);
    await scene.file.close();
    expect((await scene.fileSystem.list('/data/access')).toSorted()).toEqual([
      '2026-11-26.ndjson',
      'note.txt',
    ]);
  });

  test('counts what is over the bytes of a day', async () => {
    const scene = open({ bytesMax: 250 });
    scene.counter.add(1, 1);
    await round(scene, 1);
    scene.counter.add(1, 1);
    await scene.file.close();
    expect([scene.noted('written'), scene.noted('dropped')]).toEqual([1, 1]);
    expect(await scene.rows('2026-11-23')).toHaveLength(1);
  });

  test('goes on when the disk fails, says so and counts what it lacks', async () => {
    const fileSystem = createFaultyFileSystem(createMemoryFileSystem());
    const scene = open({ fileSystem });
    fileSystem.setFaults([
      { call: 'write', nth: 1, code: 'SHORT' },
      { call: 'write', nth: 2, code: 'ENOSPC' },
    ]);
    scene.counter.add(1, 1);
    await round(scene, 1);
    expect(scene.noted('dropped')).toBe(1);
    expect(scene.telemetry.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    scene.counter.add(1, 1);
    await scene.file.close();
    expect(await scene.rows('2026-11-23')).toHaveLength(1);
  });
});
