/**
 * Publishes a file of real records as the messages of a live station. Cells go out exactly as they
 * stand in the file (codec `csv-row`: a header line and the rows); only the time is rewritten, with
 * its offset, and shifted when asked for. A row counts as gone when the server has acknowledged it.
 */
import type { Clock } from '../devices/clock.ts';
import { sleep } from '../devices/clock.ts';
import type { ConnectedDevice } from './device.ts';
import type { Profile } from './profile.ts';

export interface ReplayOptions {
  readonly clock: Clock;
  readonly profile: Profile;
  /** The whole file's text. */
  readonly text: string;
  /** `shifted`: the last row is at the moment the replay ends; `as-is`: the file's own times. */
  readonly time: 'shifted' | 'as-is';
  /** Times faster than real time; `max` is as fast as the server acknowledges. */
  readonly speed: number | 'max';
  /** Rows of one message. */
  readonly rowsPerMessage: number;
  /** Messages sent and not yet acknowledged at most. */
  readonly inflightMax: number;
  readonly device: Pick<ConnectedDevice, 'publishText'>;
  readonly onProgress: (sent: number, total: number) => void;
}

export interface ReplayRow {
  /** Milliseconds UTC of the file's own time. */
  readonly at: number;
  /** Cells of the profile's columns, exactly as in the file. */
  readonly cells: readonly string[];
}

/** Resolves to the number of acknowledged rows; rejects with the first refusal. */
export async function replay(options: ReplayOptions): Promise<number> {
  const { profile, clock } = options;
  const rows = parseRows(options.text, profile);
  const [first, last] = [rows[0], rows.at(-1)];
  if (first === undefined || last === undefined) return 0;
  const pace = options.speed === 'max' ? 0 : 1 / options.speed;
  const startedAt = clock.now();
  const shift = shiftOf(options, (last.at - first.at) * pace, last.at);
  const header = ['time', ...Object.keys(profile.columns)].join(',');
  const topic = `env/v1/${profile.station.id}/obs`;
  const inflight = new Set<Promise<void>>();
  let failure: Error | undefined;
  let acknowledged = 0;
  for (
    let index = 0;
    index < rows.length && failure === undefined;
    index += options.rowsPerMessage
  ) {
    const chunk = rows.slice(index, index + options.rowsPerMessage);
    const due = startedAt + ((chunk.at(-1)?.at ?? first.at) - first.at) * pace;
    if (due > clock.now()) await sleep(clock, due - clock.now());
    const lines = chunk.map(({ at, cells }) =>
      [timeText(at + shift), ...cells.map(quoteCell)].join(','),
    );
    const sent: Promise<void> = options.device
      .publishText(topic, `${header}\n${lines.join('\n')}`)
      .then(
        () => void (acknowledged += chunk.length),
        (error: unknown) =>
          void (failure ??= error instanceof Error ? error : new Error(String(error))),
      )
      .finally(() => inflight.delete(sent));
    inflight.add(sent);
    if (inflight.size >= options.inflightMax) await Promise.race(inflight);
    options.onProgress(acknowledged, rows.length);
  }
  await Promise.all(inflight);
  if (failure !== undefined) throw failure;
  options.onProgress(acknowledged, rows.length);
  return acknowledged;
}

/** Whole intervals, so that shifted rows keep the file's minutes and seconds. */
function shiftOf(options: ReplayOptions, durationMs: number, lastAt: number): number {
  if (options.time === 'as-is') return 0;
  const end = options.clock.now() + durationMs;
  return Math.floor((end - lastAt) / options.profile.intervalMs) * options.profile.intervalMs;
}

/** Rows of a CSV text in the profile's columns. Throws an error that names the line. */
export function parseRows(text: string, profile: Profile): ReplayRow[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const header = splitCells(lines[0] ?? '');
  const places = [profile.time.column, ...Object.keys(profile.columns)].map((column) => {
    const place = header.indexOf(column);
    if (place < 0) throw new Error(`the file has no column ${column}`);
    return place;
  });
  const rows: ReplayRow[] = [];
  for (const [index, line] of lines.entries()) {
    if (index === 0 || line === '') continue;
    const cells = splitCells(line);
    const [time, ...values] = places.map((place) => cells[place] ?? '');
    const at = parseTime(time ?? '', profile.time.offset ?? '');
    if (Number.isNaN(at)) throw new Error(`line ${index + 1}: ${time} is not a time`);
    rows.push({ at, cells: values });
  }
  return rows;
}

function parseTime(text: string, offset: string): number {
  const iso = text.trim().replace(' ', 'T');
  return Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(iso) ? iso : iso + offset);
}

function timeText(at: number): string {
  return new Date(at).toISOString().replace('.000Z', 'Z');
}

/** Cells of one line; a quoted cell may hold commas and doubled quotes. */
export function splitCells(line: string): string[] {
  if (!line.includes('"')) return line.split(',');
  const cells: string[] = [];
  const pattern = /("(?:[^"]|"")*"|[^,]*)(,|$)/g;
  for (const [, cell = '', end] of line.matchAll(pattern)) {
    cells.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    if (end === '') break;
  }
  return cells;
}

function quoteCell(cell: string): string {
  return /[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
