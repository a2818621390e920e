import { get } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';

import { openTestApi, startAt, type Json, type TestApi } from '../api.fixture.ts';
import { openEvents } from '../live/event-reader.fixture.ts';
import {
  openSocketReader,
  type SocketMessage,
  type SocketReader,
  type SocketRequest,
} from '../live/socket-reader.fixture.ts';

let rig: TestApi;
let place: number;
const interval = 600_000;

beforeEach(async () => {
  place = 0;
  rig = await openTestApi();
  rig.setNow(startAt + 100_000 * interval);
});
afterEach(() => rig.close());

async function listen(query = '', request: SocketRequest = {}): Promise<SocketReader> {
  const reader = await openSocketReader(`${rig.url}/api/v1/live${query}`, request);
  onTestFinished(() => reader.socket.terminate());
  return reader;
}

function next(count: number, datastream = 'ha-noi-temperature') {
  return Array.from({ length: count }, () => {
    place += 1;
    return rig.row(datastream, startAt + place * interval, { result: place });
  });
}

const resultOf = (change: SocketMessage) => (change['observation'] as Json)['result'];
const resultsOf = (reader: SocketReader) => reader.changes().map(resultOf);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const soon = () => new Promise((resolve) => setImmediate(resolve));

describe('the live stream over a WebSocket', () => {
  test('gives each change as /changes does, behind the cursor where it begins', async () => {
    const reader = await listen();
    expect(reader.protocol).toBe('quantrac.changes.v1');
    await rig.publish(next(3));
    await rig.publish([
      rig.row('ha-noi-temperature', startAt + interval, {
        revision: 1,
        type: 'deletion',
        cause: 'review',
        result: null,
      }),
    ]);
    await reader.wait(4);
    const { changes } = await rig.json('/api/v1/changes');
    expect(changes).toHaveLength(4);
    expect(reader.changes()).toEqual(changes);
    expect(reader.messages[0]).toEqual({ type: 'cursor', cursor: expect.any(String) as string });
    const since = await rig.json(`/api/v1/changes?after=${String(reader.messages[0]?.['cursor'])}`);
    expect(since.changes).toEqual(changes);
  });

  test('can be cut at any change and resumed there, while more is published', async () => {
    const publishing = (async () => {
      for (let batch = 0; batch < 40; batch++) await rig.publish(next(7));
    })();
    const got: unknown[] = [];
    let cursor = Buffer.from('1:store-1:1:0').toString('base64url');
    while (got.length < 280) {
      const reader = await listen(`?after=${cursor}`);
      await reader.wait(1 + (got.length % 13));
      reader.socket.terminate();
      const changes = reader.changes();
      got.push(...changes.map(resultOf));
      cursor = (changes.at(-1)?.['cursor'] as string | undefined) ?? cursor;
    }
    await publishing;
    expect(got).toEqual(upTo(280));
  });

  test('says behind the handshake that a cursor is gone', async () => {
    const other = Buffer.from('1:store-of-others:5:0').toString('base64url');
    const reader = await listen(`?after=${other}`);
    expect(await reader.closed()).toBe(4410);
    expect(reader.messages).toEqual([
      expect.objectContaining({ type: 'problem', code: 'API_CURSOR_STORE_UNKNOWN', status: 410 }),
    ]);
  });

  test('tells a restart from the end of the feed', async () => {
    const reader = await listen();
    await rig.publish(next(1));
    await reader.wait(1);
    rig = await rig.reopen();
    expect(await reader.closed()).toBe(1012);
  });

  test('takes a key in the header or among the subprotocols, and ends with it', async () => {
    const { id, secret } = await rig.api.registryAdmin.createToken({
      role: 'operator',
      actor: 't',
    });
    const byHeader = await listen('', { headers: { authorization: `Bearer ${secret}` } });
    const byProtocol = await listen('', {
      protocols: ['quantrac.changes.v1', `quantrac.key.${secret}`],
    });
    const nobody = await listen();
    await rig.publish([...next(1, 'hidden-temperature'), ...next(1)]);
    await Promise.all([byHeader.wait(2), byProtocol.wait(2), nobody.wait(1)]);
    expect(resultsOf(byHeader)).toEqual([1, 2]);
    expect(resultsOf(byProtocol)).toEqual([1, 2]);
    expect(byProtocol.protocol).toBe('quantrac.changes.v1');
    expect(resultsOf(nobody)).toEqual([2]);
    await rig.api.registryAdmin.revoke(id, 'test');
    expect(await byProtocol.closed()).toBe(4401);
    expect(byProtocol.messages.at(-1)).toMatchObject({
      type: 'problem',
      code: 'API_TOKEN_INVALID',
    });
  });

  test.each([
    ['?after=x', {}, '400'],
    ['?key=secret', {}, '400'],
    ['?datastream=hidden-temperature', {}, '404'],
    ['', { protocols: ['chat'] }, '400'],
    ['', { headers: { authorization: 'Bearer wrong' } }, '401'],
  ] as const)('answers %s %j as a request, with its problem', async (query, request, status) => {
    await expect(listen(query, request)).rejects.toThrow(status);
  });

  test.each([
    ['Sec-WebSocket-Version: 13\r\n', 'Sec-WebSocket-Key'],
    ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n', 'Sec-WebSocket-Version'],
  ])('refuses a handshake of %j alone with a problem that names %s', async (headers, parameter) => {
    const socket = connect(rig.api.httpPort, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    const upgrade = 'Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
    socket.write(`GET /api/v1/live HTTP/1.1\r\n${upgrade}${headers}\r\n`);
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1.1 400 [^]*application\/problem\+json/);
    expect(JSON.parse(body)).toMatchObject({ code: 'API_PARAMETER_INVALID', parameter });
  });

  test('shares its room with the listeners of events', async () => {
    rig = await rig.reopen({ config: { liveClientsMax: 1 } });
    const events = await openEvents(`${rig.url}/api/v1/live`);
    await expect(listen()).rejects.toThrow('429');
    events.close();
    while (rig.telemetry.value('quantrac_live_ended_total', { reason: 'closed' }) === 0)
      await soon();
    await listen();
  });

  test('cuts a client that takes nothing, and slows no other', async () => {
    rig = await rig.reopen({ config: { liveFrozenMs: 3_000, liveBufferBytesMax: 65_536 } });
    const frozen = await listen();
    const other = await listen();
    frozen.socket.pause();
    const total = 30_000;
    for (let batch = 0; batch < total / 1_000; batch++) await rig.publish(next(1_000));
    await other.wait(total);
    expect(resultsOf(other)).toEqual(upTo(total));
    while (rig.telemetry.value('quantrac_live_ended_total', { reason: 'frozen' }) === 0)
      await soon();
    frozen.socket.resume();
    await frozen.closed();
    let cursor = (frozen.changes().at(-1) ?? frozen.messages[0])?.['cursor'];
    const results = resultsOf(frozen);
    // On a machine that is busy enough, who resumes may be cut too.
    while (results.length < total) {
      const resumed = await listen(`?after=${String(cursor)}`);
      await resumed.wait(total - results.length);
      cursor = resumed.changes().at(-1)?.['cursor'] ?? cursor;
      results.push(...resultsOf(resumed));
      resumed.socket.terminate();
    }
    expect(results).toEqual(upTo(total));
  });

  test('is for reading only, and other protocols are served as if they were not asked for', async () => {
    const reader = await listen();
    reader.socket.send('hello');
    expect(await reader.closed()).toBe(1008);
    const status = await new Promise((resolve, reject) => {
      const headers = { connection: 'upgrade', upgrade: 'h2c' };
      get(`${rig.url}/api/v1/stations`, { headers }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      }).on('error', reject);
    });
    expect(status).toBe(200);
  });
});
