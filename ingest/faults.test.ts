import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CodedError } from '../devices/coded-error.ts';
import type { ChannelBinding, Registry } from '../devices/registry.ts';
import { logError } from './log/errors.ts';
import type { LogReader, LogRecord } from './log/log.ts';
import type { IngestOptions } from './main.ts';
import { at, imbalance, openRoom, rowsOf, sendSteps, settled, type Room } from './room.fixture.ts';

let room: Room;
beforeEach(async () => {
  room = await openRoom();
});
afterEach(() => room.remove());

/** A reader between the log and ingest. */
function readerWith(readings: LogReader, changes: Partial<LogReader>): LogReader {
  return {
    get next() {
      return readings.next;
    },
    read: (bytesMax) => readings.read(bytesMax),
    seek: (position) => readings.seek(position),
    skipDamaged: () => readings.skipDamaged(),
    close: () => readings.close(),
    ...changes,
  };
}

function changing(readings: LogReader, position: number, change: Partial<LogRecord>): LogReader {
  return readerWith(readings, {
    read: async (bytesMax) => {
      const records = await readings.read(bytesMax);
      return records.map((record) =>
        record.position === position ? { ...record, ...change } : record,
      );
    },
  });
}

describe('a reading that cannot be had', () => {
  it('is counted and named, and the others go on', async () => {
    const last = await sendSteps(room, 6);
    let isDamaged = true;
    const life = await room.open({
      wrap: ({ readings }) => ({
        readings: readerWith(readings, {
          async read(bytesMax) {
            if (readings.next === 1) return (await readings.read(1)).slice(0, 1);
            if (isDamaged) throw logError('LOG_RECORD_DAMAGED', {});
            return readings.read(bytesMax);
          },
          async skipDamaged() {
            isDamaged = false;
            readings.seek(4);
            return { first: 2, last: 3 };
          },
        }),
      }),
    });
    await settled(life, last);
    expect(rowsOf(room, life.store, 't').map(({ rank }) => rank.position)).toEqual([1, 4, 5, 6]);
    expect(life.store.quarantine({ limit: 10 })).toMatchObject([
      { position: 2, code: 'INGEST_READING_UNREADABLE', detail: 'positions 2 to 3', payload: null },
    ]);
    expect(life.store.totals).toMatchObject({ readingsQuarantined: 2, readingsSettled: 4 });
    expect(imbalance(life.store)).toEqual([0, 0]);
    await life.close();
  });

  it('is counted too where the log begins behind it', async () => {
    const last = await sendSteps(room, 5);
    const life = await room.open({
      wrap: ({ readings }) => ({
        readings: readerWith(readings, {
          seek: (position) => readings.seek(Math.max(3, position)),
        }),
      }),
    });
    await settled(life, last);
    expect(life.store.totals).toMatchObject({ readingsQuarantined: 2, readingsSettled: 3 });
    expect(imbalance(life.store)).toEqual([0, 0]);
    await life.close();
  });

  it('is read again where the disk failed for a moment', async () => {
    const last = await sendSteps(room, 3);
    let failures = 2;
    const life = await room.open({
      config: { stretch: { commitRetryMs: 10 } },
      wrap: ({ readings }) => ({
        readings: readerWith(readings, {
          async read(bytesMax) {
            if (failures-- > 0) throw logError('LOG_READ_FAILED', {});
            return readings.read(bytesMax);
          },
          skipDamaged: async () => null,
        }),
      }),
    });
    await settled(life, last);
    expect(rowsOf(room, life.store, 't')).toHaveLength(3);
    await life.close();
  });

  it('ends ingest where nobody can say what it is', async () => {
    await sendSteps(room, 1);
    const life = await room.open({
      wrap: ({ readings }) => ({
        readings: readerWith(readings, {
          read: () => Promise.reject(new Error('unheard of')),
          skipDamaged: async () => null,
        }),
      }),
    });
    await expect(settled(life, 1)).rejects.toThrow('unheard of');
    expect(life.ingest.health).toEqual({ room: 'ingest', isReady: false, reasons: ['unheard of'] });
    await life.close();
  });

  it.each([
    ['was erased', { rewritten: true }, 'INGEST_READING_ERASED'],
    ['is no reading', { body: Buffer.from([255, 1, 2]) }, 'LOG_READING_UNKNOWN'],
  ])('is set aside with a code where it %s', async (_, change, code) => {
    const last = await sendSteps(room, 3);
    const life = await room.open({
      wrap: ({ readings }) => ({ readings: changing(readings, 2, change) }),
    });
    await settled(life, last);
    expect(life.store.quarantine({ limit: 10 })).toMatchObject([
      { position: 2, code, state: 'open' },
    ]);
    expect(rowsOf(room, life.store, 't')).toHaveLength(2);
    expect(imbalance(life.store)).toEqual([0, 0]);
    await life.close();
  });
});

/** Ingest's registry with one version changed on its way. */
function withRegistry({ registry }: IngestOptions, change: (given: Registry) => Registry) {
  return {
    registry: {
      ...registry,
      current: () => change(registry.current()),
      refresh: () => change(registry.refresh()),
      at: (version: number) => change(registry.at(version)),
    },
  };
}

function defective(binding: ChannelBinding, part: 'deployment' | 'property'): ChannelBinding {
  return Object.defineProperty({ ...binding }, part, {
    get: () => {
      throw new Error('a defect');
    },
  });
}

describe('a defect', () => {
  it('of one channel sets that channel aside, its neighbours are kept', async () => {
    const life = await room.open({
      wrap: (options) =>
        withRegistry(options, (given) => ({
          ...given,
          channelsOf: (device) => {
            const channels = new Map(given.channelsOf(device));
            const [binding] = channels.get('rh') ?? [];
            if (binding !== undefined) channels.set('rh', [defective(binding, 'deployment')]);
            return channels;
          },
        })),
    });
    const last = await sendSteps(room, 3);
    await settled(life, last);
    const entries = life.store.quarantine({ limit: 10 });
    expect(entries.map(({ code, channel }) => [code, channel])).toEqual(
      Array.from({ length: 3 }, () => ['INGEST_MEASUREMENT_FAILED', 'rh']),
    );
    expect(rowsOf(room, life.store, 't')).toHaveLength(3);
    expect(room.telemetry.value('quantrac_ingest_defects_total')).toBe(3);
    expect(imbalance(life.store)).toEqual([0, 0]);
    await life.close();
  });

  it('of the whole pipeline sets the reading aside, and the next is settled', async () => {
    const life = await room.open({
      wrap: (options) =>
        withRegistry(options, (given) => ({
          ...given,
          channelsOf: (device) => {
            if (device === 'gauge') throw new Error('a defect');
            return given.channelsOf(device);
          },
        })),
    });
    await room.send({ rain: 1 }, { device: 'gauge', topic: 'env/v1/gauge/obs' });
    const last = await sendSteps(room, 1);
    await settled(life, last);
    expect(life.store.quarantine({ limit: 10 })).toMatchObject([
      { position: 1, code: 'INGEST_READING_FAILED', detail: 'Error: a defect' },
    ]);
    expect(rowsOf(room, life.store, 't')).toHaveLength(1);
    expect(imbalance(life.store)).toEqual([0, 0]);
    await life.close();
  });

  it('of the registry, a codec that does not exist, sets the reading aside', async () => {
    const life = await room.open({
      wrap: (options) =>
        withRegistry(options, (given) => ({
          ...given,
          devices: new Map(
            [...given.devices].map(([id, device]) => [id, { ...device, codec: 'unheard-of' }]),
          ),
        })),
    });
    await settled(life, await sendSteps(room, 1));
    expect(life.store.quarantine({ limit: 1 })).toMatchObject([{ code: 'INGEST_CODEC_UNKNOWN' }]);
    await life.close();
  });
});

describe('records that are no message', () => {
  const record = (kind: 'registry' | 'decision' | 'replay' | 'attempt', payload: unknown) =>
    room.append({ kind, device: '', topic: '', payload: Buffer.from(JSON.stringify(payload)) });

  it('a marker that names no version is set aside; one that names an unknown one ends ingest', async () => {
    const life = await room.open();
    await settled(life, await record('registry', { version: 'new' }));
    expect(life.store.quarantine({ limit: 1 })).toMatchObject([
      { code: 'INGEST_DECISION_UNKNOWN' },
    ]);
    const last = await record('registry', { version: 99 });
    await expect(settled(life, last)).rejects.toMatchObject({ code: 'INGEST_REGISTRY_VERSION' });
    expect(life.ingest.health.isReady).toBe(false);
    await life.close();
    for (let start = 0; start < 4; start++) {
      const again = await room.open();
      await expect(settled(again, last)).rejects.toMatchObject({ code: 'INGEST_REGISTRY_VERSION' });
      // Not the reading's fault: it is never tried to death.
      expect(again.ingest.stats.carefulReadings).toBe(0);
      await again.close();
    }
  });

  it('a replay of what is not in quarantine, or of nothing, is control and does nothing', async () => {
    const life = await room.open();
    const first = await sendSteps(room, 1);
    await record('replay', { position: first });
    await record('replay', { position: 77 });
    await record('replay', 'nonsense');
    const last = await record('attempt', { position: 1 });
    await settled(life, last);
    expect(life.store.totals).toMatchObject({
      readingsControl: 4,
      replayed: 0,
      measurementsStored: 2,
    });
    expect(imbalance(life.store)).toEqual([0, 0]);
    await life.close();
  });

  it('a replay that fails again leaves its entry open and opens no other', async () => {
    const life = await room.open();
    const first = await room.send({ ts: at(0), extra: 1 });
    const last = await record('replay', { position: first });
    await settled(life, last);
    expect(life.store.quarantine({ limit: 10 })).toMatchObject([
      { position: first, state: 'open' },
    ]);
    await life.close();
  });

  it('a dismissal of one channel leaves the others open', async () => {
    const life = await room.open();
    const position = await room.send({ ts: at(0), extra: 1, other: 2 });
    await settled(
      life,
      await record('decision', { decision: 'dismiss', position, channel: 'extra' }),
    );
    const open = life.store.quarantine({ limit: 10, state: 'open' });
    expect(open.map(({ channel }) => channel)).toEqual(['other']);
    await life.close();
  });
});

describe('bounds', () => {
  it('a full tail of the view holds deciding until it is flushed', async () => {
    let held = 3;
    const life = await room.open({
      wrap: ({ store }) => ({
        store: new Proxy(store, {
          get: (target, name) =>
            name === 'saturated' || (name === 'wantsFlush' && held > 0)
              ? held-- > 0
              : (Reflect.get(target, name) as unknown),
        }),
      }),
    });
    await settled(life, await sendSteps(room, 3));
    expect(room.telemetry.value('quantrac_ingest_holds_total')).toBe(1);
    await life.close();
  });

  it('a view that cannot be flushed for a moment holds nothing up', async () => {
    let failures = 2;
    const life = await room.open({
      config: { stretch: { commitRetryMs: 10 } },
      wrap: ({ store }) => ({
        store: new Proxy(store, {
          get(target, name) {
            if (name === 'wantsFlush') return failures > 0;
            if (name === 'flushSlice' && failures-- > 0) {
              return () => {
                throw new Error('disk full');
              };
            }
            return Reflect.get(target, name) as unknown;
          },
        }),
      }),
    });
    await settled(life, await sendSteps(room, 3));
    expect(room.telemetry.value('quantrac_ingest_flush_failures_total')).toBeGreaterThan(0);
    await life.close();
  });

  it('a stretch at its bound waits for the commit before it', async () => {
    const last = await sendSteps(room, 40);
    const life = await room.open({ config: { stretch: { rowsMax: 4, bytesMax: 1_024 } } });
    await settled(life, last);
    expect((await room.bodies()).length).toBeGreaterThanOrEqual(20);
    expect(life.trimmed.every((position) => position <= last + 1)).toBe(true);
    await life.close();
    expect(life.trimmed.at(-1)).toBe(last + 1);
  });

  it('the last of what is settled is told though nothing comes after it', async () => {
    const life = await room.open();
    await settled(life, await sendSteps(room, 3));
    const last = await sendSteps(room, 3);
    await settled(life, last);
    await expect.poll(() => life.trimmed.at(-1)).toBe(last + 1);
    await life.close();
  });

  it('a batch that the log will never take ends ingest with its reason', async () => {
    const life = await room.open({
      wrap: ({ observations }) => ({
        observations: {
          durableEnd: observations.durableEnd,
          saturated: false,
          append: (_size, _fill, done) =>
            setImmediate(() => done(logError('LOG_RECORD_TOO_LARGE', {}), 0)),
          trimBefore: async () => undefined,
          close: async () => undefined,
        },
      }),
    });
    const ended = await settled(life, await sendSteps(room, 1)).catch((error: unknown) => error);
    expect(ended instanceof CodedError && ended.code).toBe('LOG_RECORD_TOO_LARGE');
    await life.close();
  });

  it('says that it is not ready while the log refuses its batch', async () => {
    let isFull = true;
    const life = await room.open({
      config: { stretch: { commitRetryMs: 10 } },
      wrap: ({ observations }) => ({
        observations: {
          durableEnd: observations.durableEnd,
          saturated: false,
          append(size, fill, done) {
            if (isFull) setImmediate(() => done(logError('LOG_DISK_FULL', {}), 0));
            else observations.append(size, fill, done);
          },
          trimBefore: async () => undefined,
          close: async () => undefined,
        },
      }),
    });
    const last = await sendSteps(room, 1);
    while (life.ingest.health.isReady) await new Promise((resolve) => setImmediate(resolve));
    expect(life.ingest.health.reasons).toEqual(['The disk of the log is full.']);
    isFull = false;
    await settled(life, last);
    expect(life.ingest.health.isReady).toBe(true);
    await life.close();
  });
});
