import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CodedError } from '../devices/coded-error.ts';
import type { LogReader, LogRecord } from './log/log.ts';
import type { ObservationRow } from './observation.ts';
import { at, imbalance, openRoom, rowsOf, sendSteps, settled, type Room } from './room.fixture.ts';

let room: Room;
beforeEach(async () => {
  room = await openRoom();
});
afterEach(() => room.remove());

describe('after a crash', () => {
  it('goes on behind the last durable batch: nothing twice, nothing left out', async () => {
    let sent = 0;
    for (let round = 0; round < 12; round++) {
      const life = await room.open();
      const last = await sendSteps(room, 20, sent);
      sent += 20;
      if (round % 3 === 0) await settled(life, last);
      life.crash();
    }
    const life = await room.open();
    await settled(life, sent);
    expect(rowsOf(room, life.store, 't').map(({ endAt }) => endAt)).toEqual(
      Array.from({ length: sent }, (_, step) => at(step * 10)),
    );
    expect(life.store.totals).toMatchObject({ readingsSettled: sent, measurementsDuplicate: 0 });
    expect(imbalance(life.store)).toEqual([0, 0]);
    await life.close();
  });

  it('builds a removed view again: the same rows from the same log', async () => {
    const life = await room.open();
    await settled(life, await sendSteps(room, 50));
    const before = rowsOf(room, life.store, 't');
    const { totals } = life.store;
    await life.close();
    room.removeView();
    const again = await room.open();
    expect(rowsOf(room, again.store, 't').map(plain)).toEqual(before.map(plain));
    expect(again.store.totals).toEqual(totals);
    await again.close();
  });

  it('offers a batch that the log refuses again, as published when it is kept', async () => {
    let [refused, refusedAt] = [0, 0];
    const life = await room.open({
      config: { stretch: { commitRetryMs: 10 } },
      wrap: ({ observations }) => ({
        observations: {
          ...observations,
          durableEnd: observations.durableEnd,
          append(sizeBytes, fill, done) {
            if (refused++ >= 3) return observations.append(sizeBytes, fill, done);
            refusedAt = Date.now();
            setImmediate(() => done(new Error('disk full'), 0));
          },
        },
      }),
    });
    const last = await sendSteps(room, 30);
    await settled(life, last);
    const rows = rowsOf(room, life.store, 't');
    expect(rows).toHaveLength(30);
    expect(Math.min(...rows.map(({ publishedAt }) => publishedAt))).toBeGreaterThan(refusedAt);
    expect(room.telemetry.value('quantrac_ingest_commit_failures_total')).toBe(3);
    await life.close();
  });

  it('ends by name where the readings lack what the observations were made of', async () => {
    const life = await room.open();
    await settled(life, await sendSteps(room, 3));
    await life.close();
    const other = await openRoom();
    const refused = await room
      .open({ wrap: () => ({ readingsEnd: { get: () => 1, waitBeyond: async () => undefined } }) })
      .then(() => 'opened', codeOf);
    expect(refused).toBe('INGEST_READINGS_SHORTENED');
    await other.remove();
  });

  it('sets the reading aside at which it died again and again, and goes on', async () => {
    const good = await sendSteps(room, 3);
    const poison = await room.send({ ts: at(500), ta: 22 });
    const last = await sendSteps(room, 3, 10);
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
    expect(rowsOf(room, life.store, 't').map(({ rank }) => rank.position)).toEqual([
      1,
      2,
      good,
      5,
      6,
      last,
    ]);
    expect(life.ingest.stats.carefulReadings).toBe(0);
    expect(imbalance(life.store)).toEqual([0, 0]);
    await life.close();
  });

  it('never takes a clean stop, or a start that had nothing to decide, for a crash', async () => {
    for (let start = 0; start < 6; start++) {
      const life = await room.open();
      expect(life.ingest.stats.carefulReadings).toBe(0);
      life.crash();
    }
    await sendSteps(room, 1);
    for (let start = 0; start < 6; start++) {
      const life = await room.open({
        wrap: (options) => ({ readings: poisoned(options.readings, 1) }),
      });
      // From the second crash on carefully; then only the one reading that it died at.
      expect(life.ingest.stats.carefulReadings).toBe([0, 0, 20_000][start] ?? 1);
      await settled(life, 1).catch(() => undefined);
    }
  });
});

/** A reader at whose record the pipeline dies as a process would: with an error that nothing catches. */
function poisoned(readings: LogReader, position: number): LogReader {
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
