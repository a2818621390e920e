/** Batches for the suites: rows that revise, come late, are deleted, from small random numbers. */
import type { Flag } from '../quality.ts';
import { maskOf } from '../quality.ts';
import type { ChangeType, ObservationKey, ObservationRow, Raw, Verdict } from '../observation.ts';
import type { Batch, ControlEntry, QuarantineEntry } from '../observations/batch.ts';
import type { Position } from '../log/log.ts';
import { noTotals } from '../observations/batch.ts';

export const worldStartAt = Date.UTC(2024, 2, 30, 21, 0, 0);
const dayMs = 86_400_000;

/** One row as fast-check makes it. */
export interface RowSeed {
  readonly series: number;
  readonly day: number;
  readonly slot: number;
  readonly form: number;
  readonly value: number;
  readonly kind: 'value' | 'history' | 'deletion' | 'repeat' | 'backfill' | 'null';
}

export interface EntrySeed {
  readonly reading: number;
  readonly channel: number;
  readonly end: boolean;
}

export interface BatchSeed {
  readonly rows: readonly RowSeed[];
  readonly entries: readonly EntrySeed[];
  readonly waitMs: number;
}

function verdictOf(flag: Flag, qualifiers: number): Verdict {
  return {
    flag,
    tests: flag === 1 ? '1111222222222222' : '1111432222222222',
    qualifiers,
    reason: flag === 9 ? 'MISSING' : null,
    rules: '0badc0de',
  };
}

const texts = ['21.50', '-0.0', '1e3', '007', '3', '0.1', '99999999999999999999', '-12.25', ''];

/** A growing world: gives the next batch, of the next position, from a seed. */
export interface World {
  readonly batches: ReadonlyMap<Position, Batch>;
  readonly end: Position;
  grow(seed: BatchSeed): Batch;
}

/** With partitions, a copy of so many: each has its own clock, the others' are ahead of it or behind. */
export function createWorld(partitions?: number): World {
  const batches = new Map<Position, Batch>();
  const revisions = new Map<string, number>();
  const superseded = new Map<string, number>();
  const rows: ObservationRow[] = [];
  const numbers = Array.from({ length: partitions ?? 0 }, () => 0);
  let nowAt = worldStartAt;
  let publishedAt = worldStartAt;
  let reading = 0;

  function placeOf(position: Position): Pick<Batch, 'place'> {
    if (partitions === undefined) return {};
    const partition = (position * 7) % partitions;
    publishedAt = nowAt + partition * 20_000;
    numbers[partition]! += 1;
    return { place: { partition, positions: numbers.slice() } };
  }

  function rowOf(seed: RowSeed): ObservationRow {
    const before = rows.at(-(seed.slot % 7) - 1);
    if (seed.kind === 'repeat' && before !== undefined) return { ...before, publishedAt };
    const key = keyOf(seed);
    const text = `${key.series} ${key.endAt} ${key.startAt} ${key.heightMm}`;
    const held = revisions.get(text) ?? 0;
    const isHistory = seed.kind === 'history' && held > 0;
    const type: ChangeType =
      seed.kind === 'deletion' && held > 0 ? 'deletion' : held === 0 ? 'insert' : 'correction';
    const revision = isHistory ? (superseded.get(text) ?? 0) - 1 : held;
    if (isHistory) superseded.set(text, revision);
    else revisions.set(text, held + 1);
    return { ...key, ...madeRow({ seed, key, type, revision, publishedAt, reading: ++reading }) };
  }

  return {
    batches,
    get end() {
      return batches.size;
    },
    grow(seed) {
      nowAt += seed.waitMs;
      publishedAt = nowAt;
      const position = batches.size + 1;
      const place = placeOf(position);
      const made: ObservationRow[] = [];
      for (const rowSeed of seed.rows) {
        const row = rowOf(rowSeed);
        made.push(row);
        rows.push(row);
      }
      const batch: Batch = {
        publishedAt,
        consumed: reading,
        registryVersion: position % 5,
        totals: { ...noTotals, readingsSettled: position },
        rows: made,
        quarantined: seed.entries.map((entry) => quarantineOf(entry, publishedAt)),
        control: seed.entries
          .filter(({ end }) => end)
          .map((entry) => controlOf(entry, publishedAt)),
        ...place,
      };
      batches.set(position, batch);
      return batch;
    },
  };
}

interface MadeRow {
  readonly seed: RowSeed;
  readonly key: ObservationKey;
  readonly type: ChangeType;
  readonly revision: number;
  readonly publishedAt: number;
  readonly reading: number;
}

function madeRow(made: MadeRow): Omit<ObservationRow, keyof ObservationKey> {
  const { seed, key, type, revision, publishedAt, reading } = made;
  const isNull = type === 'deletion' || seed.kind === 'null';
  const resultAt = seed.form % 5 === 4 ? publishedAt - seed.value * 1_000 : Number.NaN;
  const receivedAt = publishedAt - (seed.value % 50);
  const hasOwnTime = !Number.isNaN(resultAt);
  return {
    revision,
    current: revision >= 0,
    type: revision < 0 ? 'insert' : type,
    cause: type === 'correction' && seed.form % 2 === 1 ? 'flag' : 'value',
    result: isNull ? null : resultOf(seed),
    verdict: verdictOf(flagOf(seed, isNull), seed.kind === 'backfill' ? maskOf(['BACKFILL']) : 0),
    resultAt,
    receivedAt,
    publishedAt,
    rank: {
      klass: isNull && !hasOwnTime ? 0 : 1,
      at: hasOwnTime ? resultAt : receivedAt,
      node: seed.form % 7 === 6 ? 3 : 0,
      position: reading,
    },
    device: `device-${seed.form % 3}`,
    raw: rawOf(seed, key),
    payloadHash: seed.form % 11 === 10 ? 4_000_000_000 + seed.value : -1,
    latitude: seed.form % 6 === 5 ? 10.5 + seed.value / 1e6 : Number.NaN,
    longitude: seed.form % 6 === 5 ? 106.25 : Number.NaN,
  };
}

/** Few keys, so that rows meet: 40 slots of a day at its edges, some intervals, some heights. */
function keyOf(seed: RowSeed): ObservationKey {
  const endAt = worldStartAt + seed.day * dayMs + seed.slot * 450_000;
  const isInterval = seed.form % 4 === 1;
  return {
    series: seed.series,
    endAt,
    startAt: isInterval ? endAt - 900_000 : endAt,
    heightMm: seed.form % 4 === 2 ? -1_500 : seed.form % 4 === 3 ? 250.5 : Number.NaN,
  };
}

function resultOf(seed: RowSeed): number {
  const own = [seed.value / 10, seed.value, (seed.value / 10) * 1.96, -0, 1e-300, seed.value / 7];
  return own[seed.form % own.length]!;
}

function flagOf(seed: RowSeed, isNull: boolean): Flag {
  if (isNull) return 9;
  const usual: Flag[] = [1, 1, 1, 3, 4, 2];
  return usual[seed.value % usual.length]!;
}

function rawOf(seed: RowSeed, key: ObservationKey): Raw {
  const value =
    seed.kind === 'null'
      ? null
      : seed.form % 3 === 0
        ? (seed.value / 10).toFixed(1)
        : texts[(seed.form + seed.value) % texts.length]!;
  const iso = new Date(key.endAt + 7 * 3_600_000).toISOString();
  const times = [
    null,
    String(key.endAt),
    `${iso.slice(0, 19)}+07:00`,
    'yesterday',
    iso.slice(0, 16),
  ];
  return {
    name: `channel-${seed.series}`,
    value,
    unit: seed.form % 2 === 0 ? null : 'ppb',
    time: times[seed.value % times.length]!,
  };
}

function quarantineOf(seed: EntrySeed, receivedAt: number): QuarantineEntry {
  return {
    position: seed.reading,
    receivedAt,
    device: `device-${seed.reading % 2}`,
    topic: 'env/v1/device/obs',
    channel: seed.channel === 0 ? null : `channel-${seed.channel}`,
    code: 'CODEC_BAD',
    offset: seed.channel - 1,
    detail: 'a number was expected',
    state: seed.end ? (seed.channel === 1 ? 'dismissed' : 'replayed') : 'open',
    payload: seed.end ? null : Uint8Array.of(seed.reading, 0, 255),
  };
}

function controlOf(seed: EntrySeed, receivedAt: number): ControlEntry {
  const device = `device-${seed.reading % 2}`;
  return {
    position: seed.reading,
    receivedAt,
    device,
    kind: 'state',
    text: `{"n":${seed.channel}}`,
  };
}

/** A row whose raw value is spelt out, so that rows of any origin compare. */
export function plainRow(row: ObservationRow): ObservationRow {
  const { name, value, unit, time } = row.raw;
  return { ...row, raw: { name, value, unit, time } };
}
