import type { ObservationRow } from '../observation.ts';
import type { ControlEntry, QuarantineEntry } from '../observations/batch.ts';
import type { Reading } from '../reading.ts';

/** A reading with values of series that another partition decides (cluster profile). */
export interface PassedReading {
  readonly partition: number;
  /** Its payload is a copy; `passed` says who passes it on, and under which registry. */
  readonly reading: Reading;
}

/**
 * What has been decided and is not in the store yet: the stretch being decided and those whose
 * commit is in flight. Whoever asks the store lays this over the answer. Rows are indexed by series
 * only when somebody asks, since in-order arrivals never do.
 */
export interface StretchRows {
  readonly rows: ObservationRow[];
  readonly quarantined: QuarantineEntry[];
  readonly control: ControlEntry[];
  readonly passed: PassedReading[];
}

export interface Pending {
  /** The stretch being decided. */
  readonly current: StretchRows;
  /** Ends the stretch being decided and begins the next. */
  begin(): StretchRows;
  /** The oldest stretch is in the store now. */
  applied(): void;
  /** Takes back the rows of the stretch being decided from number `length` on. */
  cutTo(length: number): void;
  /** Rows of a series, oldest first. */
  rowsOf(series: number): readonly ObservationRow[];
  /** Quarantine entries of one reading, oldest first. */
  quarantineOf(position: number): readonly QuarantineEntry[];
}

interface Indexed extends StretchRows {
  readonly bySeries: Map<number, ObservationRow[]>;
  indexed: number;
}

const none: readonly ObservationRow[] = [];

export function createPending(): Pending {
  const stretches: Indexed[] = [createStretch()];

  function newest(): Indexed {
    const stretch = stretches.at(-1);
    if (stretch === undefined) throw new Error('There is always a stretch being decided');
    return stretch;
  }

  return {
    get current() {
      return newest();
    },
    begin() {
      const ended = newest();
      stretches.push(createStretch());
      return ended;
    },
    applied() {
      if (stretches.length < 2) throw new Error('A stretch was applied that had not ended');
      stretches.shift();
    },
    cutTo(length) {
      const stretch = newest();
      stretch.rows.length = length;
      stretch.indexed = 0;
      stretch.bySeries.clear();
    },
    rowsOf(series) {
      let found = none;
      for (const stretch of stretches) {
        const rows = indexOf(stretch).get(series);
        if (rows !== undefined) found = found === none ? rows : [...found, ...rows];
      }
      return found;
    },
    quarantineOf: (position) =>
      stretches.flatMap(({ quarantined }) =>
        quarantined.filter((entry) => entry.position === position),
      ),
  };
}

function createStretch(): Indexed {
  return { rows: [], quarantined: [], control: [], passed: [], bySeries: new Map(), indexed: 0 };
}

function indexOf(stretch: Indexed): Map<number, ObservationRow[]> {
  const { rows, bySeries } = stretch;
  for (; stretch.indexed < rows.length; stretch.indexed++) {
    const row = rows[stretch.indexed];
    if (row === undefined) break;
    const known = bySeries.get(row.series);
    if (known === undefined) bySeries.set(row.series, [row]);
    else known.push(row);
  }
  return bySeries;
}
