/** The state of the platform as lines of text, so that two of them can be told apart and compared. */
import type { ObservationKey, ObservationRow } from '../../../ingest/observation.ts';
import { compareRank } from '../../../ingest/observation.ts';
import type { StoreReader } from '../../../ingest/store/store.ts';
import { maskOf } from '../../../ingest/quality.ts';

/** About arrival, not about the observation (promise 4). */
const arrivalMask = maskOf(['LATE', 'BACKFILL']);
const pageRows = 1_000;
const hourMs = 3_600_000;

export function keyLine(key: ObservationKey): string {
  return `${key.series} ${key.endAt} ${key.startAt} ${key.heightMm}`;
}

/** What promise 4 makes a function of the set of observations: one line a key. */
export function settledLine(rows: readonly ObservationRow[]): string {
  const [current, ...others] = rows;
  if (current === undefined) return '';
  const { verdict } = current;
  const values = [current, ...others.toSorted((a, b) => compareRank(b.rank, a.rank))];
  // What came before a value dated otherwise is its repeat when it comes after it.
  const dated = new Set(
    values.filter((row) => !Number.isNaN(row.resultAt)).map((row) => row.result),
  );
  const kept = new Set(
    values
      .filter((row) => !Number.isNaN(row.resultAt) || !dated.has(row.result))
      .map((row) => `${row.result}@${row.resultAt}`),
  );
  const tests = verdict.tests.replaceAll('2', '1');
  const qualifiers = verdict.qualifiers & ~arrivalMask;
  const judged = `${verdict.flag} ${tests} ${qualifiers} ${verdict.reason}`;
  return `${keyLine(current)} = ${current.result}@${current.resultAt} ${judged} | ${[...kept].join(' ')}`;
}

/** Every row of a series by key, the current one of each first. */
export function* keptOf(store: StoreReader, series: number): Generator<ObservationRow[]> {
  let after: ObservationKey | undefined;
  for (;;) {
    const query = { series, limit: pageRows };
    const page = store.kept(after === undefined ? query : { ...query, after });
    if (page.length === 0) return;
    let rows: ObservationRow[] = [];
    for (const row of page) {
      if (rows[0] !== undefined && keyLine(rows[0]) !== keyLine(row)) {
        yield rows;
        rows = [];
      }
      rows.push(row);
    }
    yield rows;
    after = page.at(-1);
  }
}

/** The settled state of a view, line by line in order of key. */
export function settledLines(store: StoreReader): string[] {
  const lines: string[] = [];
  for (const series of store.series()) {
    for (const rows of keptOf(store, series)) lines.push(settledLine(rows));
  }
  return lines;
}

/** All of a row that a reader of the feed can see. */
export function rowLine(row: ObservationRow): string {
  const { verdict, raw } = row;
  return [
    keyLine(row),
    row.revision,
    row.type,
    row.cause,
    row.result,
    Object.values(verdict).join(','),
    row.resultAt,
    row.receivedAt,
    row.publishedAt,
    row.device,
    `${raw.name},${raw.value},${raw.unit},${raw.time}`,
    `${row.latitude},${row.longitude}`,
  ].join(' ');
}

/** Every current row of the view must be that of the feed, and none may be missing: what is not so. */
export function wrongOfView(
  store: StoreReader,
  feed: ReadonlyMap<string, ObservationRow>,
  most = 5,
): string[] {
  const wrong: string[] = [];
  let count = 0;
  for (const series of store.series()) {
    const everything = {
      fromAt: -Infinity,
      toAt: Infinity,
      order: 'asc',
      limit: Infinity,
    } as const;
    for (const row of store.range({ series, ...everything })) {
      count += 1;
      const told = feed.get(keyLine(row));
      if (told !== undefined && isSameRow(row, told)) continue;
      const line = told === undefined ? 'nothing' : rowLine(told);
      if (wrong.length < most) wrong.push(`the view has ${rowLine(row)}, the feed ${line}`);
    }
  }
  if (count !== feed.size) wrong.push(`the view has ${count} observations, the feed ${feed.size}`);
  return wrong;
}

const plainFields = [
  'revision',
  'type',
  'cause',
  'result',
  'resultAt',
  'receivedAt',
  'publishedAt',
  'device',
  'payloadHash',
  'latitude',
  'longitude',
] as const;
const verdictFields = ['flag', 'tests', 'qualifiers', 'reason', 'rules'] as const;
const rawFields = ['name', 'value', 'unit', 'time'] as const;

function isSameRow(left: ObservationRow, right: ObservationRow): boolean {
  return (
    plainFields.every((name) => Object.is(left[name], right[name])) &&
    verdictFields.every((name) => left.verdict[name] === right.verdict[name]) &&
    rawFields.every((name) => left.raw[name] === right.raw[name]) &&
    compareRank(left.rank, right.rank) === 0
  );
}

/** Hour rollups of every series, sums to ten digits: their order of summing is the store's own. */
export function hourLines(store: StoreReader, fromAt: number, toAt: number): string[] {
  const first = Math.floor(fromAt / hourMs) * hourMs;
  return store.series().flatMap((series) =>
    store.hours(series, first, toAt).map((hour) =>
      Object.entries(hour)
        .map(([name, value]) => `${name}=${Number(value as number).toPrecision(10)}`)
        .join(' '),
    ),
  );
}

export function latestLines(store: StoreReader): string[] {
  return store.series().map((series) => {
    const row = store.latest(series);
    return row === undefined
      ? `${series} none`
      : `${keyLine(row)} ${row.result} ${row.verdict.flag}`;
  });
}

/** The first places where two states part, for people. */
export function differences(
  found: readonly string[],
  wanted: readonly string[],
  most = 5,
): string[] {
  if (found.length === wanted.length && found.every((line, at) => line === wanted[at])) return [];
  const inFound = new Set(found);
  const inWanted = new Set(wanted);
  return [
    ...found.filter((line) => !inWanted.has(line)).map((line) => `has ${line}`),
    ...wanted.filter((line) => !inFound.has(line)).map((line) => `lacks ${line}`),
  ]
    .toSorted((a, b) => (a.slice(a.indexOf(' ')) < b.slice(b.indexOf(' ')) ? -1 : 1))
    .slice(0, most);
}
