/** The port answered the slow and plain way, from all batches: what the suites compare with. */
import { compareRank, type ObservationKey, type ObservationRow } from '../observation.ts';
import { flags, maskOf } from '../quality.ts';
import type { Batch, QuarantineEntry } from '../observations/batch.ts';
import type { Position } from '../log/log.ts';
import type { Publication } from './tail-publications.ts';
import type { HourRollup, KeptQuery, RangeQuery, StoreReader } from './store.ts';

const hourMs = 3_600_000;

/** Of the suites' three series the last is an angle. */
export const isCircularSeries = (series: number): boolean => series === 2;

interface Held {
  readonly position: Position;
  readonly row: ObservationRow;
}

type Batches = ReadonlyMap<Position, Batch>;

function heightOf(key: ObservationKey): number {
  return Number.isNaN(key.heightMm) ? -Infinity : key.heightMm;
}

function compareNumbers(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compare(a: ObservationKey, b: ObservationKey): number {
  return (
    compareNumbers(a.endAt, b.endAt) ||
    compareNumbers(a.startAt, b.startAt) ||
    compareNumbers(heightOf(a), heightOf(b))
  );
}

function keyText(key: ObservationKey): string {
  return `${key.endAt} ${key.startAt} ${heightOf(key)}`;
}

/** Rows of a series up to a position by key, repeats dropped. */
function keysOf(batches: Batches, series: number, pin: Position): Held[][] {
  const keys = new Map<string, Held[]>();
  for (const [position, batch] of batches) {
    if (position > pin) continue;
    for (const row of batch.rows) {
      if (row.series !== series) continue;
      const held = keys.get(keyText(row)) ?? [];
      keys.set(keyText(row), held);
      const isRepeat = held.some(({ row: other }) => other.revision === row.revision);
      if (!isRepeat) held.push({ position, row });
    }
  }
  return [...keys.values()].toSorted((a, b) => compare(a[0]!.row, b[0]!.row));
}

function currentOf(held: readonly Held[]): ObservationRow | undefined {
  let best: ObservationRow | undefined;
  for (const { row } of held) {
    if (row.current && (best === undefined || row.revision > best.revision)) best = row;
  }
  return best;
}

function keptOf(held: readonly Held[]): ObservationRow[] {
  const newest = currentOf(held);
  const rest = held
    .map(({ row }) => row)
    .filter((row) => row !== newest)
    .toSorted(
      (a, b) =>
        compareRank(b.rank, a.rank) ||
        b.revision - a.revision ||
        compareNumbers(b.result ?? -Infinity, a.result ?? -Infinity),
    );
  return newest === undefined ? rest : [newest, ...rest];
}

function visible(batches: Batches, series: number, pin: Position): ObservationRow[] {
  return keysOf(batches, series, pin)
    .map(currentOf)
    .filter((row) => row !== undefined)
    .filter((row) => row.type !== 'deletion');
}

export function naiveStore(
  batches: Batches,
  position: Position,
  isCircular: (series: number) => boolean,
): Omit<StoreReader, 'totals'> {
  function range(query: RangeQuery): ObservationRow[] {
    const rows = visible(batches, query.series, query.asOf ?? position).filter(
      (row) => row.endAt >= query.fromAt && row.endAt < query.toAt,
    );
    const sign = query.order === 'asc' ? 1 : -1;
    const { after } = query;
    return (sign === 1 ? rows : rows.toReversed())
      .filter((row) => after === undefined || sign * compare(row, after) > 0)
      .slice(0, query.limit);
  }

  function kept({ series, after, limit, asOf }: KeptQuery): ObservationRow[] {
    const found: ObservationRow[] = [];
    for (const held of keysOf(batches, series, asOf ?? position)) {
      if (found.length >= limit) break;
      if (after === undefined || compare(held[0]!.row, after) > 0) found.push(...keptOf(held));
    }
    return found;
  }

  function series(): number[] {
    const held = new Set<number>();
    for (const [at, batch] of batches) {
      if (at <= position) for (const row of batch.rows) held.add(row.series);
    }
    return [...held].toSorted((a, b) => a - b);
  }

  return {
    position,
    range,
    kept,
    series,
    latest: (of) =>
      visible(batches, of, position).findLast(
        (row) => (row.verdict.qualifiers & maskOf(['BACKFILL'])) === 0,
      ),
    revisions: (key) =>
      keptOf(
        keysOf(batches, key.series, position).find((held) => compare(held[0]!.row, key) === 0) ??
          [],
      ),
    hours: (of, fromAt, toAt) =>
      naiveHours(visible(batches, of, position), isCircular(of)).filter(
        ({ hourAt }) => hourAt > fromAt && hourAt <= toAt,
      ),
    quarantine: (query) => naiveQuarantine(batches, position, query),
    control: ({ device, limit }) =>
      [...batches]
        .filter(([at]) => at <= position)
        .flatMap(([, batch]) => batch.control)
        .filter((entry) => entry.device === device)
        .toReversed()
        .slice(0, limit),
    positionAt: (publishedAt) => publishedBy(publishedAt, 0)?.position ?? 0,
    publishedBy,
    numberedUpTo: (number, partition) =>
      publicationsOf(batches, partition, position).findLast((each) => each.number <= number),
  };

  function publishedBy(publishedAt: number, partition: number): Publication | undefined {
    const all = publicationsOf(batches, partition, position);
    return all.findLast((each) => each.publishedAt <= publishedAt);
  }
}

function publicationsOf(batches: Batches, partition: number, pin: Position): Publication[] {
  const found: Publication[] = [];
  for (const [position, { publishedAt, place }] of batches) {
    if (position > pin || (place?.partition ?? 0) !== partition) continue;
    const number = place === undefined ? position : place.positions[partition]!;
    found.push({ position, publishedAt, partition, number });
  }
  return found;
}

function naiveHours(rows: readonly ObservationRow[], circular: boolean): HourRollup[] {
  const hours = new Map<number, ObservationRow[]>();
  for (const row of rows) {
    const hourAt = Math.ceil(row.endAt / hourMs) * hourMs;
    hours.set(hourAt, [...(hours.get(hourAt) ?? []), row]);
  }
  return [...hours].map(([hourAt, held]) => naiveHour(hourAt, held, circular));
}

function naiveHour(hourAt: number, rows: readonly ObservationRow[], circular: boolean): HourRollup {
  const valued = rows.filter((row) => row.result !== null);
  const good = valued.filter((row) => row.verdict.flag !== flags.fail);
  const values = good.map((row) => row.result!);
  const angles = circular ? values.map((value) => (value * Math.PI) / 180) : [];
  return {
    series: rows[0]!.series,
    hourAt,
    count: good.length,
    sum: values.reduce((sum, value) => sum + value, 0),
    min: values.length === 0 ? Number.NaN : Math.min(...values),
    max: values.length === 0 ? Number.NaN : Math.max(...values),
    sumSin: angles.reduce((sum, angle) => sum + Math.sin(angle), 0),
    sumCos: angles.reduce((sum, angle) => sum + Math.cos(angle), 0),
    first: values[0] ?? Number.NaN,
    last: values.at(-1) ?? Number.NaN,
    coveredMs: naiveCover(good),
    instants: new Set(good.filter(isInstant).map(({ endAt }) => endAt)).size,
    suspect: good.filter((row) => row.verdict.flag === flags.suspect).length,
    failed: valued.length - good.length,
    missing: rows.length - valued.length,
  };
}

const isInstant = ({ startAt, endAt }: ObservationRow): boolean => startAt === endAt;

/** Intervals of the suites begin and end on whole seconds, so that seconds can be counted. */
function naiveCover(rows: readonly ObservationRow[]): number {
  const seconds = new Set<number>();
  for (const { startAt, endAt } of rows) {
    for (let at = startAt; at < endAt; at += 1_000) seconds.add(at);
  }
  return seconds.size * 1_000;
}

function naiveQuarantine(
  batches: Batches,
  pin: Position,
  query: Parameters<StoreReader['quarantine']>[0],
): QuarantineEntry[] {
  const held: QuarantineEntry[] = [];
  for (const [at, batch] of batches) {
    if (at > pin) continue;
    for (const entry of batch.quarantined) {
      if (entry.state === 'open') {
        held.push(entry);
        continue;
      }
      for (const [place, other] of held.entries()) {
        const isSame = other.position === entry.position && other.channel === entry.channel;
        if (isSame && other.state === 'open') held[place] = { ...other, state: entry.state };
      }
    }
  }
  const before = query.beforePosition ?? Infinity;
  const found = held
    .toReversed()
    .toSorted((a, b) => b.position - a.position)
    .filter((entry) => query.state === undefined || entry.state === query.state)
    .filter((entry) => query.device === undefined || entry.device === query.device)
    .filter((entry) => entry.position < before);
  const last = found[query.limit - 1];
  return found.filter((entry, place) => place < query.limit || entry.position === last?.position);
}
