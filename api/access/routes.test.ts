import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openTestApi, startAt, type Json, type TestApi } from '../api.fixture.ts';

let rig: TestApi;

const dayMs = 86_400_000;
const applicant = { name: 'A firm', kind: 'enterprise', contact: 'office@example.com' };

beforeAll(async () => {
  rig = await openTestApi({ config: { accessRequestsPerAddressMax: 1_000 } });
  rig.setNow(startAt + 60_000);
  await rig.publish([rig.row('shared-temperature', startAt)]);
});
afterAll(() => rig.close());

interface Answer {
  readonly status: number;
  readonly body: Json;
  readonly headers: Headers;
}

async function send(
  method: string,
  path: string,
  { body, token, headers = {} }: { body?: unknown; token?: string; headers?: object } = {},
): Promise<Answer> {
  const answer = await fetch(`${rig.url}/api/v1${path}`, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return {
    status: answer.status,
    body: (await answer.json()) as Json,
    headers: answer.headers,
  };
}

const ask = (body: object, token?: string) =>
  send('POST', '/access-requests', { body, ...(token === undefined ? {} : { token }) });
const admin = (method: string, path: string, body?: unknown) =>
  send(method, `/admin${path}`, { body, token: rig.operator });
const seesShared = async (token: string) =>
  (await rig.get('/api/v1/datastreams/shared-temperature', { authorization: `Bearer ${token}` }))
    .status === 200;

async function recipientWithKey(id: string): Promise<string> {
  const body = { name: { vi: 'Bộ', en: 'Ministry' }, kind: 'ministry' };
  expect((await admin('PUT', `/recipients/${id}`, body)).status).toBe(200);
  const key = await admin('POST', `/recipients/${id}/keys`);
  expect(key.status).toBe(201);
  return String(key.body['secret']);
}

describe('a firm without a key', () => {
  test('asks, is granted as a recipient, reads with its key, and is ended', async () => {
    const wish = { scope: { stations: ['shared'] }, purpose: 'Cooling water', applicant };
    const asked = await ask(wish);
    expect(asked.status).toBe(201);
    expect(asked.headers.get('cache-control')).toBe('no-store');
    const { id, secret, requestedAt, deadlineAt, ...told } = asked.body;
    expect(told).toEqual({ state: 'requested', scope: wish.scope, purpose: 'Cooling water' });
    const givenMs = Date.parse(String(deadlineAt)) - Date.parse(String(requestedAt));
    expect(Math.round(givenMs / dayMs)).toBe(15);
    const key = await recipientWithKey('firm');
    expect(await seesShared(key)).toBe(false);
    const decision = {
      decision: 'grant',
      reason: 'It depends on it',
      recipient: 'firm',
      until: new Date(rig.now() + dayMs).toISOString(),
    };
    const decided = await admin('POST', `/access-requests/${String(id)}/decision`, decision);
    expect(decided).toMatchObject({ status: 200, body: { grant: { state: 'granted' } } });
    expect(await seesShared(key)).toBe(true);
    const path = `/access-requests/${String(id)}`;
    const seen = await send('GET', path, { headers: { 'access-request-secret': String(secret) } });
    expect(seen).toMatchObject({
      status: 200,
      body: { state: 'granted', recipient: 'firm', reason: 'It depends on it' },
    });
    expect(Object.keys(seen.body)).not.toContain('decidedBy');
    const ended = await admin('POST', `${path}/withdrawal`, { reason: 'It closed' });
    expect(ended).toMatchObject({ status: 200, body: { grant: { state: 'withdrawn' } } });
    expect(await seesShared(key)).toBe(false);
    const { items } = await rig.json(`/api/v1/admin/registry/history?afterVersion=1&limit=10000`, {
      authorization: `Bearer ${rig.operator}`,
    });
    const states = items
      .filter((row) => row['id'] === id)
      .map((row) => (row['after'] as { state: string }).state);
    expect(states).toEqual(['requested', 'granted', 'withdrawn']);
  });

  test('is answered alike whether or not what it names exists', async () => {
    const shapes = [];
    for (const stations of [['hidden'], ['no-such-station']]) {
      const { status, body } = await ask({ scope: { stations }, purpose: 'x', applicant });
      shapes.push([status, Object.keys(body), body['state']]);
    }
    expect(shapes[0]).toEqual(shapes[1]);
    expect(shapes[0]?.[0]).toBe(201);
  });

  test('is told what is wrong with the body, by name', async () => {
    for (const [body, parameter] of [
      [{ scope: { stations: ['shared'] }, purpose: 'x' }, 'applicant'],
      [{ scope: {}, purpose: 'x', applicant }, 'scope'],
      [{ scope: { stations: [] }, purpose: 'x', applicant }, 'scope.stations'],
      [{ scope: { stations: ['shared'] }, applicant }, 'purpose'],
      [
        { scope: { stations: ['shared'] }, purpose: 'x', applicant, recipient: 'firm' },
        'recipient',
      ],
    ] as const) {
      const refused = await ask(body);
      expect([refused.status, refused.body['parameter']]).toEqual([400, parameter]);
    }
  });
});

describe('a request', () => {
  test('is shown to who has its secret, to its recipient and to operators, to others not at all', async () => {
    const own = await recipientWithKey('own');
    const other = await recipientWithKey('other');
    const asked = await ask({ scope: { stations: ['shared'] }, purpose: 'x' }, own);
    expect(asked.status).toBe(201);
    const { id, secret } = asked.body as unknown as {
      readonly id: string;
      readonly secret: string;
    };
    const look = async (given: Parameters<typeof send>[2], of = id) => {
      const { status, body } = await send('GET', `/access-requests/${of}`, given);
      const { requestId: _id, instance: _at, ...rest } = body;
      return { status, rest };
    };
    const header = (value: string) => ({ headers: { 'access-request-secret': value } });
    expect((await look(header(secret))).status).toBe(200);
    expect((await look({ token: own })).status).toBe(200);
    expect((await look({ token: rig.operator })).status).toBe(200);
    const unknown = await look({}, 'request-none');
    expect(unknown.status).toBe(404);
    for (const given of [
      {},
      { token: other },
      { token: rig.reader },
      header(''),
      header(`${secret}x`),
    ]) {
      expect(await look(given)).toEqual(unknown);
    }
  });

  test('of one address is bounded, and so are those that wait', async () => {
    const small = await openTestApi({
      config: {
        accessRequestsPerAddressMax: 3,
        accessRequestsPerDayMax: 2,
        trustedProxies: ['127.0.0.1'],
      },
    });
    try {
      let line = 0;
      const post = async () => {
        line += 1;
        const answer = await fetch(`${small.url}/api/v1/access-requests`, {
          method: 'POST',
          // One line of a house has every address of its /56.
          headers: { 'content-type': 'application/json', 'x-forwarded-for': `2a00::${line}` },
          body: JSON.stringify({ scope: { owners: ['x'] }, purpose: 'x', applicant }),
        });
        const { code } = (await answer.json()) as Json;
        return [answer.status, code, answer.headers.has('retry-after')];
      };
      expect([await post(), await post()].map(([status]) => status)).toEqual([201, 201]);
      expect(await post()).toEqual([429, 'DEVICES_REQUESTS_FULL', true]);
      expect(await post()).toEqual([429, 'API_TOO_MANY_ACCESS_REQUESTS', true]);
    } finally {
      await small.close();
    }
  });
});

describe('an operator', () => {
  test('is told by name what a decision lacks', async () => {
    const wish = { scope: { stations: ['no-such-station'] }, purpose: 'x', applicant };
    const { id } = (await ask(wish)).body;
    const decide = async (body: object, of = String(id)) => {
      const { status, body: told } = await admin('POST', `/access-requests/${of}/decision`, body);
      return [status, told['code']];
    };
    const grant = { decision: 'grant', reason: 'x' };
    expect(await decide(grant)).toEqual([400, 'DEVICES_GRANT_RECIPIENT']);
    expect(await decide({ ...grant, recipient: 'nobody' })).toEqual([
      404,
      'DEVICES_RECIPIENT_UNKNOWN',
    ]);
    await recipientWithKey('late');
    expect(await decide({ ...grant, recipient: 'late' })).toEqual([409, 'DEVICES_GRANT_SCOPE']);
    expect(await decide(grant, 'request-none')).toEqual([404, 'DEVICES_GRANT_UNKNOWN']);
    expect(await decide({ decision: 'refuse' })).toEqual([400, 'API_BODY_INVALID']);
    expect(await decide({ decision: 'refuse', reason: 'No' })).toEqual([200, undefined]);
    expect(await decide({ decision: 'refuse', reason: 'No' })).toEqual([
      409,
      'DEVICES_GRANT_STATE',
    ]);
  });

  test('lists requests by state, grants without one, and closes a recipient', async () => {
    const key = await recipientWithKey('closing');
    const body = {
      recipient: 'closing',
      scope: { owners: ['factory'], properties: ['air-temperature'] },
      purpose: 'By law',
      reason: 'By law',
    };
    expect((await admin('POST', '/grants', body)).status).toBe(201);
    expect(await seesShared(key)).toBe(true);
    const listed = await admin('GET', '/access-requests?state=granted&recipient=closing');
    expect(listed.body.items).toMatchObject([{ recipient: 'closing', scope: body.scope }]);
    const closed = await admin('DELETE', '/recipients/closing?reason=Dissolved');
    expect(closed.body).toMatchObject({ grants: 1, keys: 1 });
    const gone = await rig.get('/api/v1/latest', { authorization: `Bearer ${key}` });
    expect(gone.status).toBe(401);
    const { items } = (await admin('GET', '/recipients')).body;
    expect(items.map(({ id }) => id)).toContain('closing');
  });
});
