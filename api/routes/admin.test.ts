import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { openTestApi, startAt, type Json, type TestApi } from '../api.fixture.ts';
import { parseDecision, parseReplay } from '../../ingest/decisions.ts';
import { network } from '../network.fixture.ts';

let rig: TestApi;
const startText = new Date(startAt).toISOString();

beforeEach(async () => {
  rig = await openTestApi();
  rig.setNow(startAt + 60_000);
});
afterEach(() => rig.close());

interface Sent {
  readonly status: number;
  readonly body: Json;
}

async function send(method: string, path: string, body?: unknown, token?: string): Promise<Sent> {
  const answer = await fetch(`${rig.url}/api/v1/admin${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token ?? rig.operator}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as Json };
}

const added = {
  ...network,
  stations: [...network.stations, { ...(network.stations[0] as object), id: 'new-station' }],
};

/** Text of a reading that the API appended. */
const textOf = (index: number) => Buffer.from(rig.appended[index]?.payload ?? []).toString();

describe('operators', () => {
  test('alone get in: without a token 401, with another role 403, whatever the address', async () => {
    const paths = [
      ['GET', '/registry'],
      ['PUT', '/registry'],
      ['GET', '/registry/history'],
      ['POST', '/provision'],
      ['POST', '/tokens'],
      ['DELETE', '/secrets/logger'],
      ['POST', '/certificates'],
      ['DELETE', `/certificates/${'ab'.repeat(32)}`],
      ['GET', '/quarantine'],
      ['GET', '/quarantine/1'],
      ['POST', '/quarantine/1/replay'],
      ['POST', '/quarantine/1/dismiss'],
      ['GET', '/connections'],
      ['GET', '/health'],
      ['GET', '/stations'],
      ['GET', '/devices/logger/control'],
    ] as const;
    for (const [method, path] of paths) {
      const anonymous = await fetch(`${rig.url}/api/v1/admin${path}`, { method });
      expect([path, anonymous.status]).toEqual([path, 401]);
      expect(anonymous.headers.get('access-control-allow-origin')).toBeNull();
      const reader = await send(method, path, undefined, rig.reader);
      expect([path, reader.status, reader.body['code']]).toEqual([path, 403, 'API_FORBIDDEN']);
    }
    expect(rig.appended).toEqual([]);
  });

  test('import a registry: its version is marked in the log and told to the other rooms', async () => {
    const before = rig.registry.current().version;
    const { status, body } = await send('PUT', '/registry', added);
    expect([status, body]).toEqual([200, { version: before + 1, changed: 1, isInForce: true }]);
    expect(rig.appended.map(({ kind, device }) => [kind, device])).toEqual([['registry', '']]);
    expect(textOf(0)).toBe(JSON.stringify({ version: before + 1 }));
    expect(rig.announced).toEqual([before + 1]);
    const { items } = await rig.json('/api/v1/stations?station=new-station');
    expect(items).toHaveLength(1);
    await send('PUT', '/registry', added);
    expect(rig.announced).toHaveLength(1);
  });

  test('get every error of a registry file by its pointer, and nothing is changed', async () => {
    const before = rig.registry.current().version;
    const wrong = {
      ...network,
      stations: [{ ...(network.stations[0] as object), latitude: 91, owner: 'nobody' }],
    };
    const { status, body } = await send('PUT', '/registry', wrong);
    expect([status, body['code']]).toEqual([422, 'API_REGISTRY_INVALID']);
    const pointers = (body['problems'] as { pointer: string }[]).map(({ pointer }) => pointer);
    expect(pointers).toContain('/stations/0/latitude');
    expect(rig.registry.current().version).toBe(before);
    expect(rig.appended).toEqual([]);
  });

  test('export what they imported, and read who changed what', async () => {
    await send('PUT', '/registry', added);
    const exported = await send('GET', '/registry');
    const again = await send('PUT', '/registry', exported.body);
    expect(again.body).toMatchObject({ changed: 0 });
    const history = await send('GET', '/registry/history?limit=10000&afterVersion=1');
    const rows = (history.body as unknown as { items: Json[] }).items;
    expect(rows[0]?.['at']).toMatch(/^2024-06-01T.*Z$/);
    expect(rows.find((row) => row['id'] === 'new-station')?.['actor']).toMatch(/^token-/);
  });

  test('give devices their secrets once, and end them', async () => {
    const first = await send('POST', '/provision', { devices: ['logger'] });
    const [secret] = first.body['devices'] as { password: string; topic: string }[];
    expect(secret?.password).toMatch(/^.{22,}$/);
    expect(rig.registry.authenticate('logger', secret?.password ?? '')).toBeDefined();
    const second = await send('POST', '/provision', {});
    const passwords = (second.body['devices'] as { deviceId: string; password: unknown }[]).map(
      ({ deviceId, password }) => [deviceId, password === null],
    );
    expect(passwords).toEqual([
      ['logger', true],
      ['plant', false],
    ]);
    const ended = await send('DELETE', '/secrets/logger');
    expect(ended.status).toBe(200);
    expect(rig.registry.authenticate('logger', secret?.password ?? '')).toBeUndefined();
    expect((await send('POST', '/provision', { devices: ['nothing'] })).status).toBe(404);
    expect((await send('DELETE', '/secrets/nothing')).status).toBe(404);
  });

  test('let a client certificate stand for a device, and end it alone', async () => {
    const fingerprint256 = 'ab'.repeat(32);
    const pinned = await send('POST', '/certificates', {
      device: 'logger',
      certificate: fingerprint256.toUpperCase().replace(/(..)(?=.)/g, '$1:'),
    });
    expect(pinned.status).toBe(201);
    expect(pinned.body).toMatchObject({ deviceId: 'logger', fingerprint256, isInForce: true });
    expect(rig.registry.authenticateCertificate(fingerprint256)?.subject).toBe('logger');
    const taken = { device: 'plant', certificate: fingerprint256 };
    expect((await send('POST', '/certificates', taken)).status).toBe(409);
    const nonsense = { device: 'plant', certificate: 'nonsense' };
    expect((await send('POST', '/certificates', nonsense)).status).toBe(400);
    expect((await send('DELETE', `/certificates/${fingerprint256}`)).status).toBe(200);
    expect(rig.registry.authenticateCertificate(fingerprint256)).toBeUndefined();
    expect((await send('DELETE', `/certificates/${fingerprint256}`)).status).toBe(404);
  });

  test('create tokens and revoke them', async () => {
    const created = await send('POST', '/tokens', { role: 'operator' });
    expect(created.status).toBe(201);
    const { id, secret } = created.body as unknown as { id: string; secret: string };
    expect((await send('GET', '/registry', undefined, secret)).status).toBe(200);
    await send('DELETE', `/secrets/${id}`);
    expect((await send('GET', '/registry', undefined, secret)).status).toBe(401);
    expect((await send('POST', '/tokens', { role: 'king' })).body).toMatchObject({
      status: 400,
      code: 'API_BODY_INVALID',
      parameter: 'role',
    });
    expect((await send('POST', '/tokens', { role: 'reader', owner: 'nobody' })).status).toBe(404);
  });

  test('change the registry also while the log cannot be written: the marker follows', async () => {
    rig.failReadings(new Error('disk full'));
    const { body } = await send('PUT', '/registry', added);
    expect(body).toMatchObject({ isInForce: false });
    rig.failReadings(null);
    while (rig.appended.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(textOf(0)).toBe(JSON.stringify({ version: body['version'] }));
  });

  test('find versions that were made while nobody served marked at the start', async () => {
    await rig.publish([]);
    const marked = rig.registry.current().version;
    rig.registry.importFile(added, 'offline');
    const { secret: _secret } = rig.registry.createToken({ role: 'reader', actor: 'offline' });
    rig = await rig.reopen();
    expect(textOf(0)).toBe(JSON.stringify({ version: marked + 2, previous: marked }));
    rig = await rig.reopen();
    expect(rig.appended).toHaveLength(1);
  });
});

describe('quarantine', () => {
  const entry = (position: number, channel: string | null) => ({
    position,
    receivedAt: startAt + position,
    device: position === 2 ? 'plant' : 'logger',
    topic: 'env/v1/logger/obs',
    channel,
    code: 'INGEST_CHANNEL_UNKNOWN',
    offset: 3,
    detail: 'no such channel',
    state: 'open' as const,
    payload: Buffer.from(`{"x${position}":1}`),
  });

  beforeEach(async () => {
    const quarantined = [entry(1, null), entry(2, 'a'), entry(2, 'b'), entry(3, 'c')];
    await rig.publish([], { quarantined });
  });

  test('is listed newest first, page by page, by device and state', async () => {
    const list = async (query: string) => {
      const { body } = await send('GET', `/quarantine${query}`);
      return (body.items as { position: number; channel: string | null }[]).map(
        ({ position, channel }) => `${position}${channel ?? ''}`,
      );
    };
    expect((await list('')).map((text) => text.charAt(0)).join('')).toBe('3221');
    expect(await list('?device=plant')).toHaveLength(2);
    expect(await list('?state=replayed')).toEqual([]);
    const seen: string[] = [];
    let before = '';
    for (;;) {
      const { body } = await send('GET', `/quarantine?limit=1${before}`);
      seen.push(...(body.items as { position: number }[]).map(({ position }) => String(position)));
      if (body['complete'] === true) break;
      before = `&before=${String(body['nextBefore'])}`;
    }
    expect(seen.join('')).toBe('3221');
  });

  test('shows the bytes as base64 and as text', async () => {
    const { body } = await send('GET', '/quarantine/3');
    expect(body).toMatchObject({
      text: '{"x3":1}',
      base64: Buffer.from('{"x3":1}').toString('base64'),
      entries: [{ position: 3, channel: 'c', code: 'INGEST_CHANNEL_UNKNOWN', payloadBytes: 8 }],
    });
    expect((await send('GET', '/quarantine/99')).body).toMatchObject({
      status: 404,
      code: 'API_QUARANTINE_UNKNOWN',
    });
  });

  test('is replayed and dismissed by readings that name the decision', async () => {
    const replayed = await send('POST', '/quarantine/3/replay');
    expect([replayed.status, replayed.body['readingPosition']]).toEqual([202, 2]);
    const dismissed = await send('POST', '/quarantine/2/dismiss', {
      channel: 'b',
      reason: 'noise',
    });
    expect(dismissed.status).toBe(202);
    expect(rig.appended.map(({ kind, door, device }) => [kind, door, device])).toEqual([
      ['replay', 'internal', 'logger'],
      ['decision', 'internal', 'plant'],
    ]);
    expect(parseReplay(textOf(0))?.position).toBe(3);
    expect(parseDecision(textOf(1))).toEqual({
      decision: 'dismiss',
      position: 2,
      channel: 'b',
      reason: 'noise',
      actor: expect.stringMatching(/^token-/),
    });
    const whole = await send('POST', '/quarantine/1/dismiss');
    expect(whole.status).toBe(202);
    expect(parseDecision(textOf(2))).toMatchObject({ decision: 'dismiss', position: 1 });
  });

  test('refuses what is not there, or was decided before', async () => {
    const ended = { ...entry(3, 'c'), state: 'replayed' as const, payload: null };
    await rig.publish([], { quarantined: [ended] });
    expect((await send('POST', '/quarantine/3/replay')).body).toMatchObject({
      status: 409,
      code: 'API_QUARANTINE_SETTLED',
    });
    expect((await send('POST', '/quarantine/9/dismiss')).status).toBe(404);
    const unknown = await send('POST', '/quarantine/2/dismiss', { channel: 'z' });
    expect(unknown.body).toMatchObject({ status: 404, parameter: 'channel' });
    expect(rig.appended).toEqual([]);
  });

  test.each([
    'LOG_DISK_FULL',
    'BROKER_NOT_REPLICATED',
    'BROKER_REPLICATION_FULL',
    'FORWARD_NOT_REPLICATED',
  ])('answers 503 while a decision cannot be kept: %s', async (code) => {
    const { CodedError } = await import('../../devices/coded-error.ts');
    const entryOfTable = { message: 'Not kept.', meaning: '', canRetry: true };
    rig.failReadings(new CodedError(code, entryOfTable));
    const refused = await send('POST', '/quarantine/3/replay');
    expect([refused.status, refused.body['code']]).toEqual([503, code]);
  });
});

describe('the state of the network', () => {
  test('says which station is alive, late, silent or wrong', async () => {
    const minute = 60_000;
    rig.setNow(startAt + 1_000 * minute);
    const failed = {
      verdict: { flag: 4, tests: '4111111111111111', qualifiers: 0, reason: null, rules: '0' },
    } as const;
    await rig.publish([
      rig.row('ha-noi-temperature', startAt + 995 * minute),
      rig.row('hue-rain', startAt + 970 * minute),
      rig.row('kathmandu-temperature', startAt + 1 * minute),
      rig.row('garden-temperature', startAt + 999 * minute, failed),
    ]);
    const { body } = await send('GET', '/stations');
    const states = Object.fromEntries(
      (body.items as { station: string; state: string }[]).map(({ station, state }) => [
        station,
        state,
      ]),
    );
    expect(states).toEqual({
      garden: 'wrong',
      'ha-noi': 'alive',
      hidden: 'silent',
      hue: 'late',
      kathmandu: 'silent',
      shared: 'silent',
    });
    expect(body['counts']).toEqual({ alive: 1, late: 1, silent: 3, wrong: 1 });
    const silent = await send('GET', '/stations?state=silent');
    expect(silent.body.items).toHaveLength(3);
    expect(silent.body.items[0]).toMatchObject({ newestAt: null });
    const late = await send('GET', '/stations?state=late');
    const newestAt = new Date(startAt + 970 * minute).toISOString();
    expect(late.body.items).toMatchObject([{ newestAt, series: [{ newestAt }] }]);
  });

  test('shows connections, rooms and what a device said of itself', async () => {
    const place = { listener: 'tcp', address: '127.0.0.1' };
    const connection = {
      principal: 'device:logger',
      ...place,
      connectedAt: startAt,
      heardAt: startAt,
    };
    rig.connections.push(connection, { ...connection, principal: 'device:other' });
    rig.health.push(
      { room: 'broker', isReady: true, reasons: [], connections: 2 },
      { room: 'ingest', isReady: false, reasons: ['behind'] },
    );
    expect((await send('GET', '/connections?limit=1')).body).toEqual({
      items: [{ ...connection, connectedAt: startText, heardAt: startText }],
    });
    expect((await send('GET', '/health')).body.items).toMatchObject([
      { room: 'broker', isReady: true, connections: 2 },
      { room: 'ingest', reasons: ['behind'] },
    ]);
    const control = [
      { position: 5, receivedAt: startAt, device: 'logger', kind: 'state', text: '{}' },
    ];
    await rig.publish([], { control });
    expect((await send('GET', '/devices/logger/control')).body.items).toMatchObject([
      { kind: 'state', text: '{}', receivedAt: startText },
    ]);
    expect((await send('GET', '/devices/nobody/control')).status).toBe(404);
  });
});
