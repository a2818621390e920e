import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { at, imbalance, openRoom, rowsOf, settled, type Room } from './room.fixture.ts';

let room: Room;
beforeEach(async () => {
  room = await openRoom();
});
afterEach(() => room.remove());

describe('ingest', () => {
  it('makes observations of readings, flagged, with the text exactly as sent', async () => {
    const life = await room.open();
    await room.mark();
    const last = await room.send(
      '{"ts":"2026-01-01T00:10:00+00:00","ta":21.50,"rh":{"value":60,"unit":"%"}}',
    );
    await settled(life, last);
    const [row] = rowsOf(room, life.store, 't');
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
    expect(imbalance(life.store)).toEqual([0, 0]);
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
    expect(rowsOf(room, life.store, 't')).toHaveLength(1);
    expect(life.store.totals).toMatchObject({
      readingsQuarantined: 2,
      readingsSettled: 1,
      measurementsStored: 1,
      measurementsQuarantined: 1,
    });
    expect(imbalance(life.store)).toEqual([0, 0]);
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
      kind: 'replay',
      device: '',
      topic: '',
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
    const [row] = rowsOf(room, life.store, 'spare');
    expect(row).toMatchObject({ result: 3, rank: { position: quarantined } });
    // First passes only: what was quarantined once stays counted so.
    expect(life.store.totals).toMatchObject({
      replayed: 1,
      measurementsQuarantined: 2,
      measurementsStored: 1,
      measurementsDuplicate: 0,
    });
    expect(imbalance(life.store)).toEqual([0, 0]);
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
    expect(rowsOf(room, life.store, 'spare')).toHaveLength(1);
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
    expect(imbalance(life.store)).toEqual([0, 0]);
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
    expect(Object.fromEntries(control.map(({ kind, text }) => [kind, text]))).toEqual({
      meta: '{"channels":[]}',
      state: '{"status":"online"}',
    });
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
    expect(rowsOf(room, second.store, 'spare')).toEqual([]);
    await room.mark();
    await settled(second, await room.send({ ts: at(30), extra: 4 }));
    expect(rowsOf(room, second.store, 'spare').map(({ result }) => result)).toEqual([4]);
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
      rowsOf(room, life.store, 'rain').map(({ endAt, result }) => [endAt - receivedAt, result]),
    ).toEqual([
      [0, 0.2],
      [30_000, 0.4],
      [61_000, 0.2],
    ]);
    expect(life.store.totals).toMatchObject({ measurementsStored: 3, measurementsDuplicate: 1 });
    await life.close();
  });
});
