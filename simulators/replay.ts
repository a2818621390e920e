/**
 * Publishes a file of real records as the messages of a live station. Cells go out exactly as they
 * stand in the file (codec `csv-row`: a header line and the rows); only the time is rewritten, with
 * its offset, and shifted when asked for. A row counts as gone when the server has acknowledged it.
 */
import type { Clock } from '../devices/clock.ts';
import { sleep } from '../devices/clock.ts';
import type { ConnectedDevice } from './device.ts';
import type { Profile } from './profile.ts';
import type { RecordRow } from './records.ts';

export interface ReplayOptions {
  readonly clock: Clock;
  readonly profile: Profile;
  readonly rows: readonly RecordRow[];
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

/** Resolves to the number of acknowledged rows; rejects with the first refusal. */
export async function replay(options: ReplayOptions): Promise<number> {
  const { profile, clock, rows } = options;
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

function timeText(at: number): string {
  return new Date(at).toISOString().replace('.000Z', 'Z');
}

function quoteCell(cell: string): string {
  return /[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
