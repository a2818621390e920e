import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { QuarantineEntry } from '../../ingest/observations/batch.ts';
import { startAt, type TestApi } from '../api.fixture.ts';
import { openEvents } from '../live/event-reader.fixture.ts';
import { network as registryFile } from '../network.fixture.ts';
import {
  byDatastream,
  follow,
  intervalMs,
  measured,
  openTestNetwork,
  publishRows,
  publishSome,
  refusalOf,
  rowAt,
  type TestNetwork,
  type TestNode,
} from './network.fixture.ts';

let net: TestNetwork;
let here: TestNode;
let there: TestNode;

beforeEach(async () => {
  await open();
});
afterEach(() => net.close());

async function open(options: Parameters<typeof openTestNetwork>[0] = {}): Promise<void> {
  net = await openTestNetwork(options);
  net.setNow(startAt + 10_000 * intervalMs);
  [here, there] = net.nodes as [TestNode, TestNode];
}

const everywhere = (nths: readonly number[]) =>
  Object.fromEntries(measured.map((id) => [id, nths]));
const upTo = (count: number) => Array.from({ length: count }, (_each, nth) => nth);

describe('changes of a network', () => {
  test('go on at another node from any cursor, each once and in order', async () => {
    publishSome(net, 0, 6);
    await here.takeAll(0);
    await there.takeAll(2);
    const changes: Record<string, unknown>[] = [];
    let after = String((await here.json('/api/v1/changes?limit=1'))['next']);
    changes.push(...(await here.json('/api/v1/changes?limit=1')).changes);
    for (let pages = 0; pages < 40; pages++) {
      const page = await follow(pages % 2 === 0 ? there : here, after, 1);
      changes.push(...page.changes);
      after = String(
        pages % 3 === 0 ? (page.changes[0]?.['cursor'] ?? page['next']) : page['next'],
      );
      if (page['atEnd'] === true) break;
    }
    expect(byDatastream(changes)).toEqual(everywhere(upTo(6)));
  });

  test('after the answer of any list, at any node, neither lack nor repeat anything', async () => {
    publishSome(net, 0, 3);
    await here.takeAll(0);
    const lists = ['latest', 'observations', 'stations', 'observations.csv', 'latest.ndjson'];
    const cursors = await Promise.all(
      ['', ...lists].map(
        async (path) => (await here.get(`/api/v1/${path}`)).headers.get('quantrac-cursor') ?? '',
      ),
    );
    expect(new Set(cursors).size).toBe(1);
    publishSome(net, 3, 2);
    await there.takeAll(1);
    const { changes } = await follow(there, cursors[0] ?? '');
    expect(byDatastream(changes)).toEqual(everywhere([3, 4]));
  });

  test('say nothing, and keep the cursor, where a node has not come so far, then go on', async () => {
    publishSome(net, 0, 2);
    await here.takeAll();
    const { next } = await here.json('/api/v1/changes');
    const waiting = await follow(there, String(next));
    expect(waiting).toEqual({ changes: [], next, atEnd: false });
    publishSome(net, 2, 1);
    const coming = follow(there, String(next));
    await there.takeAll(2);
    const more = [await coming, await follow(there, String((await coming)['next']))];
    expect(byDatastream(more.flatMap(({ changes }) => changes))).toEqual(everywhere([2]));
  });

  test('of another store, of one log, or too old are gone', async () => {
    const other = Buffer.concat([Buffer.from('2:other:'), Buffer.of(3, 0, 0, 0)]);
    const log = Buffer.from('1:store-1:1:0');
    for (const bytes of [other, log]) {
      const answer = here.get(`/api/v1/changes?after=${bytes.toString('base64url')}`);
      expect(await refusalOf(answer)).toEqual([410, 'API_CURSOR_STORE_UNKNOWN', 'after']);
    }
    const wrong = Buffer.concat([Buffer.from('2:store-1:'), Buffer.of(2, 0, 0)]);
    const answer = here.get(`/api/v1/changes?after=${wrong.toString('base64url')}`);
    expect(await refusalOf(answer)).toEqual([400, 'API_CURSOR_INVALID', 'after']);
  });

  test('older than the horizon are gone at every node, partition by partition', async () => {
    await net.close();
    await open({ config: { feedHorizonMs: 600_000 } });
    net.setNow(startAt);
    publishSome(net, 0, 2);
    await here.takeAll();
    const { next: old } = await here.json('/api/v1/changes?limit=1');
    net.setNow(startAt + 3_600_000);
    publishRows(net, 'hue-rain', [5]);
    await here.takeAll();
    await there.takeAll(2);
    expect(await refusalOf(there.get(`/api/v1/changes?after=${String(old)}`))).toEqual([
      410,
      'API_CURSOR_EXPIRED',
      'after',
    ]);
    const { changes } = await there.json('/api/v1/changes');
    expect(byDatastream(changes)).toMatchObject({ 'hue-rain': [5], 'garden-temperature': [] });
  });

  test('tell of a datastream that was closed once, though every partition has the marker', async () => {
    publishSome(net, 0, 1);
    await here.takeAll();
    const { next } = await here.json('/api/v1/changes');
    const closed = {
      ...registryFile,
      datastreams: registryFile.datastreams.map((each) =>
        (each as { id: string }).id === 'garden-temperature'
          ? { ...each, visibility: 'internal' }
          : each,
      ),
    };
    for (const node of [here, there]) await node.api.registryAdmin.importRegistry(closed, 'test');
    const { version } = here.registry.current();
    const marker = { position: 1, receivedAt: startAt, device: '', kind: 'registry' };
    const control = [{ ...marker, text: JSON.stringify({ version }) }];
    for (const partition of [0, 1, 2]) net.publish([], { partition, control });
    publishRows(net, 'hue-rain', [7]);
    await here.takeAll(1);
    await there.takeAll(2);
    for (const node of [here, there]) {
      const { changes } = await follow(node, String(next));
      expect(changes.map((change) => [change['type'], change['datastream']])).toEqual(
        expect.arrayContaining([
          ['datastream', 'garden-temperature'],
          ['insert', undefined],
        ]),
      );
      expect(changes).toHaveLength(2);
    }
  });

  test('wait for the version of the registry that they were decided at', async () => {
    publishSome(net, 0, 1);
    net.publish([net.row('hue-rain', rowAt(9), { result: 9 })], {
      registryVersion: here.registry.current().version + 1,
    });
    const cursor = (node: TestApi) =>
      node.get('/api/v1/').then((answer) => answer.headers.get('quantrac-cursor') ?? '');
    const before = await cursor(here);
    const taking = here.takeAll();
    await expect.poll(() => cursor(here)).not.toBe(before);
    const shown = await follow(here, before);
    const all = shown.changes.map(
      (change) => (change['observation'] as { readonly result: number }).result,
    );
    expect(all).not.toContain(9);
    const owners = [{ id: 'more', name: { vi: 'M', en: 'M' }, kind: 'state' }];
    here.registry.importFile({ format: 'quantrac-registry/1', owners }, 'test');
    await taking;
    const { changes } = await follow(here, before);
    expect(byDatastream(changes)['hue-rain']).toEqual([0, 9]);
  });
});

describe('live changes of a network', () => {
  test('go on at another node from the last event taken, once that has come so far', async () => {
    publishSome(net, 0, 2);
    await here.takeAll();
    const one = await openEvents(`${here.url}/api/v1/live?after=now`);
    publishSome(net, 2, 2);
    await there.takeAll(2);
    await here.takeAll(1);
    await one.wait(6);
    publishSome(net, 4, 1);
    await here.takeAll(1);
    await one.wait(9);
    one.close();
    const other = await openEvents(`${there.url}/api/v1/live`, { 'last-event-id': one.lastId() });
    publishSome(net, 5, 1);
    await there.takeAll(2);
    await other.wait(3);
    publishSome(net, 6, 1);
    await there.takeAll(1);
    await other.wait(6);
    other.close();
    const events = [...one.events, ...other.events];
    const changes = events.map(({ data }) => JSON.parse(data) as Record<string, unknown>);
    expect(byDatastream(changes)).toEqual(everywhere([2, 3, 4, 5, 6]));
    for (const { id, data } of events) {
      expect(id).toBe((JSON.parse(data) as { cursor: string }).cursor);
    }
  });

  test('refuse what is no cursor before anything is sent', async () => {
    const wrong = here.get('/api/v1/live', { 'last-event-id': 'garbage' });
    expect(await refusalOf(wrong)).toEqual([400, 'API_CURSOR_INVALID', 'Last-Event-ID']);
  });
});

describe('a node without ingest', () => {
  test('answers of its readiness what its rooms say, and exposes no balance', async () => {
    publishSome(net, 0, 1);
    await here.takeAll();
    const lag = '3 partitions are 40 s behind';
    here.health.push({ room: 'copy', isReady: false, reasons: [lag] });
    const ready = await here.get('/readyz');
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { ready: false, reasons: [{ room: 'copy', reason: lag }], warnings: [] },
    ]);
    const metrics = await (await here.get('/metrics')).text();
    expect(metrics).toBe('# metrics of all rooms\n');
    expect(here.api.balance()).toBeUndefined();
  });

  test('shows a reading by its place in the network, and by its node', async () => {
    const place = (2 ** 40 + 1) * 1_024 + 2;
    const entry: QuarantineEntry = {
      position: place,
      receivedAt: startAt,
      device: 'logger',
      topic: 'env/v1/logger/obs',
      channel: null,
      code: 'INGEST_JSON_INVALID',
      offset: 3,
      detail: '',
      state: 'open',
      payload: Buffer.from('{"'),
    };
    const other = { ...entry, position: place + 1_024 };
    net.publish([], { partition: 2, quarantined: [entry, other] });
    const rank = { klass: 1, at: startAt, node: 65_535, position: 2 ** 41 } as const;
    net.publish([net.row('hue-rain', rowAt(0), { rank })]);
    await here.takeAll();
    const operator = { authorization: `Bearer ${here.operator}` };
    const list = await here.json('/api/v1/admin/quarantine?limit=1', operator);
    expect(list).toMatchObject({ items: [{ position: place + 1_024 }] });
    const before = await here.json(`/api/v1/admin/quarantine?before=${place + 1}`, operator);
    expect(before.items).toMatchObject([{ position: place }]);
    const one = await here.json(`/api/v1/admin/quarantine/${place}`, operator);
    expect(one).toMatchObject({ entries: [{ position: place, code: 'INGEST_JSON_INVALID' }] });
    const [row] = (await here.json('/api/v1/observations')).items;
    const detail = await here.json(`/api/v1/observations/${String(row?.['id'])}`);
    expect(detail).toMatchObject({ reading: { node: 65_535, position: 2 ** 41 } });
  });
});
