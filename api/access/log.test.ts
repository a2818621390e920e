import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { openSocketReader } from '../live/socket-reader.fixture.ts';
import { openTestApi, startAt, type Json, type TestApi } from '../api.fixture.ts';

let rig: TestApi;

beforeEach(async () => {
  rig = await openTestApi({ config: { accessLogPendingMax: 50, accessLogDays: 2 } });
  rig.setNow(startAt + 60_000);
  await rig.publish(
    ['ha-noi-temperature', 'hue-rain', 'garden-temperature'].map((id) => rig.row(id, startAt)),
  );
});
afterEach(() => rig.close());

const asReader = (path: string, headers: object = {}) =>
  rig.get(path, { authorization: `Bearer ${rig.reader}`, ...headers });

async function taken(path: string, headers: object = {}): Promise<string> {
  return (await asReader(path, headers)).text();
}

/** What an export says, without its end, which it must have. */
async function exported(path: string): Promise<Json[]> {
  const answer = await rig.get(`/api/v1/admin/${path}`, {
    authorization: `Bearer ${rig.operator}`,
  });
  const lines = (await answer.text()).trimEnd().split('\n');
  expect(JSON.parse(lines.pop() ?? '')).toEqual({ complete: true });
  return lines.map((line) => JSON.parse(line) as Json);
}

/** The key of the reader, by the log. */
async function readerId(): Promise<string> {
  const [first] = await exported('access-log');
  return String(first?.['key']);
}

describe('the access log', () => {
  test('has a row for each request of a key: its path, status, rows and bytes', async () => {
    const text = await taken('/api/v1/observations?limit=2', { 'accept-encoding': 'identity' });
    await taken('/api/v1/stations/none');
    await taken('/api/v1/changes');
    const rows = await exported('access-log');
    expect(rows).toMatchObject([
      { path: '/api/v1/observations', status: 200, rows: 2 },
      { path: '/api/v1/stations/:id', status: 404, rows: 0 },
      { path: '/api/v1/changes', status: 200, rows: 3 },
    ]);
    // The body, and headers of a few hundred bytes.
    const bytes = Number(rows[0]?.['bytes']);
    expect(bytes).toBeGreaterThan(text.length);
    expect(bytes).toBeLessThan(text.length + 4_000);
    expect(new Set(rows.map(({ key }) => key)).size).toBe(1);
  });

  test('has a row for a key that came as a subprotocol of a WebSocket', async () => {
    const protocols = ['quantrac.changes.v1', `quantrac.key.${rig.reader}`];
    const reader = await openSocketReader(`${rig.url}/api/v1/live`, { protocols });
    reader.socket.close();
    await reader.closed();
    await expect
      .poll(() => exported('access-log'))
      .toMatchObject([{ path: '/api/v1/live', status: 101 }]);
  });

  test('says nothing of readers without a key, and never the key itself', async () => {
    await (await rig.get('/api/v1/latest')).text();
    await (await rig.get('/api/v1/latest', { authorization: 'Bearer wrong' })).text();
    await taken('/api/v1/latest');
    const rows = await exported('access-log');
    expect(rows.map(({ path }) => path)).toEqual(['/api/v1/latest']);
    expect(JSON.stringify(rows)).not.toContain(rig.reader);
  });

  test('counts every answer of one connection by itself', async () => {
    for (let count = 0; count < 5; count += 1) await taken('/api/v1/properties?limit=1');
    const bytes = (await exported('access-log')).map((row) => Number(row['bytes']));
    expect(bytes).toHaveLength(5);
    expect(Math.max(...bytes) - Math.min(...bytes)).toBeLessThan(200);
  });

  test('is kept for its days, and comes as CSV too', async () => {
    await taken('/api/v1/latest');
    expect(await exported('access-log')).toHaveLength(1);
    rig.setNow(startAt + 3 * 86_400_000);
    await taken('/api/v1/properties');
    await exported('access-log');
    const answer = await rig.get('/api/v1/admin/access-log?format=csv', {
      authorization: `Bearer ${rig.operator}`,
    });
    const lines = (await answer.text()).split('\r\n');
    expect(lines[0]).toBe('at,key,path,status,rows,bytes,door,requests');
    expect(lines.filter((line) => line.includes('/api/v1/latest'))).toEqual([]);
    expect(lines.filter((line) => line.includes('/api/v1/properties'))).toHaveLength(1);
  });

  test('drops what is over its bound, and counts it', async () => {
    await Promise.all(Array.from({ length: 80 }, () => taken('/api/v1/properties?limit=1')));
    const rows = await exported('access-log');
    const counted = (outcome: string) =>
      rig.telemetry.value('quantrac_access_noted_total', { outcome }) ?? 0;
    expect(rows.length).toBe(counted('written'));
    expect(counted('written') + counted('dropped')).toBe(80);
  });

  test('is there again after a start', async () => {
    await taken('/api/v1/latest');
    rig = await rig.reopen();
    expect(await exported('access-log')).toMatchObject([{ path: '/api/v1/latest' }]);
  });
});

describe('metering', () => {
  test('sums up each key and day by path and by dataset', async () => {
    await taken('/api/v1/observations?station=hue');
    await taken('/api/v1/observations?station=hue,garden');
    await taken('/api/v1/latest?station=none');
    const key = await readerId();
    const rows = await exported(`metering?key=${key}`);
    const day = new Date(startAt).toISOString().slice(0, 10);
    expect(rows.map(({ bytes: _bytes, ...row }) => row)).toEqual([
      { day, key, kind: 'dataset', resource: 'agency~weather', requests: 2, rows: 0 },
      { day, key, kind: 'dataset', resource: 'factory~weather', requests: 1, rows: 0 },
      { day, key, kind: 'path', resource: '/api/v1/latest', requests: 1, rows: 0 },
      { day, key, kind: 'path', resource: '/api/v1/observations', requests: 2, rows: 3 },
    ]);
    expect(await exported('metering?from=2030-01-01')).toEqual([]);
  });

  test('refuses a range that is none, by name, and everybody but operators', async () => {
    const authorization = `Bearer ${rig.operator}`;
    for (const path of ['metering?from=2024-06-02&to=2024-06-01', 'metering?to=2024-13-01']) {
      const refused = await rig.get(`/api/v1/admin/${path}`, { authorization });
      expect([refused.status, ((await refused.json()) as Json)['parameter']]).toEqual([400, 'to']);
    }
    expect((await asReader('/api/v1/admin/metering')).status).toBe(403);
  });
});
