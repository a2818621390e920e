import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { openTestApi, startAt, type Json, type TestApi } from '../api.fixture.ts';
import type { PostAnswer } from '../hooks/post.ts';
import {
  createReceiver,
  takeAll,
  type Received,
  type TestReceiver,
} from '../hooks/receiver.fixture.ts';

let rig: TestApi;
let receiver: TestReceiver;
let place = 0;

beforeEach(async () => {
  place = 0;
  receiver = createReceiver();
  const config = { hooksRetryMsMin: 1, hooksRetryMsMax: 100 };
  rig = await openTestApi({ hooks: receiver.ports, config });
});
afterEach(() => rig.close());

interface Made {
  readonly id: string;
  readonly secret: string;
}

async function call(method: string, path: string, key?: string, body?: object) {
  const answer = await fetch(`${rig.url}/api/v1/webhooks${path}`, {
    method,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, json: (await answer.json()) as Json };
}

async function subscribe(key?: string, filter: object = {}): Promise<Made> {
  const body = { url: 'https://receiver.example/hook', after: 'now', ...filter };
  const { json } = await call('POST', '', key, body);
  return { id: String(json['id']), secret: String(json['secret']) };
}

const stateOf = async ({ id, secret }: Made) => (await call('GET', `/${id}`, secret)).json;

async function until(made: Made, state: string): Promise<Json> {
  for (;;) {
    const hook = await stateOf(made);
    if (hook['state'] === state) return hook;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function next(count: number, datastream = 'ha-noi-temperature') {
  return Array.from({ length: count }, () => {
    place += 1;
    return rig.row(datastream, startAt + place * 60_000, { result: place });
  });
}

const resultsOf = (messages: readonly Received[]) =>
  messages
    .flatMap(({ data }) => data['changes'] as Json[])
    .map((change) => (change['observation'] as Json)['result']);

describe('what its owner does while a delivery is under way', () => {
  /** A webhook whose next message of the type is answered like this, once `act` is done. */
  async function during(
    type: string,
    act: (made: Made) => Promise<unknown>,
    answer: () => Partial<PostAnswer>,
  ): Promise<Made> {
    const made = await subscribe();
    await until(made, 'active');
    let isFirst = true;
    receiver.answer = async (message) => {
      if (message.type !== type || !isFirst) return takeAll(message);
      isFirst = false;
      await act(made);
      return answer();
    };
    return made;
  }
  const pause = ({ id, secret }: Made) => call('POST', `/${id}/pause`, secret);
  const resume = ({ id, secret }: Made, after?: string) =>
    call('POST', `/${id}/resume`, secret, after === undefined ? {} : { after });
  const settled = () => rig.publish(next(1, 'hue-rain'));

  test.each([
    ['is taken', 200],
    ['is refused', 500],
    ['is gone', 410],
  ])('stands when it %s: a pause', async (_what, status) => {
    const made = await during('changes', pause, () => ({ status }));
    await rig.publish(next(2));
    expect(await until(made, 'paused')).toMatchObject({ reason: 'by-owner' });
    await settled();
    expect(await stateOf(made)).toMatchObject({ state: 'paused', attempts: 0 });
    await resume(made);
    await receiver.wait('changes', 2);
    // What was taken does not come again.
    const results = resultsOf((await receiver.wait('changes', 2)).slice(1, 2));
    expect(results).toEqual(status === 200 ? [3] : [1, 2]);
  });

  test('stands: another cursor, from which all comes again', async () => {
    const first = (await rig.json('/api/v1/changes?after=now'))['next'] as string;
    const made = await during(
      'changes',
      (hook) => resume(hook, first),
      () => ({}),
    );
    await rig.publish(next(2));
    expect(resultsOf(await receiver.wait('changes', 2))).toEqual([1, 2, 1, 2]);
    expect((await stateOf(made))['state']).toBe('active');
  });

  test('stands: a new beginning while it is told that its cursor is gone', async () => {
    const made = await during(
      'changes.expired',
      (hook) => resume(hook, 'now'),
      () => ({}),
    );
    rig = await rig.reopen({ identity: { storeId: 'another', earlier: [] } });
    await receiver.wait('changes.expired', 1);
    await until(made, 'active');
    await rig.publish(next(1));
    expect(resultsOf(await receiver.wait('changes', 1))).toEqual([1]);
  });

  test('stands: that it was deleted', async () => {
    const remove = ({ id, secret }: Made) => call('DELETE', `/${id}`, secret);
    const made = await during('changes', remove, () => ({ status: 410 }));
    await rig.publish(next(1));
    await receiver.wait('changes', 1);
    await settled();
    expect((await call('GET', `/${made.id}`, rig.operator)).status).toBe(404);
    expect(rig.telemetry.value('quantrac_webhook_states_total', { state: 'ended' })).toBe(0);
  });
});

test('a clock that was ahead for a while holds nothing back when it is mended', async () => {
  const made = await subscribe();
  await until(made, 'active');
  const aheadAt = startAt + 10 * 365 * 86_400_000;
  rig.setNow(aheadAt);
  await rig.publish(next(1));
  await receiver.wait('changes', 1);
  rig.setNow(startAt + 60_000);
  await rig.publish(next(1));
  await receiver.wait('changes', 2);
  rig.setNow(aheadAt);
  receiver.answer = async () => ({ status: 500 });
  await rig.publish(next(1));
  const [, , failed] = await receiver.wait('changes', 3);
  rig.setNow(startAt + 120_000);
  receiver.answer = takeAll;
  const tries = await receiver.wait('changes', receiver.received.length);
  expect([failed?.id, resultsOf(tries.slice(-1))]).toEqual([tries.at(-1)?.id, [3]]);
});

test('a place that moved over what a webhook does not want is there again after a restart', async () => {
  const made = await subscribe(undefined, { property: 'rainfall' });
  const { cursor: first } = await until(made, 'active');
  await rig.publish(next(2));
  await expect.poll(async () => (await stateOf(made))['cursor']).not.toBe(first);
  const { cursor } = await stateOf(made);
  rig = await rig.reopen({ config: { hooksRetryMsMin: 3_600_000 } });
  expect((await stateOf(made))['cursor']).toBe(cursor);
});

test('what is delivered for a key is in its access log and its sums; for nobody it is in none', async () => {
  const { id, secret } = rig.registry.createToken({
    role: 'reader',
    owner: 'factory',
    actor: 'test',
  });
  await until(await subscribe(), 'active');
  const made = await subscribe(secret, { station: 'hidden' });
  await until(made, 'active');
  let tries = 0;
  receiver.answer = (message) => {
    if (!message.body.includes('hidden-temperature')) return {};
    tries += 1;
    return [{ status: 503 }, undefined, {}, {}][tries - 1];
  };
  await rig.publish([...next(2, 'hidden-temperature'), ...next(1)]);
  await expect.poll(() => tries).toBe(3);
  const bytes = Buffer.byteLength(receiver.received.at(-1)?.body ?? '');
  // Told that it sees the station no more, which its filter still names.
  const station = rig.registry.current().stations.get('hidden');
  await rig.api.registryAdmin.importRegistry(
    { format: 'quantrac-registry/1', stations: [{ ...station, owner: 'agency' }] },
    'test',
  );
  const text = JSON.stringify({ version: rig.registry.current().version });
  const marker = { position: 1, receivedAt: startAt, device: '', kind: 'registry', text } as const;
  await rig.publish([], { control: [marker] });
  await expect.poll(() => receiver.received.at(-1)?.body).toContain('"visible":false');
  const exported = async (path: string) => {
    const answer = await rig.get(`/api/v1/admin/${path}`, {
      authorization: `Bearer ${rig.operator}`,
    });
    const lines = (await answer.text()).trimEnd().split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Json);
  };
  const logged = (await exported('access-log')).filter(({ path }) => path === 'webhook');
  const row = { key: id, path: 'webhook', rows: 2, bytes };
  const told = { path: 'webhook', status: 200, rows: 1 };
  expect(logged).toMatchObject([...[503, 0, 200].map((status) => ({ ...row, status })), told]);
  const sums = (await exported('metering')).filter(({ key }) => key === id);
  expect(sums).toContainEqual(
    expect.objectContaining({ kind: 'path', resource: 'webhook', requests: 4, rows: 7 }),
  );
  expect(sums).toContainEqual(
    expect.objectContaining({ kind: 'dataset', resource: 'factory~weather', requests: 2 }),
  );
});
