/**
 * The access log of a node that has a broker and no api: a file a day (UTC) in the folder `access` of
 * the data folder, mode 0600,
 *
 *   2026-11-23.ndjson   a JSON object a line: at, key, path, status, rows, bytes, door, requests, station, slug
 *
 * of what followers over MQTT were given by their keys. Columns mean what they mean in the log of an
 * api; `station` and `slug` are what the topic filter names. A day holds `accessFileBytesMax`; what is
 * over, or cannot be written, is counted. A crash loses what was not written: of one round.
 */
import type { Clock } from '../devices/clock.ts';
import { createJudgedTime, type JudgedTime } from '../devices/judged-time.ts';
import {
  writeWhole,
  systemCode,
  type FileSystem,
  type OpenFile,
} from '../ingest/log/file-system.ts';
import type { AccessFileEvents } from './events.ts';
import type { Given, GivenPage } from './given.ts';

export interface AccessFileOptions {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly clock: Clock;
  readonly events: AccessFileEvents;
  /** Milliseconds between two rounds. */
  readonly everyMs: number;
  /** Older files are deleted, by a clock that is believed as `devices/judged-time.ts` says. */
  readonly days: number;
  readonly clockJumpMsMax: number;
  /** Of one file. */
  readonly bytesMax: number;
  readonly given: () => GivenPage;
}

export interface AccessFile {
  /** Writes the last; to be called when nothing is given any more. */
  close(): Promise<void>;
}

const dayMs = 86_400_000;

export function openAccessFile(options: AccessFileOptions): AccessFile {
  const { clock, everyMs, events } = options;
  const judged = createJudgedTime(clock);
  let writing: Promise<void> = beginJudging(options, judged).catch((error: unknown) =>
    events.accessFileFailed(error),
  );
  let next = clock.schedule(everyMs, again);

  function again(): void {
    void round();
    next = clock.schedule(everyMs, again);
  }

  function round(): Promise<void> {
    writing = writing
      .then(() => writeGiven(options))
      .then(() => deleteBefore(options, dayOf(judged.now() - options.days * dayMs)))
      .catch((error: unknown) => events.accessFileFailed(error));
    return writing;
  }

  return {
    close() {
      next.cancel();
      return round();
    },
  };
}

/** A day with a file has been: the clock was believed then. */
async function beginJudging(options: AccessFileOptions, judged: JudgedTime): Promise<void> {
  const { fileSystem, directory, clockJumpMsMax: jumpMsMax, events } = options;
  const newest = (await namesIn(fileSystem, directory)).filter(isOfDay).toSorted().at(-1);
  const seenAt = newest === undefined ? undefined : Date.parse(newest.slice(0, 10)) + dayMs;
  judged.begin({ jumpMsMax, seenAt, changed: (state) => events.accessClockHeld(state) });
}

async function writeGiven({ given, ...options }: AccessFileOptions): Promise<void> {
  let hasMore = true;
  while (hasMore) {
    const page = given();
    if (page.dropped > 0) options.events.accessDropped(page.dropped);
    const days = Map.groupBy(page.given, ({ at }) => dayOf(at));
    for (const [day, rows] of days) await writeDay(options, day, rows);
    ({ hasMore } = page);
  }
}

type Writing = Omit<AccessFileOptions, 'given'>;

async function writeDay(options: Writing, day: string, rows: readonly Given[]): Promise<void> {
  const { fileSystem, directory, bytesMax, events } = options;
  try {
    await fileSystem.makeDirectory(directory);
    const file = await openOrCreate(fileSystem, `${directory}/${day}.ndjson`);
    try {
      const size = await file.size();
      const bytes = Buffer.from(rows.map(lineOf).join(''));
      if (size + bytes.length > bytesMax) return events.accessDropped(rows.length);
      await writeAtEnd(file, bytes, size);
    } finally {
      await file.close();
    }
    events.accessNoted(rows.length);
  } catch (error) {
    events.accessDropped(rows.length);
    events.accessFileFailed(error);
  }
}

/** All lines or none: half a line would spoil the next. */
async function writeAtEnd(file: OpenFile, bytes: Buffer, size: number): Promise<void> {
  try {
    await writeWhole(file, bytes, bytes.length, size);
  } catch (error) {
    await file.truncate(size);
    throw error;
  }
}

async function openOrCreate(fileSystem: FileSystem, path: string): Promise<OpenFile> {
  try {
    return await fileSystem.open(path, 'write');
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    return fileSystem.open(path, 'createSecret');
  }
}

function lineOf({ at, key, path, status, rows, bytes, requests, station, slug }: Given): string {
  const door = 'mqtt';
  const row = { at: new Date(at).toISOString(), key, path, status, rows, bytes, door, requests };
  return `${JSON.stringify({ ...row, station, slug })}\n`;
}

async function deleteBefore({ fileSystem, directory }: Writing, day: string): Promise<void> {
  for (const name of await namesIn(fileSystem, directory)) {
    if (isOfDay(name) && name < `${day}.`) await fileSystem.unlink(`${directory}/${name}`);
  }
}

function isOfDay(name: string): boolean {
  return /^\d{4}-\d{2}-\d{2}\.ndjson$/.test(name);
}

/** None where nothing was written yet. */
async function namesIn(fileSystem: FileSystem, directory: string): Promise<readonly string[]> {
  try {
    return await fileSystem.list(directory);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    return [];
  }
}

/** The day of an instant, UTC. */
function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
