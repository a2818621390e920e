/** One flush of the tail: its units (series and day), in slices that the writer commits. */
import type { Database } from '../../devices/database.ts';
import type { Position } from '../log/log.ts';
import type { BalanceTotals, SourceMark } from '../observations/batch.ts';
import type { ObservationRow } from '../observation.ts';
import type { Sink } from './columns/bytes.ts';
import { addRow } from './columns/rows.ts';
import type { StoreConfig } from './config.ts';
import { createEntryWriter } from './entries.ts';
import { createPublicationWriter } from './publications.ts';
import { createSeriesWriter } from './series-writer.ts';
import type { Tail, TailGroups } from './tail.ts';
import type { View } from './view.ts';

/** What the view says of itself once the flush is whole. */
export interface FlushStanding {
  readonly position: Position;
  readonly totals: BalanceTotals;
  readonly consumed: Position;
  readonly publishedAt: number;
  readonly registryVersion: number;
  readonly sources: readonly SourceMark[] | undefined;
}

/** How far a flush has come. */
export interface FlushProgress {
  /** Next series, and of it the first day that is not written yet. */
  at: number;
  fromDay: number;
  /** Next entries; −1 behind the last. */
  quarantineAt: number;
  controlAt: number;
  isDone: boolean;
}

export interface Flush {
  readonly standing: FlushStanding;
  readonly groups: TailGroups;
  readonly progress: FlushProgress;
}

export interface FlushOptions {
  readonly view: View;
  readonly tail: Tail;
  readonly sink: Sink;
  readonly config: StoreConfig;
  readonly isCircular: (series: number) => boolean;
}

export interface FlushWriter {
  begin(standing: FlushStanding): Flush;
  /** Writes units until `isOver`, inside a transaction; gives the rows written. */
  writeSlice(flush: Flush, isOver: () => boolean): number;
  /** Writes rows of one series, inside a transaction, as if they had been in the tail. */
  writeRows(series: number, rows: readonly ObservationRow[], position: Position): void;
  /** After a transaction that was rolled back: forgets what was taken for written. */
  reload(): void;
}

function createProgress(): FlushProgress {
  return { at: 0, fromDay: -Infinity, quarantineAt: 0, controlAt: 0, isDone: false };
}

/** Entries of quarantine or control that are written before the time is looked at. */
const entriesAtOnce = 32;

export function createFlushWriter(options: FlushOptions): FlushWriter {
  const { view, tail } = options;
  const seriesWriter = createSeriesWriter(options);
  const entryWriter = createEntryWriter(view);
  const finish = createFinish(options);
  const putTarget = view.database.prepare('UPDATE state SET target = ?');

  function writeUnit({ standing, groups, progress }: Flush, isOver: () => boolean): number {
    const target = standing.position;
    if (progress.at < groups.series.length) return seriesWriter.write(groups, progress, isOver);
    if (progress.quarantineAt >= 0) {
      progress.quarantineAt = putSome(tail.quarantine, progress.quarantineAt, target, (entry) =>
        entryWriter.putQuarantine(entry),
      );
    } else if (progress.controlAt >= 0) {
      progress.controlAt = putSome(tail.control, progress.controlAt, target, (entry) =>
        entryWriter.putControl(entry),
      );
    } else {
      finish(standing);
      progress.isDone = true;
    }
    return 0;
  }

  return {
    begin: (standing) => ({
      standing,
      groups: tail.group(standing.position),
      progress: createProgress(),
    }),
    writeSlice(flush, isOver) {
      const { progress } = flush;
      const isFirst = progress.at === 0 && progress.fromDay === -Infinity;
      if (isFirst) putTarget.run(flush.standing.position);
      let rows = 0;
      do rows += writeUnit(flush, isOver);
      while (!progress.isDone && !isOver());
      return rows;
    },
    writeRows(series, rows, position) {
      const groups: TailGroups = {
        series: [series],
        take: (_at, into) => {
          for (const row of rows) addRow(into, row, position);
        },
      };
      seriesWriter.write(groups, createProgress(), () => false);
    },
    reload() {
      seriesWriter.reload();
      view.dictionary.reload();
    },
  };
}

/** Some entries up to `target`, from `from` on; gives the next place, −1 behind the last. */
function putSome<Entry extends { readonly batch: Position }>(
  entries: readonly Entry[],
  from: number,
  target: Position,
  put: (entry: Entry) => void,
): number {
  for (let at = from; at < from + entriesAtOnce; at++) {
    const entry = entries[at];
    if (entry === undefined || entry.batch > target) return -1;
    put(entry);
  }
  return from + entriesAtOnce;
}

/** The last unit: from here on the view is whole up to the flush's position. */
function createFinish({ view, tail, sink }: FlushOptions): (standing: FlushStanding) => void {
  const putPublications = createPublicationWriter(view, sink);
  const put = putStanding(view.database);
  return (standing) => {
    const { position } = standing;
    putPublications(tail.publications.filter((publication) => publication.position <= position));
    put(standing);
  };
}

/** Writes what a view says of itself. */
export function putStanding(database: Database): (standing: FlushStanding) => void {
  const putState = database.prepare(
    `UPDATE state SET position = ?, target = ?, published_at = ?, consumed = ?,
     registry_version = ?, totals = ?, sources = ?`,
  );
  return ({ position, totals, consumed, publishedAt, registryVersion, sources }) => {
    const text = JSON.stringify(totals);
    const marks = sources === undefined ? null : JSON.stringify(sources);
    putState.run(position, position, publishedAt, consumed, registryVersion, text, marks);
  };
}
