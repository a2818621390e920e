import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';

import { openTestApi, startAt, type Json, type TestApi } from '../api.fixture.ts';
import { openEvents, type EventReader } from '../live/event-reader.fixture.ts';

let rig: TestApi;
const interval = 600_000;

beforeEach(async () => {
  rig = await openTestApi();
  rig.setNow(startAt + 100_000 * interval);
});
afterEach(() => rig.close());

async function listen(query = '', headers: Record<string, string> = {}): Promise<EventReader> {
  const reader = await openEvents(`${rig.url}/api/v1/live${query}`, headers);
  onTestFinished(() => reader.close());
  return reader;
}

let place = 0;
beforeEach(() => {
  place = 0;
});
function next(count: number, datastream = 'ha-noi-temperature') {
  return Array.from({ length: count }, () => {
    place += 1;
    return rig.row(datastream, startAt + place * interval, { result: place });
  });
}
const resultOf = ({ data }: { data: string }) =>
  ((JSON.parse(data) as Json)['observation'] as Json)['result'];
const resultsOf = (reader: EventReader) => reader.events.map(resultOf);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe('the live stream', () => {
  test('gives changes as they happen, under their cursors', async () => {
    const reader = await listen();
    expect(reader.status).toBe(200);
    expect(reader.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    expect(reader.headers['access-control-allow-origin']).toBe('*');
    expect(reader.headers['quantrac-cursor']).toMatch(/./);
    await rig.publish(next(3));
    await reader.wait(3);
    expect(reader.events.map(({ event }) => event)).toEqual(['change', 'change', 'change']);
    const changes = (await rig.json('/api/v1/changes')).changes;
    expect(reader.events.map(({ data }) => JSON.parse(data) as unknown)).toEqual(changes);
    expect(reader.events.map(({ id }) => id)).toEqual(changes.map((change) => change['cursor']));
  });

  test('resumes by Last-Event-ID, before `after`, without gap or repeat', async () => {
    await rig.publish(next(2));
    await rig.publish(next(3));
    const { changes } = await rig.json('/api/v1/changes');
    for (const [index, change] of changes.entries()) {
      const cursor = String(change['cursor']);
      const resumed = await listen('?after=now', { 'last-event-id': cursor });
      await resumed.wait(4 - index);
      expect(resultsOf(resumed)).toEqual(upTo(5).slice(index + 1));
    }
    const first = await listen(`?after=${String(changes[0]?.['cursor'])}`);
    await first.wait(4);
    expect(resultsOf(first)).toEqual([2, 3, 4, 5]);
  });

  test('has no gap between catching up and live, under load', async () => {
    for (let batch = 0; batch < 30; batch++) await rig.publish(next(20));
    const { changes } = await rig.json('/api/v1/changes?limit=1');
    const readers: EventReader[] = [];
    for (let round = 0; round < 20; round++) {
      readers.push(await listen(`?after=${String(changes[0]?.['cursor'])}`));
      await Promise.all([rig.append(next(25)), rig.append(next(25))]);
    }
    for (const reader of readers) await reader.wait(place - 1);
    const expected = upTo(place).slice(1);
    for (const reader of readers) expect(resultsOf(reader)).toEqual(expected);
  });

  test('can be cut at any event and resumed there', async () => {
    const publishing = (async () => {
      for (let batch = 0; batch < 40; batch++) await rig.publish(next(5));
    })();
    const results: unknown[] = [];
    let last = Buffer.from('1:store-1:1:0').toString('base64url');
    while (results.length < 200) {
      const reader = await listen('', { 'last-event-id': last });
      await reader.wait(Math.min(17, 200 - results.length));
      const taken = reader.events.slice(0, 17);
      results.push(...taken.map(resultOf));
      last = taken.at(-1)?.id ?? last;
      reader.close();
    }
    await publishing;
    expect(results).toEqual(upTo(200));
  });

  test('is filtered as lists are, and by what the client may see', async () => {
    const rain = await listen('?property=rainfall');
    const anonymous = await listen();
    const operator = await listen('', { authorization: `Bearer ${rig.operator}` });
    await rig.publish([...next(1, 'hue-rain'), ...next(1, 'hidden-temperature'), ...next(1)]);
    await Promise.all([rain.wait(1), anonymous.wait(2), operator.wait(3)]);
    expect(resultsOf(rain)).toEqual([1]);
    expect(resultsOf(anonymous)).toEqual([1, 3]);
    expect(resultsOf(operator)).toEqual([1, 2, 3]);
    expect((await rig.get('/api/v1/live?datastream=hidden-temperature')).status).toBe(404);
  });

  test('ends for a token that was revoked', async () => {
    const { id, secret } = await rig.api.registryAdmin.createToken({
      role: 'reader',
      actor: 'test',
    });
    const reader = await listen('', { authorization: `Bearer ${secret}` });
    await rig.api.registryAdmin.revoke(id, 'test');
    await reader.closed();
    expect(reader.isClosed()).toBe(true);
  });

  test('tells a quiet client where it is', async () => {
    rig = await rig.reopen({ config: { liveHeartbeatMs: 1 } });
    const rain = await listen('?property=rainfall');
    const before = rain.headers['quantrac-cursor'];
    await rig.publish(next(3));
    while (rain.lastId() === '' || rain.lastId() === before) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(rain.events).toEqual([]);
    const { changes } = await rig.json(`/api/v1/changes?after=${rain.lastId()}`);
    expect(changes).toEqual([]);
  });

  test('cuts a client that takes nothing, and slows no other', async () => {
    rig = await rig.reopen({ config: { liveFrozenMs: 3_000, liveBufferBytesMax: 65_536 } });
    const frozen = await listen();
    const others = await Promise.all([listen(), listen(), listen()]);
    frozen.freeze();
    const total = 60_000;
    for (let batch = 0; batch < total / 1_000; batch++) await rig.publish(next(1_000));
    await Promise.all(others.map((reader) => reader.wait(total)));
    for (const reader of others) expect(reader.events).toHaveLength(total);
    while (rig.telemetry.value('quantrac_live_ended_total', { reason: 'frozen' }) === 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    frozen.thaw();
    await frozen.closed();
    expect(frozen.events.length).toBeLessThan(total);
    const place = frozen.lastId() || String(frozen.headers['quantrac-cursor']);
    const resumed = await listen('', { 'last-event-id': place });
    await resumed.wait(total - frozen.events.length);
    expect([...resultsOf(frozen), ...resultsOf(resumed)]).toEqual(upTo(total));
  });

  test('has room for so many clients, and tells the next one to come again', async () => {
    rig = await rig.reopen({ config: { liveClientsMax: 2 } });
    const first = await listen();
    await listen();
    const refused = await rig.get('/api/v1/live');
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('5');
    expect(await refused.json()).toMatchObject({ code: 'API_TOO_MANY_LISTENERS' });
    first.close();
    await first.closed();
    while (rig.telemetry.value('quantrac_live_ended_total', { reason: 'closed' }) === 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await listen()).status).toBe(200);
  });

  test('refuses what is no cursor, and answers HEAD with its headers', async () => {
    expect((await rig.get('/api/v1/live?after=x')).status).toBe(400);
    const wrong = await rig.get('/api/v1/live', { 'last-event-id': 'x' });
    expect(await wrong.json()).toMatchObject({ parameter: 'Last-Event-ID' });
    const head = await fetch(`${rig.url}/api/v1/live`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-type')]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
    ]);
  });
});
