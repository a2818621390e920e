import { expect, onTestFinished, test } from 'vitest';

import { openTestApi, startAt, type TestApi, type TestApiOptions } from '../api.fixture.ts';

/** A proxy on this machine speaks for the clients. */
async function openBehindProxy(config: TestApiOptions['config']): Promise<TestApi> {
  const rig = await openTestApi({ config: { trustedProxies: ['127.0.0.1'], ...config } });
  onTestFinished(() => rig.close());
  return rig;
}

async function ask(rig: TestApi, path: string, headers: Record<string, string>) {
  const answer = await rig.get(path, headers);
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text };
}

/** A list of one string with integers as parameters (RFC 9651 §3), read strictly. */
function fieldOf(value: string | null): { name: string; numbers: Record<string, number> } {
  const found = /^"([a-z0-9-]+)"((?:;[a-z]+=\d{1,15})*)$/.exec(value ?? '');
  expect([value, found === null]).toEqual([value, false]);
  const parameters = (found?.[2] ?? '').split(';').slice(1);
  const numbers = parameters.map((each) => each.split('=')).map(([key, text]) => [key, +text!]);
  return { name: found?.[1] ?? '', numbers: Object.fromEntries(numbers) };
}

const path = '/api/v1/properties';

test('says the quota and what is left of it, refuses with the time to wait, and counts each client for itself', async () => {
  const rig = await openBehindProxy({ quotaKeylessUnits: 3, quotaWindowMs: 3_600_000 });
  const from = (address: string) => ask(rig, path, { 'x-forwarded-for': address });
  const first = await from('192.0.2.1');
  expect(first.status).toBe(200);
  expect(first.headers.get('ratelimit-policy')).toBe('"default";q=3;w=3600');
  const left = [first, await from('192.0.2.1')].map(
    ({ headers }) => fieldOf(headers.get('ratelimit')).numbers['r'],
  );
  expect(left[0]).toBeGreaterThan(left[1] ?? 0);
  // Its rows took what was left: a list of properties is longer than this quota allows for.
  const refused = await from('192.0.2.1');
  expect(refused.status).toBe(429);
  const { numbers } = fieldOf(refused.headers.get('ratelimit'));
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(numbers['t'] ?? NaN);
  expect(JSON.parse(refused.text)).toMatchObject({
    code: 'API_QUOTA_EXCEEDED',
    'violated-policies': ['default'],
    canRetry: true,
  });
  expect(refused.headers.get('access-control-allow-origin')).toBe('*');
  expect(refused.headers.get('access-control-expose-headers')).toMatch(/RateLimit, RateLimit-P/);
  expect((await from('192.0.2.2')).status).toBe(200);
});

test('a key has a quota of its own, wherever it is used, and a class of keys another', async () => {
  const trustedProxies = ['127.0.0.1'];
  let rig = await openTestApi({ config: { trustedProxies, quotaKeyUnits: 500 } });
  onTestFinished(() => rig.close());
  const { subject } = rig.registry.authenticateToken(rig.ownerToken) ?? { subject: '' };
  const policyOf = async (each: TestApi, token: string) => {
    const answer = await ask(each, path, {
      'x-forwarded-for': '192.0.2.1',
      authorization: `Bearer ${token}`,
    });
    return [answer.status, answer.headers.get('ratelimit-policy')];
  };
  for (let times = 0; times < 3; times++) {
    expect(await policyOf(rig, rig.reader)).toEqual([200, '"key";q=500;w=60']);
  }
  rig = await rig.reopen({
    config: {
      trustedProxies,
      quotaClasses: [{ name: 'mirrors', units: 9_000, tokens: [subject] }],
    },
  });
  expect(await policyOf(rig, rig.ownerToken)).toEqual([200, '"mirrors";q=9000;w=60']);
  expect(await policyOf(rig, rig.operator)).toEqual([200, null]);
});

test('tries of wrong keys are counted for the address, and a program on this machine is not limited', async () => {
  const rig = await openBehindProxy({ quotaKeylessUnits: 2, quotaWindowMs: 3_600_000 });
  const wrong = { 'x-forwarded-for': '192.0.2.9', authorization: 'Bearer wrong' };
  const statuses: number[] = [];
  for (let times = 0; times < 3; times++) statuses.push((await ask(rig, path, wrong)).status);
  expect(statuses).toEqual([401, 401, 429]);
  for (let times = 0; times < 5; times++) {
    const answer = await ask(rig, path, {});
    expect([answer.status, answer.headers.has('ratelimit')]).toEqual([200, false]);
  }
});

test('health is told, whatever the quota', async () => {
  const rig = await openBehindProxy({ quotaKeylessUnits: 1, quotaWindowMs: 3_600_000 });
  for (const each of ['/livez', '/readyz', '/livez', '/readyz']) {
    expect((await ask(rig, each, { 'x-forwarded-for': '192.0.2.3' })).status).not.toBe(429);
  }
});

test('while the thread is late, keyless requests are told when to come back, and operators are answered', async () => {
  const rig = await openBehindProxy({ overloadDelayMs: 1 });
  rig.setNow(startAt + 60_000);
  // Many at once make their own thread late, as a flood does.
  const flood = Array.from({ length: 600 }, () => ask(rig, path, {}));
  const operators = Array.from({ length: 20 }, () =>
    ask(rig, path, { authorization: `Bearer ${rig.operator}` }),
  );
  const health = ask(rig, '/livez', {});
  const answers = await Promise.all(flood);
  const sent = answers.filter(({ status }) => status === 503);
  expect(sent.length).toBeGreaterThan(0);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 503]));
  for (const { headers, text } of sent) {
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(2);
    expect(JSON.parse(text)).toMatchObject({ code: 'API_OVERLOADED', canRetry: true });
  }
  for (const { status } of await Promise.all(operators)) expect(status).toBe(200);
  expect((await health).status).toBe(200);
});

test('whoever has many networks of IPv6 counts once around them: a /56 as one client, a /48 with more', async () => {
  const rig = await openBehindProxy({
    quotaKeylessUnits: 4,
    quotaSiteTimes: 2,
    quotaWindowMs: 3_600_000,
  });
  const from = async (address: string) => {
    const answer = await ask(rig, '/api/v1/observations/none', { 'x-forwarded-for': address });
    const { 'violated-policies': violated } = JSON.parse(answer.text) as Record<string, unknown>;
    return [answer.status, violated];
  };
  // Every address of a /56 is the same client.
  for (let times = 0; times < 4; times++) {
    expect(await from(`2001:db8:1:${times}::${times}`)).toEqual([404, undefined]);
  }
  expect(await from('2001:db8:1:f::1')).toEqual([429, ['default']]);
  for (let times = 1; times <= 4; times++) {
    expect(await from(`2001:db8:1:${times}00::1`)).toEqual([404, undefined]);
  }
  expect(await from('2001:db8:1:500::1')).toEqual([429, ['site']]);
  expect(await from('2001:db8:2::1')).toEqual([404, undefined]);
});
