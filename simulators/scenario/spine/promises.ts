/** Holds what a run left against the promises: each thing that is wrong, as a sentence. */
import type { ObservationRow } from '../../../ingest/observation.ts';
import type { LogRecord } from '../../../ingest/log/log.ts';
import { openLogReader } from '../../../ingest/log/segment-log.ts';
import type { LoggedReading } from '../../../ingest/reading-codec.ts';
import type { StoreReader } from '../../../ingest/store/store.ts';
import { expectedKey, expectedOf, isSame, type Expected } from './expected.ts';
import { followFromZero, type FeedState } from './feed.ts';
import { observationsFolder, readingsFolder, type Parts } from './life.ts';
import { readingsOf, readRecords } from './readings.ts';
import { keptOf, keyLine, rowLine, wrongOfView } from './state.ts';
import type { World } from './world.ts';

export interface Verdict {
  /** Acknowledged readings that are not in the log as they were sent. */
  readonly lost: number;
  /** Readings in the log that nobody sent, and observations that no reading tells. */
  readonly invented: number;
  /** Measurements that are visible more than once. */
  readonly doubled: number;
  /** Measurements that are not visible, nor in quarantine. */
  readonly missing: number;
  readonly wrong: readonly string[];
  readonly acknowledged: number;
  readonly readings: number;
  readonly observations: number;
  readonly rows: number;
  readonly records: readonly LogRecord[];
}

const shown = 5;

export async function judgeRun(world: World, parts: Parts): Promise<Verdict> {
  const end = parts.readings.durableEnd.get();
  const records = await readRecords(world.disk, readingsFolder, end);
  const readings = readingsOf(records);
  const wrong: string[] = [];
  const lost = countLost(world, readings, wrong);
  const strangers = readings.filter((reading) => world.ledger.messageOf(reading) === undefined);
  wrong.push(...strangers.slice(0, shown).map(({ position }) => `nobody sent reading ${position}`));
  const feed = await followFeed(world, parts);
  wrong.push(...feed.wrong.slice(0, shown), ...wrongOfFeed(feed, parts));
  const crashed = setAsideOf(parts.store);
  const known = readings.filter((reading) => world.ledger.messageOf(reading) !== undefined);
  const expected = expectedOf(
    known,
    world.network,
    (reading) => world.ledger.messageOf(reading)!,
    (position) => crashed.has(position),
  );
  const found = compareKept(parts.store, expected, wrong);
  wrong.push(...wrongCounts(feed, expected));
  return {
    lost,
    invented: strangers.length + found.invented,
    doubled: world.ledger.promisedTwice + found.doubled,
    missing: found.missing,
    wrong,
    acknowledged: world.ledger.acknowledged.size,
    readings: readings.length,
    observations: expected.kept.size,
    rows: feed.rows,
    records,
  };
}

/** Promise 1: the exact bytes, topic, device and receive time, at the position that was told. */
export function countLost(
  world: World,
  readings: readonly LoggedReading[],
  wrong: string[],
): number {
  const byPosition = new Map(readings.map((reading) => [reading.position, reading]));
  let lost = 0;
  for (const [position, { message, receivedAt }] of world.ledger.acknowledged) {
    const kept = byPosition.get(position);
    const isKept =
      kept?.kind === message.kind &&
      kept.device === message.device &&
      kept.topic === message.topic &&
      kept.receivedAt === receivedAt &&
      message.payload.equals(kept.payload);
    if (isKept) continue;
    lost += 1;
    if (lost <= shown) wrong.push(`acknowledged reading ${position} is lost`);
  }
  return lost;
}

async function followFeed(world: World, { ends }: Parts): Promise<FeedState> {
  const reader = await openLogReader({
    fileSystem: world.disk,
    directory: observationsFolder,
    durableEnd: ends.observations,
  });
  const feed = await followFromZero(reader);
  await reader.close();
  return feed;
}

/** `changes` from zero rebuilds the same state; latest is the newest by phenomenon time. */
function wrongOfFeed(feed: FeedState, { store, readings }: Parts): string[] {
  const wrong: string[] = [];
  if (feed.consumed !== readings.durableEnd.get()) wrong.push(`consumed only ${feed.consumed}`);
  wrong.push(...wrongOfView(store, feed.current));
  const latest = new Map<number, ObservationRow>();
  for (const row of feed.current.values()) {
    const known = latest.get(row.series);
    const isOpen = (row.verdict.qualifiers & backfillMask) === 0 && row.type !== 'deletion';
    if (isOpen && (known === undefined || row.endAt > known.endAt)) latest.set(row.series, row);
  }
  for (const series of store.series()) {
    const told = store.latest(series)?.endAt;
    const newest = latest.get(series)?.endAt;
    if (told !== newest) wrong.push(`latest of ${series} ends at ${told}, not ${newest}`);
  }
  return wrong;
}

const backfillMask = 1 << 12;

/** Readings that ingest gave up after it had died of them again and again. */
export function setAsideOf(store: StoreReader): ReadonlySet<number> {
  const entries = store.quarantine({ limit: Number.MAX_SAFE_INTEGER });
  return new Set(
    entries.filter(({ code }) => code === 'INGEST_CRASHED').map(({ position }) => position),
  );
}

/** Promises 2, 3 and 5: what the readings tell is there, once, and nothing else is. */
function compareKept(
  store: StoreReader,
  expected: Expected,
  wrong: string[],
): { readonly invented: number; readonly doubled: number; readonly missing: number } {
  const tell = (text: string, count: number): void => void (count <= shown && wrong.push(text));
  const seen = new Set<string>();
  let invented = 0;
  let doubled = 0;
  let missing = 0;
  for (const series of store.series()) {
    for (const rows of keptOf(store, series)) {
      const [current] = rows as [ObservationRow];
      const { endAt, startAt, heightMm } = current;
      const key = expectedKey(series, endAt, startAt, heightMm);
      if (seen.has(key)) tell(`${keyLine(current)} is there twice`, ++doubled);
      seen.add(key);
      const values = expected.kept.get(key);
      if (values === undefined) tell(`nothing tells ${rowLine(current)}`, ++invented);
      else {
        const problem = wrongOfKey(rows, values);
        if (problem !== null) wrong.push(`${keyLine(current)}: ${problem}`);
      }
    }
  }
  for (const key of expected.kept.keys()) if (!seen.has(key)) tell(`${key} is missing`, ++missing);
  return { invented, doubled, missing };
}

function wrongOfKey(
  rows: readonly ObservationRow[],
  values: Expected['kept'] extends ReadonlyMap<string, infer Values> ? Values : never,
): string | null {
  const [current] = rows;
  const [greatest] = values;
  if (current === undefined || greatest === undefined) return 'no value';
  if (!isSame(current.result, greatest.result)) {
    return `${current.result} is current, not ${greatest.result}`;
  }
  if (!Object.is(current.resultAt, greatest.resultAt)) return 'another result time is current';
  if (current.device !== greatest.device) return `told by ${current.device}`;
  const kept = new Set(rows.map((row) => `${row.result}@${row.resultAt}`));
  return kept.size === values.length ? null : `${kept.size} values are kept, not ${values.length}`;
}

function wrongCounts({ totals }: FeedState, { counts, readings }: Expected): string[] {
  const claims: readonly (readonly [string, number, number])[] = [
    ['stored', totals.measurementsStored, counts.stored],
    ['duplicates', totals.measurementsDuplicate, counts.duplicate],
    ['revisions', totals.measurementsRevision, counts.revision],
    ['quarantined measurements', totals.measurementsQuarantined, counts.quarantined],
    ['settled readings', totals.readingsSettled, readings.settled],
    ['quarantined readings', totals.readingsQuarantined, readings.quarantined],
    ['control readings', totals.readingsControl, readings.control],
  ];
  return claims
    .filter(([, counted, wanted]) => counted !== wanted)
    .map(([name, counted, wanted]) => `${counted} ${name}, not ${wanted}`);
}
