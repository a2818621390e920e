import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { openSystemClock } from '../../devices/clock-system.ts';
import { openTestApi, type Json, type TestApi } from '../api.fixture.ts';
import { createPost } from '../hooks/post.ts';
import { openCkan, type TestCkan } from './ckan.fixture.ts';
import { openOutbox } from './outbox.ts';

let rig: TestApi;
let ckan: TestCkan;
let folder: string;

beforeEach(async () => {
  ckan = await openCkan();
  folder = mkdtempSync(join(tmpdir(), 'quantrac-outbox-'));
  writeFileSync(join(folder, 'key'), 'secret-key\n');
  rig = await openTestApi({
    hooks: { resolve: async () => ['127.0.0.1'], post: createPost(openSystemClock()) },
    config: {
      publicUrl: 'https://quantrac.example/',
      outbox: {
        kind: 'ckan',
        url: ckan.url,
        keyFile: join(folder, 'key'),
        namePrefix: 'so-',
        timeoutMs: 5_000,
        answerBytesMax: 100_000,
        retryMsMin: 100,
        retryMsMax: 1_000,
        checkMs: 60_000,
      },
    },
  });
});
afterEach(async () => {
  await rig.close();
  await ckan.close();
  rmSync(folder, { recursive: true });
});

const asOperator = () => ({ authorization: `Bearer ${rig.operator}` });
const state = (): Promise<Json> => rig.json('/api/v1/admin/outbox', asOperator());

async function untilDone(): Promise<Json> {
  return expect
    .poll(async () => {
      const found = await state();
      return found['waiting'] === 0 && found.items.length > 0 ? found : undefined;
    })
    .toBeDefined()
    .then(state);
}

describe('the outbox', () => {
  test('submits by itself, keeps receipts, and goes on where it was after a restart', async () => {
    const { items } = await untilDone();
    expect(items.map(({ dataset, state: of }) => [dataset, of])).toEqual([
      ['agency~air', 'done'],
      ['agency~weather', 'done'],
      ['factory~weather', 'done'],
    ]);
    expect(ckan.packages.every(({ name }) => name.startsWith('so-'))).toBe(true);
    const path = '/api/v1/admin/outbox/receipts?dataset=agency~air';
    const receipts = await rig.json(path, asOperator());
    expect(receipts.items).toMatchObject([
      { dataset: 'agency~air', action: 'created', remoteId: items[0]?.['remoteId'] },
    ]);
    expect(JSON.stringify(receipts)).not.toContain('secret-key');
    const calls = ckan.calls.length;
    rig = await rig.reopen();
    await untilDone();
    expect(ckan.calls.length).toBe(calls);
    const owner = { id: 'agency', name: { vi: 'Sở mới', en: 'New agency' }, kind: 'state' };
    rig.registry.importFile({ format: 'quantrac-registry/1', owners: [owner] }, 'test');
    await expect
      .poll(() => ckan.packages.filter(({ title }) => String(title).includes('Sở mới')).length)
      .toBe(2);
  });

  test('waits for a key that is wrong, says so, and goes on by itself when it is right', async () => {
    ckan.key = 'another';
    await expect
      .poll(async () => (await state()).items[0]?.['error'])
      .toMatch(/Authorization Error/);
    expect(ckan.packages).toEqual([]);
    writeFileSync(join(folder, 'key'), 'another');
    const retried = await fetch(`${rig.url}/api/v1/admin/outbox/retry`, {
      method: 'POST',
      headers: { ...asOperator(), 'content-type': 'application/json' },
      body: '{}',
    });
    expect(((await retried.json()) as Json)['retried']).toBeGreaterThan(0);
    await untilDone();
    expect(ckan.packages).toHaveLength(3);
  });

  test('is for operators alone', async () => {
    for (const path of ['outbox', 'outbox/receipts']) {
      expect((await rig.get(`/api/v1/admin/${path}`)).status).toBe(401);
      const headers = { authorization: `Bearer ${rig.reader}` };
      expect((await rig.get(`/api/v1/admin/${path}`, headers)).status).toBe(403);
    }
  });

  test('is that of the node that publishes: others send there, and submit nothing', async () => {
    const publishingUrl = 'https://node-1.example/';
    rig = await rig.reopen({ config: { publishing: false, publishingUrl } });
    const answer = await fetch(`${rig.url}/api/v1/admin/outbox`, {
      headers: asOperator(),
      redirect: 'manual',
    });
    expect([answer.status, answer.headers.get('location')]).toEqual([
      307,
      'https://node-1.example/api/v1/admin/outbox',
    ]);
    rig = await rig.reopen({ config: { publishing: true } });
    expect(await state()).toEqual({ portal: null, waiting: 0, items: [] });
  });
});

test('an outbox without an address of this server is refused at the start', () => {
  const outbox = { kind: 'ckan', url: 'http://127.0.0.1:1', keyFile: '/none' };
  const context = { config: { outbox, publicUrl: undefined } };
  expect(() => openOutbox(context as never, {} as never)).toThrow(
    expect.objectContaining({ code: 'API_OUTBOX_INCOMPLETE' }),
  );
});
