/** The history of the registry, read on as it grows, in slices that hold no other request up. */
import { setImmediate } from 'node:timers/promises';

import type { HistoryRow, HistorySlice } from '../registry.ts';

export interface HistorySource {
  historySlice(after: number, limit: number): HistorySlice;
}

/** A slice is a few milliseconds of work. */
const rowsPerSlice = 500;

/** Gives each row once, in order; who calls while it is being read on waits for the same end. */
export function followHistory(
  source: HistorySource,
  take: (row: HistoryRow) => void,
): () => Promise<void> {
  let end = -1;
  let following: Promise<void> | undefined;

  async function readOn(): Promise<void> {
    for (;;) {
      const slice = source.historySlice(end, rowsPerSlice);
      if (slice.rows.length === 0) return;
      for (const row of slice.rows) take(row);
      end = slice.end;
      await setImmediate();
    }
  }

  return () => {
    following ??= readOn().finally(() => {
      following = undefined;
    });
    return following;
  };
}
