import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CodedError } from '../devices/coded-error.ts';
import type { LogRecord } from './log/log.ts';
import { dayAt, minuteMs, openRoom, settled, type Room } from './room.fixture.ts';
import type { ObservationRow } from './observation.ts';
import type { StoreWriter } from './store/store.ts';

let room: Room;
beforeEach(async () => {
  room = await openRoom();
});
afterEach(() => room.remove());

const everAt = 8e15;
function rowsOf(store: StoreWriter, datastream: string): readonly ObservationRow[] {
  const series = room.registry.current().datastreams.get(datastream)?.series ?? -1;
  return store.range({ series, fromAt: 0, toAt: everAt, order: 'asc', limit: 10_000 });
}
const at = (minutes: number): number => dayAt + minutes * minuteMs;

/** Sends a quarter of an hour of plain messages; gives the last position. */
async function sendSome(count: number, from = 0): Promise<number> {
  let position = 0;
  for (let step = from; step < from + count; step++) {
    position = await room.send({
      ts: at(step * 10),
      ta: 20 + (step % 5) / 10,
      rh: 60 + (step % 7),
    });
  }
  return position;
}

function balanceHolds(store: StoreWriter): void {
  const { totals, consumed } = store;
  expect(totals.readingsSettled + totals.readingsQuarantined + totals.readingsControl).toBe(
    consumed,
  );
  expect(
    totals.measurementsStored +
      totals.measurementsDuplicate +
      totals.measurementsRevision +
      totals.measurementsQuarantined,
  ).toBe(totals.measurementsDecoded);
}

describe('ingest', () => {
  it('makes observations of readings, flagged, with the text exactly as sent', async () => {
    const life = await room.open();
    await room.mark();
    const last = await room.send(
      '{"ts":"2026-01-01T00:10:00+00:00","ta":21.50,"rh":{"value":60,"unit":"%"}}',
    );
    await settled(life, last);
    const [row] = rowsOf(life.store, 't');
    expect(row).toMatchObject({
      result: 21.5,
      endAt: at(10),
      type: 'insert',
      revision: 0,
      device: 'logger',
    });
    expect(row?.raw).toMatchObject({ name: 'ta', unit: null, time: '2026-01-01T00:10:00+00:00' });
    expect(row?.raw.value).toBe('21.50');
    expect(row?.verdict.flag).toBe(1);
    expect(life.store.totals).toMatchObject({
      readingsSettled: 1,
      readingsControl: 1,
      measurementsStored: 2,
    });
    balanceHolds(life.store);
    await life.close();
  });

  it('sets a bad payload aside with code, place and bytes, and an unmapped channel alone', async () => {
    const life = await room.open();
    await room.send('{"ts":1767225600000,"ta":21.5,');
    await room.send({ ts: at(10), ta: 21.5, unheard: 1 });
    const last = await room.send(
      { ts: at(10), ta: 20 },
      { device: 'nobody', topic: 'env/v1/nobody/obs' },
    );
    await settled(life, last);
    const entries = life.store.quarantine({ limit: 10 });
    expect(
      entries.map(({ position, code, channel, state }) => [position, code, channel, state]),
    ).toEqual([
      [3, 'INGEST_DEVICE_UNKNOWN', null, 'open'],
      [2, 'INGEST_UNMAPPED_CHANNEL', 'unheard', 'open'],
      [1, 'CODEC_SYNTAX', null, 'open'],
    ]);
    expect(Buffer.from(entries[2]?.payload ?? []).toString()).toBe(
      '{"ts":1767225600000,"ta":21.5,',
    );
    expect(entries[2]?.offset).toBeGreaterThan(20);
    expect(rowsOf(life.store, 't')).toHaveLength(1);
    expect(life.store.totals).toMatchObject({
      readingsQuarantined: 2,
      readingsSettled: 1,
      measurementsStored: 1,
      measurementsQuarantined: 1,
    });
    balanceHolds(life.store);
    await life.close();
  });

  it('ends an entry of quarantine by a replay, once the registry knows the channel', async () => {
    const life = await room.open();
    await room.mark();
    const quarantined = await room.send({ ts: at(10), ta: 21.5, extra: 3, other: 1 });
    await settled(life, quarantined);
    room.deployExtra();
    await room.mark();
    const replay = await room.append({
      ...{ kind: 'replay', device: '', topic: '' },
      payload: Buffer.from(JSON.stringify({ position: quarantined })),
    });
    await settled(life, replay);
    expect(
      life.store.quarantine({ limit: 10, state: 'open' }).map(({ channel }) => channel),
    ).toEqual(['other']);
    const ended = life.store.quarantine({ limit: 10, state: 'replayed' });
    expect(ended.map(({ channel, position }) => [channel, position])).toEqual([
      ['extra', quarantined],
    ]);
    const [row] = rowsOf(life.store, 'spare');
    expect(row).toMatchObject({ result: 3, rank: { position: quarantined } });
    // First passes only: what was quarantined once stays counted so.
    expect(life.store.totals).toMatchObject({
      ...{
        replayed: 1,
        measurementsQuarantined: 2,
        measurementsStored: 1,
        measurementsDuplicate: 0,
      },
    });
    balanceHolds(life.store);
    await life.close();
  });

  it('takes a replayed reading from its copy in quarantine where the log has lost it', async () => {
    const life = await room.open({
      wrap: ({ originals }) => ({
        originals: {
          ...originals,
          next: 1,
          seek: () => undefined,
          read: async () => [],
          close: () => originals.close(),
        },
      }),
    });
    await room.mark();
    const quarantined = await room.send({ ts: at(10), extra: 3 });
    await settled(life, quarantined);
    room.deployExtra();
    await room.mark();
    const payload = Buffer.from(JSON.stringify({ position: quarantined }));
    await settled(life, await room.append({ kind: 'replay', device: '', topic: '', payload }));
    expect(life.store.quarantine({ limit: 10, state: 'open' })).toEqual([]);
    expect(rowsOf(life.store, 'spare')).toHaveLength(1);
    await life.close();
  });

  it('lets a person dismiss an entry, and says what it cannot understand', async () => {
    const life = await room.open();
    const quarantined = await room.send('nonsense');
    const decide = (payload: object) =>
      room.append({
        kind: 'decision',
        device: '',
        topic: '',
        payload: Buffer.from(JSON.stringify(payload)),
      });
    await decide({
      decision: 'dismiss',
      position: quarantined,
      reason: 'test device',
      actor: 'lan',
    });
    const last = await decide({ decision: 'unheard-of' });
    await settled(life, last);
    const [unknown, dismissed] = life.store.quarantine({ limit: 10 });
    expect(dismissed).toMatchObject({ position: quarantined, state: 'dismissed' });
    expect(unknown).toMatchObject({
      position: last,
      code: 'INGEST_DECISION_UNKNOWN',
      state: 'open',
    });
    balanceHolds(life.store);
    await life.close();
  });

  it('keeps state and birth as control', async () => {
    const life = await room.open();
    await room.send({ status: 'online' }, { kind: 'control', topic: 'env/v1/logger/state' });
    const last = await room.send(
      { channels: [] },
      { kind: 'control', topic: 'env/v1/logger/meta' },
    );
    await settled(life, last);
    const control = life.store.control({ device: 'logger', limit: 10 });
    expect(control.map(({ kind, text }) => [kind, text]).toSorted()).toEqual([
      ['meta', '{"channels":[]}'],
      ['state', '{"status":"online"}'],
    ]);
    await life.close();
  });

  it('puts a registry version in force at its marker, not at its time, and goes on with it after a start', async () => {
    const first = await room.open();
    await room.mark();
    await settled(first, await room.send({ ts: at(0), extra: 1 }));
    room.deployExtra();
    await settled(first, await room.send({ ts: at(10), extra: 2 }));
    await first.close();
    const second = await room.open();
    await settled(second, await room.send({ ts: at(20), extra: 3 }));
    expect(rowsOf(second.store, 'spare')).toEqual([]);
    await room.mark();
    await settled(second, await room.send({ ts: at(30), extra: 4 }));
    expect(rowsOf(second.store, 'spare').map(({ result }) => result)).toEqual([4]);
    await second.close();
  });

  it('knows a message without a time by its device, bytes and arrival', async () => {
    const life = await room.open();
    const receivedAt = at(60);
    const rain = { device: 'gauge', topic: 'env/v1/gauge/obs' };
    await room.send('{"rain":0.2}', { ...rain, receivedAt });
    await room.send('{"rain":0.2}', { ...rain, receivedAt: receivedAt + 59_000 });
    await room.send('{"rain":0.4}', { ...rain, receivedAt: receivedAt + 30_000 });
    const last = await room.send('{"rain":0.2}', { ...rain, receivedAt: receivedAt + 61_000 });
    await settled(life, last);
    expect(
      rowsOf(life.store, 'rain').map(({ endAt, result }) => [endAt - receivedAt, result]),
    ).toEqual([
      [0, 0.2],
      [30_000, 0.4],
      [61_000, 0.2],
    ]);
    expect(life.store.totals).toMatchObject({ measurementsStored: 3, measurementsDuplicate: 1 });
    await life.close();
  });
});

describe('after a crash', () => {
  it('goes on behind the last durable batch: nothing twice, nothing left out', async () => {
    let sent = 0;
    for (let round = 0; round < 12; round++) {
      const life = await room.open();
      const last = await sendSome(20, sent);
      sent += 20;
      if (round % 3 === 0) await settled(life, last);
      life.crash();
    }
    const life = await room.open();
    await settled(life, sent);
    expect(rowsOf(life.store, 't').map(({ endAt }) => endAt)).toEqual(
      Array.from({ length: sent }, (_, step) => at(step * 10)),
    );
    expect(life.store.totals).toMatchObject({ readingsSettled: sent, measurementsDuplicate: 0 });
    balanceHolds(life.store);
    await life.close();
  });

  it('builds a removed view again: the same rows from the same log', async () => {
    const life = await room.open();
    await settled(life, await sendSome(50));
    const before = rowsOf(life.store, 't');
    const { totals } = life.store;
    await life.close();
    room.removeView();
    const again = await room.open();
    expect(rowsOf(again.store, 't').map(plain)).toEqual(before.map(plain));
    expect(again.store.totals).toEqual(totals);
    await again.close();
  });

  it('offers a batch that the log refuses again, until it is kept', async () => {
    let refused = 0;
    const life = await room.open({
      config: { stretch: { commitRetryMs: 10 } },
      wrap: ({ observations }) => ({
        observations: {
          ...observations,
          durableEnd: observations.durableEnd,
          append(sizeBytes, fill, done) {
            if (refused++ < 3) setImmediate(() => done(new Error('disk full'), 0));
            else observations.append(sizeBytes, fill, done);
          },
        },
      }),
    });
    const last = await sendSome(30);
    await settled(life, last);
    expect(rowsOf(life.store, 't')).toHaveLength(30);
    expect(room.telemetry.value('quantrac_ingest_commit_failures_total')).toBe(3);
    await life.close();
  });

  it('ends by name where the readings lack what the observations were made of', async () => {
    const life = await room.open();
    await settled(life, await sendSome(3));
    await life.close();
    const other = await openRoom();
    const refused = await room
      .open({ wrap: () => ({ readingsEnd: { get: () => 1, waitBeyond: async () => undefined } }) })
      .then(() => 'opened', codeOf);
    expect(refused).toBe('INGEST_READINGS_SHORTENED');
    await other.remove();
  });

  it('sets the reading aside at which it died again and again, and goes on', async () => {
    const good = await sendSome(3);
    const poison = await room.send({ ts: at(500), ta: 22 });
    const last = await sendSome(3, 10);
    let deaths = 0;
    for (let start = 0; start < 20; start++) {
      const life = await room.open({
        wrap: (options) => ({ readings: poisoned(options.readings, poison) }),
      });
      const outcome = await settled(life, last).then(
        () => 'settled',
        () => 'died',
      );
      life.crash();
      if (outcome === 'settled') break;
      deaths++;
    }
    // Twice before careful mode, three times in it.
    expect(deaths).toBe(5);
    const life = await room.open();
    const [entry] = life.store.quarantine({ limit: 1 });
    expect(entry).toMatchObject({
      position: poison,
      code: 'INGEST_CRASHED',
      device: 'logger',
      state: 'open',
    });
    expect(rowsOf(life.store, 't').map(({ rank }) => rank.position)).toEqual([
      1,
      2,
      good,
      5,
      6,
      last,
    ]);
    expect(life.ingest.stats.carefulReadings).toBe(0);
    balanceHolds(life.store);
    await life.close();
  });

  it('never takes a clean stop, or a start that had nothing to decide, for a crash', async () => {
    for (let start = 0; start < 6; start++) {
      const life = await room.open();
      expect(life.ingest.stats.carefulReadings).toBe(0);
      life.crash();
    }
    await sendSome(1);
    for (let start = 0; start < 6; start++) {
      const life = await room.open({
        wrap: (options) => ({ readings: poisoned(options.readings, 1) }),
      });
      expect(life.ingest.stats.carefulReadings).toBe(start < 2 ? 0 : 20_000);
      await settled(life, 1).catch(() => undefined);
    }
  });
});

/** A reader at whose record the pipeline dies as a process would: with an error that nothing catches. */
function poisoned(
  readings: Parameters<typeof Object.assign>[0] & import('./log/log.ts').LogReader,
  position: number,
) {
  return {
    get next() {
      return readings.next;
    },
    seek: (to: number) => readings.seek(to),
    skipDamaged: () => readings.skipDamaged(),
    close: () => readings.close(),
    async read(bytesMax: number): Promise<readonly LogRecord[]> {
      const records = await readings.read(bytesMax);
      return records.map((record) => (record.position === position ? deadly(record) : record));
    },
  };
}

function deadly(record: LogRecord): LogRecord {
  return {
    position: record.position,
    body: record.body,
    get rewritten(): boolean {
      throw new Error('the process dies here');
    },
  };
}

function codeOf(error: unknown): string {
  return error instanceof CodedError ? error.code : String(error);
}

function plain(row: ObservationRow): unknown {
  const { name, value, unit, time } = row.raw;
  return { ...row, raw: { name, value, unit, time } };
}
