import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import {
  openTestApi,
  startAt,
  type Json,
  type TestApi,
  type TestApiOptions,
} from '../api.fixture.ts';
import {
  createReceiver,
  takeAll,
  verify,
  type Received,
  type TestReceiver,
} from '../hooks/receiver.fixture.ts';

let rig: TestApi;
let receiver: TestReceiver;
const minute = 60_000;

async function open(options: TestApiOptions = {}): Promise<void> {
  receiver = createReceiver();
  rig = await openTestApi({
    hooks: receiver.ports,
    ...options,
    config: { hooksRetryMsMin: 1, hooksRetryMsMax: 100, ...options.config },
  });
  // The check of a signature compares with the clock of the machine.
  rig.setNow(Date.now());
}
beforeEach(() => open());
afterEach(() => rig.close());

async function call(
  method: string,
  path: string,
  { key, body }: { readonly key?: string; readonly body?: object } = {},
): Promise<{ readonly status: number; readonly json: Json }> {
  const answer = await fetch(`${rig.url}/api/v1/webhooks${path}`, {
    method,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    redirect: 'manual',
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, json: (text === '' ? {} : JSON.parse(text)) as Json };
}

interface Made {
  readonly id: string;
  readonly secret: string;
}

async function subscribe(more: object = {}, key?: string): Promise<Made> {
  const body = { url: 'https://receiver.example/hook', after: 'now', ...more };
  const { status, json } = await call('POST', '', { body, ...(key === undefined ? {} : { key }) });
  expect(status).toBe(201);
  return { id: String(json['id']), secret: String(json['secret']) };
}

async function stateOf({ id, secret }: Made): Promise<Json> {
  return (await call('GET', `/${id}`, { key: secret })).json;
}

async function until(made: Made, state: string): Promise<Json> {
  for (;;) {
    const hook = await stateOf(made);
    if (hook['state'] === state) return hook;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

let place = 0;
beforeEach(() => {
  place = 0;
});
function next(count: number, datastream = 'ha-noi-temperature') {
  return Array.from({ length: count }, () => {
    place += 1;
    return rig.row(datastream, startAt + place * minute, { result: place });
  });
}
const changesOf = (messages: readonly Received[]) =>
  messages.flatMap(({ data }) => data['changes'] as Json[]);
const resultsOf = (messages: readonly Received[]) =>
  changesOf(messages).map((change) => (change['observation'] as Json)['result']);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe('a webhook', () => {
  test('gets nothing before its address has answered the challenge', async () => {
    receiver.answer = () => ({ body: 'welcome' });
    const made = await subscribe();
    await rig.publish(next(1));
    const hook = await until(made, 'disabled');
    expect(hook).toMatchObject({ reason: 'unverified', lastFailure: 'challenge not answered' });
    expect(receiver.received.map(({ type }) => type)).toEqual(
      Array.from({ length: 3 }, () => 'webhook.verification'),
    );
    for (const message of receiver.received) verify(made.secret, message);
  });

  test('gets all changes in order, signed, exactly as /changes gives them', async () => {
    const made = await subscribe();
    await until(made, 'active');
    for (let batch = 0; batch < 5; batch++) await rig.publish(next(30));
    await expect.poll(() => changesOf(receiver.received.slice(1)).length).toBe(150);
    const { changes, next: end } = await rig.json('/api/v1/changes');
    const messages = await receiver.wait('changes', 1);
    expect(changesOf(messages)).toEqual(changes);
    for (const message of messages) expect(verify(made.secret, message)).toBeDefined();
    expect(messages.at(-1)?.data['cursor']).toBe(end);
    expect((await stateOf(made))['deliveredAt']).toEqual(expect.any(String));
  });

  test('gets again what was not received, the same under the same id, and nothing twice', async () => {
    const taken: Received[] = [];
    let tries = 0;
    receiver.answer = (message) => {
      if (message.type === 'webhook.verification') return takeAll(message);
      tries += 1;
      if (tries % 3 === 1) return { status: 503, retryAfter: '0' };
      if (tries % 3 === 2) return undefined;
      taken.push(message);
      return {};
    };
    const made = await subscribe();
    await until(made, 'active');
    await rig.publish(next(3));
    await receiver.wait('changes', 1);
    await rig.publish(next(4));
    await expect.poll(() => changesOf(taken).length).toBe(7);
    expect(resultsOf(taken)).toEqual(upTo(7));
    const first = receiver.received.slice(1, 4);
    expect(new Set(first.map(({ id }) => id)).size).toBe(1);
    expect(new Set(first.map(({ data }) => JSON.stringify(data['changes']))).size).toBe(1);
  });

  test('goes on behind what was received after a restart', async () => {
    const made = await subscribe();
    await until(made, 'active');
    await rig.publish(next(3));
    await receiver.wait('changes', 1);
    rig = await rig.reopen();
    await rig.publish(next(2));
    await expect.poll(() => changesOf(receiver.received.slice(1)).length).toBe(5);
    expect(resultsOf(await receiver.wait('changes', 2))).toEqual(upTo(5));
    expect((await stateOf(made))['state']).toBe('active');
  });

  test('is filtered, and sees what its key sees as long as that is valid', async () => {
    const { id, secret } = await rig.api.registryAdmin.createToken({
      role: 'operator',
      actor: 't',
    });
    const station = 'hidden,ha-noi';
    const made = await subscribe({ station, property: 'air-temperature' }, secret);
    await until(made, 'active');
    await rig.publish([...next(1, 'hidden-temperature'), ...next(1, 'hue-rain'), ...next(1)]);
    expect(resultsOf(await receiver.wait('changes', 1))).toEqual([1, 3]);
    expect(
      (await call('POST', '', { body: { url: 'https://a.example/', station: 'hidden' } })).status,
    ).toBe(404);
    expect((await call('GET', '', { key: secret })).json.items).toMatchObject([{ id: made.id }]);
    expect((await call('GET', '', { key: rig.reader })).json.items).toEqual([]);
    expect((await call('GET', `/${made.id}`, { key: rig.reader })).status).toBe(404);
    await rig.api.registryAdmin.revoke(id, 'test');
    await rig.publish(next(1));
    expect(await until(made, 'ended')).toMatchObject({ reason: 'key-revoked' });
    expect(receiver.received).toHaveLength(2);
  });

  test('ends when the receiver says 410', async () => {
    receiver.answer = (message) =>
      message.type === 'changes' ? { status: 410 } : takeAll(message);
    const made = await subscribe();
    await until(made, 'active');
    await rig.publish(next(1));
    expect(await until(made, 'ended')).toMatchObject({ reason: 'receiver-gone' });
    const resumed = await call('POST', `/${made.id}/resume`, { key: made.secret });
    expect([resumed.status, resumed.json['code']]).toEqual([409, 'API_WEBHOOK_ENDED']);
  });

  test('is disabled when it fails for too long, with its reason, and comes back by a challenge', async () => {
    let isDown = false;
    receiver.answer = (message) => (isDown ? { status: 500 } : takeAll(message));
    const made = await subscribe();
    await until(made, 'active');
    isDown = true;
    await rig.publish(next(2));
    await receiver.wait('changes', 1);
    rig.setNow(rig.now() + 432_000_001);
    expect(await until(made, 'disabled')).toMatchObject({
      reason: 'failing',
      lastFailure: 'status 500',
    });
    isDown = false;
    const before = receiver.received.length;
    await call('POST', `/${made.id}/resume`, { key: made.secret });
    await until(made, 'active');
    await expect.poll(() => receiver.received.length).toBe(before + 2);
    expect(receiver.received.slice(before).map(({ type }) => type)).toEqual([
      'webhook.verification',
      'changes',
    ]);
    expect(resultsOf(receiver.received.slice(before + 1))).toEqual([1, 2]);
  });

  test('is told when its cursor is too old, once, and waits for its owner', async () => {
    const made = await subscribe();
    await until(made, 'active');
    await rig.publish(next(2));
    await receiver.wait('changes', 1);
    rig = await rig.reopen({ identity: { storeId: 'another', earlier: [] } });
    const [told] = await receiver.wait('changes.expired', 1);
    expect(told?.data).toMatchObject({ code: 'API_CURSOR_STORE_UNKNOWN' });
    const hook = await until(made, 'expired');
    expect(hook['reason']).toBe('API_CURSOR_STORE_UNKNOWN');
    const now = { after: 'now' };
    await call('POST', `/${made.id}/resume`, { key: made.secret, body: now });
    await rig.publish(next(1));
    expect(resultsOf(await receiver.wait('changes', 2))).toEqual([1, 2, 3]);
    expect(receiver.received.filter(({ type }) => type === 'changes.expired')).toHaveLength(1);
  });

  test('signs with both secrets while it changes over, and can be paused and deleted', async () => {
    const made = await subscribe();
    await until(made, 'active');
    const rotated = await call('POST', `/${made.id}/rotate`, { key: made.secret });
    const secret = String(rotated.json['secret']);
    expect((await call('GET', `/${made.id}`, { key: made.secret })).status).toBe(404);
    await rig.publish(next(1));
    const [message] = (await receiver.wait('changes', 1)) as [Received];
    for (const each of [made.secret, secret]) expect(verify(each, message)).toBeDefined();
    const key = secret;
    expect((await call('POST', `/${made.id}/pause`, { key })).json).toMatchObject({
      state: 'paused',
      reason: 'by-owner',
    });
    await rig.publish(next(1));
    expect((await call('POST', `/${made.id}/resume`, { key })).json['state']).toBe('active');
    await receiver.wait('changes', 2);
    expect((await call('DELETE', `/${made.id}`, { key })).json['state']).toBe('ended');
    expect((await call('GET', `/${made.id}`, { key: rig.operator })).status).toBe(404);
  });

  test('goes to no private address, whatever its name stands for by then', async () => {
    receiver.addresses = ['1.1.1.1', '10.0.0.1'];
    const made = await subscribe();
    expect(await until(made, 'disabled')).toMatchObject({
      // A stranger is told nothing of what stands behind a name.
      lastFailure: 'challenge not answered',
      lastStatus: null,
    });
    expect(receiver.received).toEqual([]);
    receiver.addresses = ['1.1.1.1'];
    receiver.answer = () => ({ status: 403 });
    const refused = await subscribe({ url: 'https://other.example/' });
    expect(await until(refused, 'disabled')).toMatchObject({
      lastFailure: 'challenge not answered',
      lastStatus: null,
    });
  });

  test.each([
    [{ url: 'http://receiver.example/' }, 400, { parameter: 'url' }],
    [{ url: 'https://192.168.1.1/' }, 400, { parameter: 'url' }],
    [{ url: 'https://a.example/', after: 'x' }, 400, { code: 'API_CURSOR_INVALID' }],
    [{ url: 'https://a.example/', colour: 'red' }, 400, { code: 'API_BODY_INVALID' }],
    [{ url: 'https://a.example/', bbox: '1' }, 400, { parameter: 'bbox' }],
    [{}, 400, { code: 'API_BODY_INVALID' }],
  ])('is refused as %j', async (body, status, problem) => {
    const answer = await call('POST', '', { body });
    expect([answer.status, answer.json]).toEqual([status, expect.objectContaining(problem)]);
  });

  test('has its bounds, in all, to one host, and in verifications of a host', async () => {
    rig = await rig.reopen({
      config: { hooksMax: 3, hooksPerHostMax: 2, hooksChallengesPerHourMax: 1 },
    });
    const first = await subscribe();
    const second = await subscribe();
    const url = { url: 'https://receiver.example/other' };
    expect((await call('POST', '', { body: url })).json['code']).toBe('API_TOO_MANY_WEBHOOKS');
    await subscribe({ url: 'https://other.example/' });
    const other = { url: 'https://third.example/' };
    expect((await call('POST', '', { body: other })).status).toBe(429);
    await until(first, 'active');
    await receiver.wait('webhook.verification', 2);
    expect((await stateOf(second))['state']).toBe('unverified');
  });
});

describe('strangers', () => {
  const make = async (url: string, address: string, key?: string): Promise<number> => {
    const answer = await fetch(`${rig.url}/api/v1/webhooks`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-forwarded-for': address,
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify({ url, after: 'now' }),
    });
    await answer.text();
    return answer.status;
  };
  const trustedProxies = ['127.0.0.1'];

  test('have so many webhooks of one network and to one domain, and leave a share to keys', async () => {
    const bounds = { hooksMax: 9, hooksKeylessMax: 5, hooksPerMakerMax: 2, hooksPerDomainMax: 3 };
    rig = await rig.reopen({ config: { trustedProxies, ...bounds } });
    const statuses: number[] = [];
    for (const [host, address] of [
      ['1.evil.example', '2a00::1'],
      ['2.evil.example', '2a00::2'],
      ['a.other.example', '2a00::3'],
      ['3.evil.example', '2a01::1'],
      ['4.evil.example', '2a01::1'],
      ['b.other.example', '2a01::1'],
      ['c.other.example', '2a02::1'],
      ['d.third.example', '2a03::1'],
    ] as const) {
      statuses.push(await make(`https://${host}/`, address));
    }
    expect(statuses).toEqual([201, 201, 429, 201, 429, 201, 201, 429]);
    const key = rig.ownerToken;
    expect(await make('https://1.evil.example/', '2a00::1', key)).toBe(201);
    expect(await make('https://2.evil.example/', '2a00::1', key)).toBe(201);
    expect(await make('https://3.good.example/', '2a09::1', key)).toBe(429);
  });

  test('send no more verifications to one address than it takes, whatever names stand for it', async () => {
    rig = await rig.reopen({ config: { hooksChallengesPerAddressMax: 2 } });
    const made = [];
    for (const name of ['a', 'b', 'c', 'd']) {
      made.push(await subscribe({ url: `https://${name}.evil.example/` }));
    }
    await receiver.wait('webhook.verification', 2);
    // In the next rounds the others have their turn, and must wait.
    await until(made[1]!, 'active');
    receiver.addresses = ['8.8.8.8'];
    const last = await subscribe({ url: 'https://e.good.example/' });
    await until(last, 'active');
    expect(receiver.received.map(({ address }) => address).sort()).toEqual([
      '1.1.1.1',
      '1.1.1.1',
      '8.8.8.8',
    ]);
  });

  test('have theirs removed when nothing is sent to them for long', async () => {
    const clockJumpMsMax = 5 * 365 * 86_400_000;
    const bounds = { hooksUnverifiedMsMax: 1_000, hooksIdleMsMax: 5_000, clockJumpMsMax };
    rig = await rig.reopen({ config: bounds });
    const active = await subscribe();
    await until(active, 'active');
    receiver.answer = ({ type }) => ({ status: type === 'changes' ? 410 : 500 });
    const unverified = await subscribe({ url: 'https://silent.example/' });
    const statusOf = async ({ id, secret }: Made) =>
      (await call('GET', `/${id}`, { key: secret })).status;
    rig.setNow(rig.now() + 2_000);
    await expect.poll(() => statusOf(unverified)).toBe(404);
    expect(await statusOf(active)).toBe(200);
    await rig.publish(next(1));
    await until(active, 'ended');
    // One that jumps by years removes nothing, nor does it when it is mended.
    const nowAt = rig.now();
    rig.setNow(nowAt + 2 * clockJumpMsMax);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(await statusOf(active)).toBe(200);
    rig.setNow(nowAt + 60_000);
    await expect.poll(() => statusOf(active)).toBe(404);
  });
});

describe('a node that does not publish', () => {
  test('sends those who ask to the one that does, or says that it is elsewhere', async () => {
    rig = await rig.reopen({ config: { publishing: false } });
    const refused = await call('POST', '', { body: { url: 'https://a.example/' } });
    expect([refused.status, refused.json['code']]).toEqual([503, 'API_PUBLISHED_ELSEWHERE']);
    rig = await rig.reopen({
      config: { publishing: false, publishingUrl: 'https://node-1.example/' },
    });
    const sent = await fetch(`${rig.url}/api/v1/webhooks/x`, { redirect: 'manual' });
    expect([sent.status, sent.headers.get('location')]).toEqual([
      307,
      'https://node-1.example/api/v1/webhooks/x',
    ]);
  });
});
