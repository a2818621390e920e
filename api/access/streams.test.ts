/** Streams in the access log and in the figures of usage: told while they go on, each row once. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { openDatabase } from '../../devices/database.ts';
import { openTestApi, startAt, type Json, type TestApi } from '../api.fixture.ts';
import { openEvents, type EventReader } from '../live/event-reader.fixture.ts';
import { openSocketReader, type SocketReader } from '../live/socket-reader.fixture.ts';

let rig: TestApi;
let minute = 0;

beforeEach(async () => {
  rig = await openTestApi({ config: { usageCellMin: 1 } });
  rig.setNow(startAt);
  minute = 0;
});
afterEach(() => rig.close());

const authorization = (): Record<string, string> => ({ authorization: `Bearer ${rig.reader}` });
const byEvents = (): Promise<EventReader> => openEvents(`${rig.url}/api/v1/live`, authorization());
const bySocket = (): Promise<SocketReader> =>
  openSocketReader(`${rig.url}/api/v1/live`, { headers: authorization() });

/** So many batches of two rows that everybody sees. */
async function publish(batches: number): Promise<void> {
  for (let count = 0; count < batches; count += 1) {
    minute += 1;
    const rowOf = (id: string) => rig.row(id, startAt + minute * 60_000);
    await rig.publish([rowOf('ha-noi-temperature'), rowOf('hue-rain')]);
  }
}

async function exported(path: string): Promise<Json[]> {
  const headers = { authorization: `Bearer ${rig.operator}` };
  const text = await (await rig.get(`/api/v1/admin/${path}`, headers)).text();
  return text
    .trimEnd()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Json);
}

async function rowsOf(door: string): Promise<Json[]> {
  return (await exported('access-log')).filter((row) => row['door'] === door);
}

function sum(rows: readonly Json[], column: string): number {
  return rows.reduce((all, row) => all + Number(row[column]), 0);
}

describe('a stream of a key', () => {
  test('is in the log while it goes on, each part with what was given since the last', async () => {
    const events = await byEvents();
    const socket = await bySocket();
    await publish(2);
    await Promise.all([events.wait(4), socket.wait(4)]);
    for (const [door, status] of [
      ['sse', 200],
      ['websocket', 101],
    ] as const) {
      expect(await rowsOf(door)).toMatchObject([{ rows: 4, requests: 1, status }]);
    }
    await publish(1);
    await Promise.all([events.wait(6), socket.wait(6)]);
    const parts = await rowsOf('sse');
    expect(parts.map(({ rows, requests }) => [rows, requests])).toEqual([
      [4, 1],
      [2, 0],
    ]);
    // A part begins where the one before was told.
    expect(Number(parts[1]?.['bytes'])).toBeLessThan(Number(parts[0]?.['bytes']));
    events.close();
    socket.socket.close();
  });

  test('is told of by itself every so often, whether anybody looks or not', async () => {
    rig = await rig.reopen({ config: { accessLogEveryMs: 20 } });
    const events = await byEvents();
    await publish(1);
    await events.wait(2);
    const noted = () =>
      rig.telemetry.value('quantrac_access_noted_total', { outcome: 'written' }) ?? 0;
    await expect.poll(noted).toBeGreaterThan(0);
    const before = noted();
    await publish(1);
    await events.wait(4);
    await expect.poll(noted).toBeGreaterThan(before);
    const parts = await rowsOf('sse');
    expect([sum(parts, 'rows'), sum(parts, 'requests')]).toEqual([4, 1]);
    events.close();
  });

  test('has the sums of metering right, one request on each day on which it went on', async () => {
    const events = await byEvents();
    await publish(3);
    await events.wait(6);
    await exported('access-log');
    rig.setNow(startAt + 86_400_000);
    // What was given since belongs to the day on which the part began.
    await exported('access-log');
    await publish(1);
    await events.wait(8);
    events.close();
    await expect.poll(async () => sum(await rowsOf('sse'), 'rows')).toBe(8);
    const days = (await exported('metering')).filter(
      ({ resource, kind }) => resource === '/api/v1/live' || kind === 'dataset',
    );
    const live = days.filter(({ kind }) => kind === 'path');
    expect(sum(live, 'rows')).toBe(8);
    expect(sum(live, 'bytes')).toBe(sum(await rowsOf('sse'), 'bytes'));
    expect(days.map(({ requests }) => requests)).toEqual(days.map(() => 1));
  });

  test('is whole in the log when its client goes, and when its key is revoked', async () => {
    const events = await byEvents();
    const socket = await bySocket();
    await publish(1);
    await Promise.all([events.wait(2), socket.wait(2)]);
    events.close();
    const token = rig.registry.authenticateToken(rig.reader);
    await rig.api.registryAdmin.revoke(token?.subject ?? '', 'test');
    expect(await socket.closed()).toBe(4401);
    await publish(1);
    for (const door of ['sse', 'websocket']) {
      await expect.poll(async () => sum(await rowsOf(door), 'rows')).toBe(2);
      expect(sum(await rowsOf(door), 'requests')).toBe(1);
    }
  });

  test('is whole in the log when the server stops', async () => {
    const events = await byEvents();
    const socket = await bySocket();
    await publish(2);
    await Promise.all([events.wait(4), socket.wait(4)]);
    rig = await rig.reopen();
    for (const door of ['sse', 'websocket']) {
      expect(sum(await rowsOf(door), 'rows')).toBe(4);
      expect(sum(await rowsOf(door), 'requests')).toBe(1);
    }
  });
});

test('of a stream without a key nothing is kept but the figures of usage, by datasets', async () => {
  const events = await openEvents(`${rig.url}/api/v1/live`);
  await publish(1);
  await events.wait(2);
  expect(await exported('access-log')).toEqual([]);
  await publish(1);
  await events.wait(4);
  rig = await rig.reopen();
  rig.setNow(startAt + 1.5 * 86_400_000);
  const { items } = await rig.json('/api/v1/usage');
  expect(items.map(({ format }) => format)).toEqual(items.map(() => 'events'));
  expect(sum(items as Json[], 'rowsSent')).toBe(4);
  expect(items.map(({ requests }) => requests)).toEqual(items.map(() => 1));
  const log = await exported('access-log');
  expect(log.filter(({ path }) => path === '/api/v1/live')).toEqual([]);
});

test('rows of before there were doors say which it was, and a version of then can go on writing', async () => {
  rig = await rig.reopen({
    async whileClosed() {
      const database = openDatabase(rig.filesFolder.replace(/files$/, 'feeds.db'));
      const insert = database.prepare(
        'INSERT INTO access_request (at, key, path, status, rows, bytes) VALUES (?, ?, ?, ?, 1, 1)',
      );
      insert.run(startAt, 'k', 'webhook', 200);
      insert.run(startAt, 'k', '/api/v1/live', 101);
      insert.run(startAt, 'k', '/api/v1/live', 200);
      insert.run(startAt, 'k', '/api/v1/latest', 200);
      database.close();
    },
  });
  const rows = await exported('access-log?key=k');
  expect(rows.map(({ door, requests }) => [door, requests])).toEqual([
    ['webhook', 1],
    ['websocket', 1],
    ['sse', 1],
    ['http', 1],
  ]);
});
