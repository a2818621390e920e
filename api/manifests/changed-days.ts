/** Which buckets the log of observations says have changed. */
import { dayOf } from '../../proof/day.ts';
import { decodeBatch } from '../../ingest/observations/batch-codec.ts';
import type { Position } from '../../ingest/log/log.ts';
import type { LogSource } from '../../ingest/feed/feed.ts';

export interface ChangedDaysOptions {
  readonly source: LogSource;
  /** The first record to read. */
  readonly from: Position;
  /** The last one. */
  readonly upTo: Position;
  readonly turn: () => Promise<void>;
}

/** Records taken from the log at once: a few milliseconds of decoding. */
const chunkBytes = 65_536;

/** Days by internal number of the series; undefined where part of the log cannot be read. */
export async function readChangedDays(
  options: ChangedDaysOptions,
): Promise<ReadonlyMap<number, ReadonlySet<string>> | undefined> {
  const { source, upTo, turn } = options;
  const found = new Map<number, Set<string>>();
  let { from } = options;
  const reader = await source.openReader(from);
  try {
    if (reader.next > from) return undefined;
    while (from <= upTo) {
      let records;
      try {
        records = await reader.read(chunkBytes);
      } catch (error) {
        // The feed has told the operator of it: whoever sums up then sums up everything.
        if ((await reader.skipDamaged()) === null) throw error;
        return undefined;
      }
      if (records.length === 0) return undefined;
      for (const { position, body } of records) {
        if (position > upTo) return found;
        note(found, decodeBatch(position, body).rows);
        from = position + 1;
        await turn();
      }
    }
    return found;
  } finally {
    await reader.close();
  }
}

function note(
  found: Map<number, Set<string>>,
  rows: readonly { readonly series: number; readonly endAt: number; readonly current: boolean }[],
): void {
  for (const { series, endAt, current } of rows) {
    if (!current) continue;
    const day = dayOf(endAt);
    const days = found.get(series);
    if (days === undefined) found.set(series, new Set([day]));
    else days.add(day);
  }
}
