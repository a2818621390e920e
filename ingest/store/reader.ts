/** The questions of the port, answered from view and tail at one position. */
import type { ObservationRow } from '../observation.ts';
import type { BalanceTotals } from '../observations/batch.ts';
import type { Position } from '../log/log.ts';
import { rowOf } from './columns/rows.ts';
import { createEntryReader } from './entries.ts';
import { storeError } from './errors.ts';
import { createHoursReader } from './hours.ts';
import { createKeptReader } from './kept.ts';
import { createLatestReader } from './latest.ts';
import { createPublicationReader, type PublicationQuery } from './publications.ts';
import { createScanner } from './scan.ts';
import type { RangeQuery, StoreReader } from './store.ts';
import type { Publication } from './tail-publications.ts';
import type { Tail } from './tail.ts';
import type { View } from './view.ts';

/** Where the answers stand; the owner (follower or writer) moves it. */
export interface Standing {
  position: Position;
  totals: BalanceTotals;
}

export interface ReaderOptions {
  readonly view: View;
  readonly tail: Tail;
  readonly standing: Standing;
  /** Whether the series' values are angles, which are also summed on the circle. */
  readonly isCircular: (series: number) => boolean;
  /** Told the database's position at the beginning of each read, before anything is answered. */
  readonly onPosition: (position: Position) => void;
}

export interface Reader {
  /** The questions; where they stand is the owner's to say. */
  readonly questions: Omit<StoreReader, 'position' | 'totals'>;
  /** The row is in the tail already: keeps the rows that `latest` remembers true. */
  noticeRow(row: ObservationRow): void;
  /** Forgets the rows that `latest` remembers. */
  forgetLatest(): void;
}

export function createReader(options: ReaderOptions): Reader {
  const { view, tail, standing } = options;
  const scanner = createScanner(view);
  const entries = createEntryReader(view);
  const publication = createPublicationReader(view);
  const latest = createLatestReader(view, tail);
  const keys = createKeptReader(view, tail);
  const hours = createHoursReader(view, tail, options.isCircular);

  function reading<Result>(read: () => Result): Result {
    return view.reading((position) => {
      options.onPosition(position);
      return read();
    });
  }

  function pinOf(asOf: Position | undefined): Position {
    if (asOf === undefined) return standing.position;
    if (asOf <= standing.position) return asOf;
    throw storeError('STORE_POSITION_AHEAD', { asked: asOf, position: standing.position });
  }

  function range(query: RangeQuery): ObservationRow[] {
    const pin = pinOf(query.asOf);
    const found: ObservationRow[] = [];
    if (query.limit <= 0) return found;
    scanner.scan({ ...query, pin }, tail, (source, at) => {
      found.push(rowOf(source, at));
      return found.length < query.limit;
    });
    return found;
  }

  function seriesList(): number[] {
    const held = new Set([...view.seriesList(standing.position), ...tail.series()]);
    return [...held].toSorted((a, b) => a - b);
  }

  function publicationUpTo(query: Omit<PublicationQuery, 'pin'>): Publication | undefined {
    return reading(() => publication(tail, { ...query, pin: standing.position }));
  }

  function publishedBy(publishedAt: number, partition: number): Publication | undefined {
    return publicationUpTo({ by: 'publishedAt', upTo: publishedAt, partition });
  }

  const questions: Reader['questions'] = {
    latest: (series) =>
      latest.isRemembered(series)
        ? latest.latest(series, standing.position)
        : reading(() => latest.latest(series, standing.position)),
    range: (query) => reading(() => range(query)),
    revisions: (key) => reading(() => keys.revisions(key, standing.position)),
    kept: (query) => reading(() => keys.kept(query, pinOf(query.asOf))),
    series: () => reading(seriesList),
    hours: (series, fromAt, toAt) =>
      reading(() => hours({ series, fromAt, toAt, pin: standing.position })),
    quarantine: (query) => reading(() => entries.quarantine(tail, standing.position, query)),
    control: (query) => reading(() => entries.control(tail, standing.position, query)),
    positionAt: (publishedAt) => publishedBy(publishedAt, 0)?.position ?? 0,
    publishedBy,
    numberedUpTo: (number, partition) => publicationUpTo({ by: 'number', upTo: number, partition }),
  };

  return {
    questions,
    noticeRow: (row) => latest.notice(row),
    forgetLatest: () => latest.forget(),
  };
}
