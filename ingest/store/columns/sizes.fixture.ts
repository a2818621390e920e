/** Observations as a station would have sent them, from columns of text: for measuring sizes. */
import type { ObservationRow, Verdict } from '../../observation.ts';
import type { Batch } from '../../observations/batch.ts';
import type { Random } from '../../../devices/random.ts';
import { noTotals } from '../../observations/batch.ts';

export interface SentColumn {
  readonly name: string;
  readonly unit: string | null;
  /** Of the unit's conversion: result = sent × scale + shift. */
  readonly scale: number;
  readonly shift: number;
}

export interface SentRecord {
  readonly endAt: number;
  readonly timeText: string;
  /** One text a column, empty where nothing was sent. */
  readonly texts: readonly string[];
}

export interface Station {
  readonly device: string;
  readonly columns: readonly SentColumn[];
  readonly records: readonly SentRecord[];
  /** Series of the first column; the others follow. */
  readonly firstSeries: number;
}

const good = verdict(1, '1112111112212222');
const suspect = verdict(3, '1112113112212222');
const missing = verdict(9, '9222222222222222');

function verdict(flag: 1 | 3 | 9, tests: string): Verdict {
  return { flag, tests, qualifiers: 0, reason: flag === 9 ? 'MISSING' : null, rules: '0badc0de' };
}

/** One batch a message, with delays and neighbours' traffic as a network of 1,000 stations has. */
export function batchesOf(station: Station, random: Random): Map<number, Batch> {
  const batches = new Map<number, Batch>();
  const start = station.records[0]!.endAt;
  let lastReading = 0;
  let lastBatch = 0;
  for (const record of station.records) {
    const receivedAt = record.endAt + 400 + Math.floor(random.next() * 2_000);
    const passed = (receivedAt - start) / 1_000;
    /** A network of 1,000 stations with a message every five minutes each. */
    const reading = Math.max(lastReading + 1, Math.floor(passed * 3.3 + random.next() * 8));
    lastReading = reading;
    /** Now and then a batch takes several messages. */
    const batch = Math.max(lastBatch + 1, Math.floor(reading * 0.9 + random.next() * 3));
    lastBatch = batch;
    const publishedAt = receivedAt + 4 + Math.floor(random.next() * 20);
    const rows = station.columns.map((column, at) =>
      rowOf(station, record, { column, at, receivedAt, publishedAt, reading, random }),
    );
    const head = { publishedAt, consumed: reading, registryVersion: 1, totals: noTotals };
    batches.set(batch, { ...head, rows, quarantined: [], control: [] });
  }
  return batches;
}

interface Sent {
  readonly column: SentColumn;
  readonly at: number;
  readonly receivedAt: number;
  readonly publishedAt: number;
  readonly reading: number;
  readonly random: Random;
}

function rowOf(station: Station, record: SentRecord, sent: Sent): ObservationRow {
  const { column, receivedAt, publishedAt, reading } = sent;
  const text = record.texts[sent.at]!;
  const isNull = text === '' || text === '-9999';
  const result = isNull ? null : Number(text) * column.scale + column.shift;
  const flagged = sent.random.next() < 0.02 ? suspect : good;
  return {
    series: station.firstSeries + sent.at,
    endAt: record.endAt,
    startAt: record.endAt,
    heightMm: Number.NaN,
    revision: 0,
    current: true,
    type: 'insert',
    cause: 'value',
    result,
    verdict: isNull ? missing : flagged,
    resultAt: Number.NaN,
    receivedAt,
    publishedAt,
    rank: { klass: isNull ? 0 : 1, at: receivedAt, node: 0, position: reading },
    device: station.device,
    raw: { name: column.name, value: text, unit: column.unit, time: record.timeText },
    payloadHash: -1,
    latitude: Number.NaN,
    longitude: Number.NaN,
  };
}

/** A station that was never there: eight variables with the noise and decimals of real sensors. */
export function madeStation(random: Random, days: number, intervalMs: number): Station {
  const shapes = [
    ['temperature', 1, 25, 6],
    ['humidity', 0, 75, 18],
    ['wind', 1, 3, 2],
    ['direction', 0, 180, 90],
    ['pressure', 1, 1008, 4],
    ['pm25', 1, 35, 14],
    ['ph', 2, 7.6, 0.2],
    ['turbidity', 2, 40, 25],
  ] as const;
  const state = shapes.map(() => 0);
  const start = Date.UTC(2025, 4, 5);
  const records: SentRecord[] = [];
  for (let step = 1; step <= (days * 86_400_000) / intervalMs; step++) {
    const endAt = start + step * intervalMs;
    const texts = shapes.map(([, decimals, base, spread], at) => {
      const noise = random.next() + random.next() + random.next() - 1.5;
      state[at] = state[at]! * 0.98 + noise * 0.25;
      const value = base + spread * (state[at]! * 0.5 + noise * 0.1);
      return random.next() < 0.004 ? '' : value.toFixed(decimals);
    });
    records.push({ endAt, timeText: new Date(endAt).toISOString(), texts });
  }
  const columns = shapes.map(([name], at) => ({
    name,
    unit: at === 2 ? 'km/h' : null,
    scale: at === 2 ? 1 / 3.6 : 1,
    shift: 0,
  }));
  return { device: 'made-1', columns, records, firstSeries: 0 };
}
