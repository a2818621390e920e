import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../devices/coded-error.ts';
import { changeCauses, changeTypes, type ObservationRow, type Raw } from '../observation.ts';
import { reasons, type Flag } from '../quality.ts';
import { decodeBatch, decodeBatchPlace, encodeBatch, placeBatch } from './batch-codec.ts';
import type { Batch, ControlEntry, QuarantineEntry } from './batch.ts';
import { DecimalRaw } from './decimal-raw.ts';

const publishedAt = 1_767_225_600_000;
const instant = fc.integer({ min: -(2 ** 52), max: 2 ** 52 });
const usualInstant = fc.integer({ min: 946_684_800_000, max: 4_102_444_800_000 });
const at = fc.oneof({ weight: 8, arbitrary: usualInstant }, instant);
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const orNaN = (arbitrary: fc.Arbitrary<number>): fc.Arbitrary<number> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(Number.NaN) }, arbitrary);
const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }));

const rawText = fc.oneof(
  fc.tuple(fc.integer(), fc.nat({ max: 6 })).map(([n, d]) => (n / 10 ** d).toFixed(d)),
  fc.constantFrom(
    '-9999',
    '-0',
    '-0.0',
    '007',
    '1.',
    '.5',
    '1e3',
    '+3',
    '',
    '-',
    'NaN',
    '12345678901234567',
  ),
  finite.map(String),
  fc.constant('\ud800'),
  text,
);

/** Times as devices spell them, of the row's own end or of another. */
const timeText = (endAt: number): fc.Arbitrary<string | null> => {
  const spelled = [String(endAt), `${endAt}000`, `${endAt}000000`, String(endAt / 1000)];
  {
    const rfc3339 = new Date(endAt).toISOString();
    spelled.push(rfc3339, `${rfc3339.slice(0, 19)}Z`, `${rfc3339.slice(0, 19)}+00:00`);
  }
  return fc.oneof(fc.constant(null), fc.constantFrom(...spelled), text);
};

const verdict = fc.record({
  flag: fc.constantFrom<Flag>(1, 2, 3, 4, 9),
  tests: fc.oneof(
    fc
      .array(fc.constantFrom('1', '2', '3', '4', '9'), { minLength: 16, maxLength: 16 })
      .map((d) => d.join('')),
    text,
  ),
  qualifiers: fc.nat({ max: 32_767 }),
  reason: fc.constantFrom(null, ...reasons),
  rules: fc.oneof(fc.constantFrom('0badcafe', 'ffffffff', '00000000'), text),
});

const row: fc.Arbitrary<ObservationRow> = at
  .chain((endAt) =>
    fc.record({
      series: fc.nat({ max: 2 ** 31 }),
      endAt: fc.constant(endAt),
      startAt: fc.oneof(
        fc.constantFrom(0, 60_000, 300_000, 3_600_000).map((span) => endAt - span),
        instant,
      ),
      heightMm: orNaN(fc.integer({ min: -11_000_000, max: 50_000_000 })),
      revision: fc.integer({ min: -70_000, max: 70_000 }),
      current: fc.constant(true),
      type: fc.constantFrom(...changeTypes),
      cause: fc.constantFrom(...changeCauses),
      result: fc.oneof(fc.constant(null), fc.constantFrom(-0, 0, 21.5, 1e-9), finite),
      verdict,
      resultAt: orNaN(at),
      receivedAt: at,
      publishedAt: fc.constant(publishedAt),
      rank: fc.record({
        klass: fc.constantFrom<0 | 1>(0, 1),
        at,
        node: fc.nat({ max: 1_000 }),
        position: fc.nat({ max: 2 ** 50 }),
      }),
      device: text,
      raw: fc.record<Raw>({
        name: fc.oneof(fc.constantFrom('t', 'rh', 'pm2.5'), text),
        value: fc.oneof(fc.constant(null), rawText),
        unit: fc.oneof(fc.constant(null), fc.constantFrom('Cel', '°F'), text),
        time: timeText(endAt),
      }),
      payloadHash: fc.oneof(fc.constant(-1), fc.nat({ max: 0xffffffff })),
      latitude: orNaN(fc.double({ min: -90, max: 90, noNaN: true })),
      longitude: orNaN(fc.double({ min: -180, max: 180, noNaN: true })),
    }),
  )
  .map((made) => ({ ...made, current: made.revision >= 0 }));

/** Rows as a message makes them: some neighbours differ only in series, name and value. */
const rows = fc.array(fc.tuple(row, fc.nat({ max: 20 })), { maxLength: 12 }).map((groups) =>
  groups.flatMap(([first, more]) =>
    Array.from({ length: more + 1 }, (_, index) => ({
      ...first,
      series: first.series + index,
      raw: { ...first.raw, name: `${first.raw.name}${index % 7}` },
    })),
  ),
);

const payload = fc.uint8Array({ maxLength: 80 });
const quarantined: fc.Arbitrary<QuarantineEntry> = fc.record({
  position: fc.nat({ max: 2 ** 50 }),
  receivedAt: at.filter((value) => Math.abs(value) < 2 ** 51),
  device: text,
  topic: text,
  channel: fc.oneof(fc.constant(null), text),
  code: fc.constantFrom('CODEC_SYNTAX', 'INGEST_CHANNEL_UNKNOWN'),
  offset: fc.integer({ min: -1, max: 1_000_000 }),
  detail: text,
  state: fc.constantFrom('open', 'replayed', 'dismissed'),
  payload: fc.oneof(fc.constant(null), payload),
});
const control: fc.Arbitrary<ControlEntry> = fc.record({
  position: fc.nat({ max: 2 ** 50 }),
  receivedAt: at.filter((value) => Math.abs(value) < 2 ** 51),
  device: text,
  kind: fc.constantFrom('state', 'registry'),
  text,
});
const total = fc.nat({ max: 2 ** 48 });
const batch: fc.Arbitrary<Batch> = fc.record({
  publishedAt: fc.constant(publishedAt),
  consumed: total,
  registryVersion: fc.nat(),
  totals: fc.record({
    readingsSettled: total,
    readingsQuarantined: total,
    readingsControl: total,
    measurementsDecoded: total,
    measurementsStored: total,
    measurementsDuplicate: total,
    measurementsRevision: total,
    measurementsQuarantined: total,
    replayed: total,
    reprocessed: total,
  }),
  rows,
  quarantined: fc.array(quarantined, { maxLength: 5 }),
  control: fc.array(control, { maxLength: 5 }),
});

function plain(given: Batch): unknown {
  return {
    ...given,
    rows: given.rows.map((each) => ({
      ...each,
      raw: {
        name: each.raw.name,
        value: each.raw.value,
        unit: each.raw.unit,
        time: each.raw.time,
      },
    })),
    quarantined: given.quarantined.map((entry) => ({
      ...entry,
      payload: entry.payload === null ? null : [...entry.payload],
    })),
  };
}

describe('the record of a batch', () => {
  it('gives every batch back as it was, to the bit and the character', () => {
    fc.assert(
      fc.property(batch, (given) => {
        const decoded = decodeBatch(1, encodeBatch(given));
        expect(plain(decoded)).toEqual(plain(given));
      }),
      { numRuns: 300 },
    );
  });

  it('takes the number and decimals of a raw value in place of its text', () => {
    fc.assert(
      fc.property(finite, fc.nat({ max: 20 }), (number, decimals) => {
        const sent = Number(number.toFixed(decimals));
        const raw = new DecimalRaw({ name: 't', unit: null, time: null }, sent, decimals);
        const given = oneRow({ raw, result: sent });
        const [decoded] = decodeBatch(1, encodeBatch(given)).rows;
        expect(decoded?.raw.value).toBe(sent.toFixed(decimals));
        expect(Object.is(decoded?.result, sent)).toBe(true);
      }),
    );
  });

  it('shares the bytes of one message between the entries of its channels', () => {
    const message = new Uint8Array(1_000);
    const entry = (channel: string): QuarantineEntry => ({
      position: 7,
      receivedAt: publishedAt,
      device: 'd',
      topic: 'env/v1/d/obs',
      channel,
      code: 'INGEST_CHANNEL_UNKNOWN',
      offset: -1,
      detail: '',
      state: 'open',
      payload: message,
    });
    const given = { ...oneRow({}), quarantined: [entry('a'), entry('b'), entry('c')] };
    expect(encodeBatch(given).length).toBeLessThan(1_300);
  });

  it('keeps the bytes of a batch when it gets a place in a copy of all partitions', () => {
    const sources = [{ node: 3, position: 12, sequence: 5 }];
    const given = { ...oneRow({}), sources };
    const place = { partition: 1, positions: [4, 7, 0] };
    const body = placeBatch(place, encodeBatch(given));
    expect(body).toEqual(encodeBatch({ ...given, place }));
    expect(decodeBatch(1, body)).toMatchObject({ place, sources });
    expect(decodeBatchPlace(1, body)).toEqual(place);
    expect(decodeBatchPlace(1, encodeBatch(given))).toBeUndefined();
    expect(codeOf(() => decodeBatchPlace(1, body.subarray(0, 3)))).toBe('INGEST_BATCH_UNREADABLE');
  });

  it('refuses a format that it does not know by name', () => {
    const body = encodeBatch(oneRow({}));
    body[0] = 9;
    expect(codeOf(() => decodeBatch(9, body))).toBe('INGEST_BATCH_VERSION');
  });

  it('refuses a record that is cut or longer than its batch by name', () => {
    const body = encodeBatch(oneRow({}));
    for (let length = 1; length < body.length; length++) {
      expect(codeOf(() => decodeBatch(9, body.subarray(0, length)))).toBe(
        'INGEST_BATCH_UNREADABLE',
      );
    }
    expect(codeOf(() => decodeBatch(9, Buffer.concat([body, Buffer.of(0)])))).toBe(
      'INGEST_BATCH_UNREADABLE',
    );
  });

  it('never gives anything but a batch or a named error for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const body = Buffer.concat([Buffer.of(1 + ((bytes[0] ?? 0) % 3)), bytes]);
        expect(['INGEST_BATCH_UNREADABLE', 'INGEST_BATCH_VERSION', 'none']).toContain(
          codeOf(() => decodeBatch(1, body)),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('keeps a message of seven parameters in 34 bytes a row, a large batch in 12', () => {
    expect(encodeBatch(stationBatch(1)).length / 7).toBeLessThan(34);
    expect(encodeBatch(stationBatch(1_000)).length / 7_000).toBeLessThan(12);
  });
});

function codeOf(run: () => unknown): string {
  try {
    run();
    return 'none';
  } catch (error) {
    return error instanceof CodedError ? error.code : String(error);
  }
}

const totals = {
  readingsSettled: 12_345_678,
  readingsQuarantined: 1_234,
  readingsControl: 5_678,
  measurementsDecoded: 86_420_000,
  measurementsStored: 86_000_000,
  measurementsDuplicate: 400_000,
  measurementsRevision: 10_000,
  measurementsQuarantined: 10_000,
  replayed: 12,
  reprocessed: 0,
};

function oneRow(changes: Partial<ObservationRow>): Batch {
  const given: ObservationRow = {
    series: 0,
    endAt: publishedAt,
    startAt: publishedAt,
    heightMm: Number.NaN,
    revision: 0,
    current: true,
    type: 'insert',
    cause: 'value',
    result: 21.5,
    verdict: { flag: 1, tests: '1221112112222222', qualifiers: 0, reason: null, rules: '0badcafe' },
    resultAt: Number.NaN,
    receivedAt: publishedAt,
    publishedAt,
    rank: { klass: 1, at: publishedAt, node: 0, position: 1 },
    device: 'station-0001',
    raw: { name: 'temperature', value: '21.50', unit: null, time: String(publishedAt) },
    payloadHash: -1,
    latitude: Number.NaN,
    longitude: Number.NaN,
    ...changes,
  };
  const consumed = given.rank.position;
  return {
    publishedAt,
    consumed,
    registryVersion: 1,
    totals,
    rows: [given],
    quarantined: [],
    control: [],
  };
}

/** One message of each of so many stations, seven parameters each, as own JSON. */
function stationBatch(stations: number): Batch {
  const names = [
    'temperature',
    'humidity',
    'pressure',
    'windSpeed',
    'windDirection',
    'rain',
    'pm2.5',
  ];
  const verdicts = names.map((_, index) => ({
    flag: 1 as Flag,
    tests: index === 4 ? '1212122112222222' : '1211112112222222',
    qualifiers: 0,
    reason: null,
    rules: (0x1badcafe + index * 7_919).toString(16),
  }));
  const list = Array.from({ length: stations * 7 }, (_, index): ObservationRow => {
    const station = Math.floor(index / 7);
    const channel = index % 7;
    const position = 10_000_000 + station;
    const endAt = publishedAt - 1_000 + (station % 300);
    const number = Math.round(1_000 + 37 * channel + Math.sin(station) * 100) / 10 ** (channel % 3);
    return {
      ...(oneRow({}).rows[0] as ObservationRow),
      series: station * 7 + channel,
      endAt,
      startAt: endAt - (channel === 5 ? 300_000 : 0),
      result: Number(number.toFixed(channel % 3)),
      verdict: verdicts[channel] as ObservationRow['verdict'],
      receivedAt: publishedAt - 5 + Math.floor(station / 100),
      rank: { klass: 1, at: publishedAt - 5 + Math.floor(station / 100), node: 0, position },
      device: `station-${String(station).padStart(4, '0')}`,
      raw: {
        name: names[channel] as string,
        value: number.toFixed(channel % 3),
        unit: null,
        time: String(endAt),
      },
    };
  });
  return { ...oneRow({}), rows: list };
}
