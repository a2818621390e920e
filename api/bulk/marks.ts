/**
 * Which months' files are to be made, or made anew: every month that has a change which is in no
 * file. A change is a row of an open series, or a series that has become open, closed or another.
 */
import type { ObservationRow } from '../../ingest/observation.ts';
import type { Position } from '../../ingest/log/log.ts';
import { monthOf, type Month, type MonthSpan } from './months.ts';
import type { OpenNetwork } from './open-series.ts';

export interface MarkedMonth {
  readonly dataset: string;
  readonly month: Month;
  since: number;
  /** Position of the first change that is in no file; 1 where files hold nothing of the month. */
  firstAt: Position;
  /** The files are whole that are of this position, and of this version of the registry, or later. */
  changedUpTo: Position;
  registryVersion: number;
  /** Files of an earlier position must not be given out: an observation was erased here. */
  leastUpTo: Position;
  /** The change that the next files wait for, though later ones go on coming. */
  wantedUpTo: Position | undefined;
}

export interface Change {
  readonly dataset: string;
  readonly month: Month;
  readonly changedUpTo: Position;
  readonly registryVersion: number;
  /** Of a change that was marked in an earlier run, or whose place is known. */
  readonly since?: number;
  readonly firstAt?: Position;
  readonly leastUpTo?: Position;
}

export interface Marks {
  all(): readonly MarkedMonth[];
  /** Notes a row that stands at the position. */
  note(row: ObservationRow, position: Position): void;
  mark(change: Change): void;
  /** The files are of this position and version now. */
  settle(
    dataset: string,
    month: Month,
    files: { readonly position: Position; readonly registryVersion: number },
  ): void;
  /** Whether anything was marked or settled since this was asked. */
  takeChanged(): boolean;
  useNetwork(network: OpenNetwork): void;
}

type FirstChange = Pick<MarkedMonth, 'since' | 'firstAt'>;

const nothingYet = { changedUpTo: 0, registryVersion: 0, leastUpTo: 0, wantedUpTo: undefined };

interface CachedSeries {
  readonly span: MonthSpan;
  readonly marked: MarkedMonth;
}

export function createMarks(now: () => number): Marks {
  const marked = new Map<string, MarkedMonth>();
  /** By internal number: nearly all rows are of the month of the row before. */
  let cached: (CachedSeries | undefined)[] = [];
  let network: OpenNetwork | undefined;
  let hasChanged = false;

  function find(dataset: string, month: Month, first: FirstChange): MarkedMonth {
    const key = keyOf(dataset, month);
    let found = marked.get(key);
    if (found === undefined) {
      found = { dataset, month, ...first, ...nothingYet };
      marked.set(key, found);
      hasChanged = true;
    }
    return found;
  }

  function cache(row: ObservationRow, position: Position): CachedSeries | undefined {
    const series = network?.bySeries.get(row.series);
    if (series === undefined) return undefined;
    const span = monthOf(row.endAt, series.time);
    const first = { since: now(), firstAt: position };
    const entry = { span, marked: find(series.dataset.id, span.month, first) };
    cached[row.series] = entry;
    return entry;
  }

  return {
    all: () => [...marked.values()],
    note(row, position) {
      let entry = cached[row.series];
      if (entry === undefined || row.endAt < entry.span.fromAt || row.endAt >= entry.span.toAt) {
        entry = cache(row, position);
        if (entry === undefined) return;
      }
      const { marked: month } = entry;
      if (position > month.changedUpTo) month.changedUpTo = position;
      // What came while nobody noted is read behind what came since.
      if (position < month.firstAt) month.firstAt = position;
    },
    mark(change) {
      const { dataset, month, since = now(), firstAt = 1 } = change;
      const { changedUpTo, registryVersion, leastUpTo = 0 } = change;
      const found = find(dataset, month, { since, firstAt });
      found.firstAt = Math.min(found.firstAt, firstAt);
      found.changedUpTo = Math.max(found.changedUpTo, changedUpTo);
      found.registryVersion = Math.max(found.registryVersion, registryVersion);
      found.leastUpTo = Math.max(found.leastUpTo, leastUpTo);
    },
    settle(dataset, month, files) {
      const found = marked.get(keyOf(dataset, month));
      if (found === undefined) return;
      const isWhole =
        found.changedUpTo <= files.position && found.registryVersion <= files.registryVersion;
      hasChanged = true;
      if (isWhole) {
        marked.delete(keyOf(dataset, month));
        cached = [];
        return;
      }
      // The first change behind these files is the next one at the earliest.
      Object.assign(found, { since: now(), firstAt: files.position + 1, wantedUpTo: undefined });
    },
    takeChanged() {
      const changed = hasChanged;
      hasChanged = false;
      return changed;
    },
    useNetwork(next) {
      if (network === next) return;
      network = next;
      cached = [];
    },
  };
}

function keyOf(dataset: string, month: Month): string {
  return `${dataset} ${month}`;
}
