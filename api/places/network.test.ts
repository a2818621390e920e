import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { QuarantineEntry } from '../../ingest/observations/batch.ts';
import { startAt, type Json, type TestApi } from '../api.fixture.ts';
import { openEvents } from '../live/event-reader.fixture.ts';
import { network as registryFile } from '../network.fixture.ts';
import {
  intervalMs,
  openTestNetwork,
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

/** One row each, at these times, whose result says which it is. */
function publish(datastream: string, nths: readonly number[], revision = 0): void {
  const type = revision === 0 ? 'insert' : 'correction';
  const rows = nths.map((nth) =>
    net.row(datastream, rowAt(nth), { result: nth + revision * 1_000, revision, type }),
  );
  net.publish(rows);
}

/** Some of every partition, one after the other. */
function publishSome(from: number, count: number): void {
  for (let nth = from; nth < from + count; nth++) {
    publish('ha-noi-temperature', [nth]);
    publish('garden-temperature', [nth]);
    publish('hue-rain', [nth]);
  }
}

interface Seen {
  readonly datastream: string;
  readonly result: number;
}

const datastreams = ['garden-temperature', 'ha-noi-temperature', 'hue-rain'];

/** Results by datastream, in the order in which they came. */
function byDatastream(changes: readonly Record<string, unknown>[]): Record<string, number[]> {
  const rows = changes.map((change) => change['observation'] as Seen);
  return Object.fromEntries(
    datastreams.map((id) => [
      id,
      rows.filter(({ datastream }) => datastream === id).map(({ result }) => result),
    ]),
  );
}

const everywhere = (nths: readonly number[]) =>
  Object.fromEntries(datastreams.map((id) => [id, nths]));
const upTo = (count: number) => Array.from({ length: count }, (_each, nth) => nth);

async function follow(node: TestApi, after: string, limit = 100): Promise<Json> {
  return node.json(`/api/v1/changes?limit=${limit}&after=${after}`);
}

async function refusal(answer: Promise<Response>): Promise<unknown[]> {
  const given = await answer;
  const { code, parameter } = (await given.json()) as Record<string, unknown>;
  return [given.status, code, parameter];
}

const withoutHost = (text: string) => text.replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, '');

describe('changes of a network', () => {
  test('go on at another node from any cursor, each once and in order', async () => {
    publishSome(0, 6);
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
    publishSome(0, 3);
    await here.takeAll(0);
    const lists = ['latest', 'observations', 'stations', 'observations.csv', 'latest.ndjson'];
    const cursors = await Promise.all(
      ['', ...lists].map(
        async (path) => (await here.get(`/api/v1/${path}`)).headers.get('quantrac-cursor') ?? '',
      ),
    );
    expect(new Set(cursors).size).toBe(1);
    publishSome(3, 2);
    await there.takeAll(1);
    const { changes } = await follow(there, cursors[0] ?? '');
    expect(byDatastream(changes)).toEqual(everywhere([3, 4]));
  });

  test('say nothing, and keep the cursor, where a node has not come so far, then go on', async () => {
    publishSome(0, 2);
    await here.takeAll();
    const { next } = await here.json('/api/v1/changes');
    const waiting = await follow(there, String(next));
    expect(waiting).toEqual({ changes: [], next, atEnd: true });
    publishSome(2, 1);
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
      expect(await refusal(answer)).toEqual([410, 'API_CURSOR_STORE_UNKNOWN', 'after']);
    }
    const wrong = Buffer.concat([Buffer.from('2:store-1:'), Buffer.of(2, 0, 0)]);
    const answer = here.get(`/api/v1/changes?after=${wrong.toString('base64url')}`);
    expect(await refusal(answer)).toEqual([400, 'API_CURSOR_INVALID', 'after']);
  });

  test('older than the horizon are gone at every node, partition by partition', async () => {
    await net.close();
    await open({ config: { feedHorizonMs: 600_000 } });
    net.setNow(startAt);
    publishSome(0, 2);
    await here.takeAll();
    const { next: old } = await here.json('/api/v1/changes?limit=1');
    net.setNow(startAt + 3_600_000);
    publish('hue-rain', [5]);
    await here.takeAll();
    await there.takeAll(2);
    expect(await refusal(there.get(`/api/v1/changes?after=${String(old)}`))).toEqual([
      410,
      'API_CURSOR_EXPIRED',
      'after',
    ]);
    const { changes } = await there.json('/api/v1/changes');
    expect(byDatastream(changes)).toMatchObject({ 'hue-rain': [5], 'garden-temperature': [] });
  });

  test('tell of a datastream that was closed once, though every partition has the marker', async () => {
    publishSome(0, 1);
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
    publish('hue-rain', [7]);
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
    publishSome(0, 1);
    net.publish([net.row('hue-rain', rowAt(9), { result: 9 })], {
      registryVersion: here.registry.current().version + 1,
    });
    const cursor = (node: TestApi) =>
      node.get('/api/v1/').then((answer) => answer.headers.get('quantrac-cursor') ?? '');
    const before = await cursor(here);
    const taking = here.takeAll();
    await expect.poll(() => cursor(here)).not.toBe(before);
    const shown = await follow(here, before);
    const all = shown.changes.map((change) => (change['observation'] as Seen).result);
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
    publishSome(0, 2);
    await here.takeAll();
    const one = await openEvents(`${here.url}/api/v1/live?after=now`);
    publishSome(2, 2);
    await there.takeAll(2);
    await here.takeAll(1);
    await one.wait(6);
    publishSome(4, 1);
    await here.takeAll(1);
    await one.wait(9);
    one.close();
    const other = await openEvents(`${there.url}/api/v1/live`, { 'last-event-id': one.lastId() });
    publishSome(5, 1);
    await there.takeAll(2);
    await other.wait(3);
    publishSome(6, 1);
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
    expect(await refusal(wrong)).toEqual([400, 'API_CURSOR_INVALID', 'Last-Event-ID']);
  });
});

describe('lists of a network', () => {
  const pathOf = (url: unknown) => withoutHost(String(url));

  test('go on at another node as they began, whatever came meanwhile', async () => {
    publishSome(0, 4);
    await here.takeAll(0);
    const whole = await here.json('/api/v1/observations');
    const first = await here.json('/api/v1/observations?limit=5');
    publishSome(4, 3);
    publish('garden-temperature', upTo(4), 1);
    publish('ha-noi-temperature', upTo(4), 1);
    await there.takeAll(2);
    await here.takeAll(1);
    const items = [...first.items];
    let next = first['next'];
    for (let pages = 0; next !== null; pages++) {
      const page = await (pages % 2 === 0 ? there : here).json(pathOf(next));
      expect(page['cursor']).toBe(first['cursor']);
      items.push(...page.items);
      next = page['next'];
    }
    expect(items).toEqual(whole.items);
    const { changes } = await follow(there, String(first['cursor']));
    expect(changes).toHaveLength(3 * 3 + 2 * 4);
  });

  test('wait at a node that has not come so far', async () => {
    publishSome(0, 4);
    await here.takeAll(0);
    const first = await here.json('/api/v1/observations?limit=5');
    const going = there.json(pathOf(first['next']));
    await there.takeAll(2);
    const page = await going;
    expect(page.items).toEqual(
      (await here.json('/api/v1/observations')).items.slice(5, 5 + page.items.length),
    );
  });

  test('of windows and of the registry go on at another node, too', async () => {
    publishSome(0, 30);
    await here.takeAll(0);
    await there.takeAll(1);
    for (const path of ['aggregates?window=PT1H', 'stations?', 'latest?']) {
      const whole = await here.json(`/api/v1/${path}`);
      const first = await here.json(`/api/v1/${path}&limit=2`);
      const rest = await there.json(pathOf(first['next']).replace('limit=2', 'limit=500'));
      const settled = (items: unknown) => JSON.stringify(items).replaceAll(/"ageSeconds":\d+/g, '');
      expect(settled([...first.items, ...rest.items])).toBe(settled(whole.items));
    }
  });

  test('refuse a page of another network, of one log, or of no request', async () => {
    publishSome(0, 2);
    await here.takeAll();
    const { next } = await here.json('/api/v1/observations?limit=1');
    const page = new URL(String(next)).searchParams.get('page') ?? '';
    const [, rest = ''] = page.split('.');
    const other = Buffer.concat([Buffer.from('2:other:'), Buffer.of(3, 0, 0, 0)]);
    const asked = (token: string) =>
      refusal(here.get(`/api/v1/observations?limit=1&page=${token}`));
    const gone = [410, 'API_PAGE_EXPIRED', 'page'];
    const invalid = [400, 'API_PAGE_INVALID', 'page'];
    expect(await asked(`${other.toString('base64url')}.${rest}`)).toEqual(gone);
    expect(await asked(`garbage.${rest}`)).toEqual(invalid);
    expect(await asked(rest)).toEqual(invalid);
    const [version, check] = JSON.parse(Buffer.from(rest, 'base64url').toString()) as unknown[];
    expect(version).toBe(2);
    const ofLog = JSON.stringify([1, 'store-0', check, 4, 'garden-temperature']);
    expect(await asked(Buffer.from(ofLog).toString('base64url'))).toEqual(gone);
  });

  test('as of a moment are the same everywhere, though partitions run by clocks of their own', async () => {
    const at = (seconds: number) => startAt + seconds * 1_000;
    const row = (datastream: string, nth: number) => net.row(datastream, rowAt(0), revised(nth));
    const revised = (revision: number) =>
      ({ revision, result: revision, type: revision === 0 ? 'insert' : 'correction' }) as const;
    for (const [nth, second] of [10, 20, 30].entries()) {
      net.publish([row('ha-noi-temperature', nth)], { publishedAt: at(second) });
      net.publish([row('garden-temperature', nth)], { publishedAt: at(second + 15) });
      net.publish([row('hue-rain', nth)], { publishedAt: at(second - 8) });
    }
    await here.takeAll(0);
    await there.takeAll(1);
    const asked = async (node: TestApi, second: number) => {
      const moment = new Date(at(second)).toISOString();
      const answer = await node.get(`/api/v1/observations?asOf=${moment}`);
      const { items, cursor } = (await answer.json()) as Json;
      const results = items.map((item) => [item['datastream'], item['result']]);
      return { results, cursor, tag: answer.headers.get('etag')?.split('.')[1] };
    };
    const expected: [number, (number | undefined)[]][] = [
      [1, []],
      [5, [undefined, undefined, 0]],
      [10, [undefined, 0, 0]],
      [25, [0, 1, 2]],
      [34, [0, 2, 2]],
      [50, [2, 2, 2]],
    ];
    for (const [second, results] of expected) {
      const shown = datastreams.flatMap((id, index) =>
        results[index] === undefined ? [] : [[id, results[index]]],
      );
      const [one, other] = [await asked(here, second), await asked(there, second)];
      expect([second, one.results]).toEqual([second, shown]);
      expect(other).toEqual(one);
      const { changes } = await follow(there, String(one.cursor));
      expect(changes).toHaveLength(9 - shown.reduce((sum, [, nth]) => sum + Number(nth) + 1, 0));
    }
  });

  test('as of a moment wait until nothing of it can be on its way any more', async () => {
    let levelAt = -Infinity;
    await net.close();
    await open({ levelAt: () => levelAt });
    net.setNow(startAt + 1_000);
    publishSome(0, 1);
    await here.takeAll();
    net.setNow(startAt + 5_000);
    const moment = new Date(startAt + 2_000).toISOString();
    let isAnswered = false;
    const asking = here.json(`/api/v1/observations?asOf=${moment}`).then((answer) => {
      isAnswered = true;
      return answer;
    });
    net.publish([net.row('hue-rain', rowAt(1))], { publishedAt: startAt + 1_999 });
    levelAt = startAt + 2_049;
    await here.takeAll();
    expect(isAnswered).toBe(false);
    levelAt = startAt + 2_050;
    expect((await asking).items).toHaveLength(4);
  });
});

describe('entity tags of a network', () => {
  const tagOf = async (node: TestApi, path: string) =>
    withoutHost((await node.get(path)).headers.get('etag') ?? '');

  test('are the same where the same is held, and of another moment where not', async () => {
    await net.close();
    await open({ config: { publicUrl: 'https://open.example' } });
    publishSome(0, 3);
    await here.takeAll(0);
    await there.takeAll(1);
    const path = '/api/v1/observations?datastream=hue-rain';
    const tag = await tagOf(here, path);
    expect(await tagOf(there, path)).toBe(tag);
    const asked = async (node: TestApi) => (await node.get(path, { 'if-none-match': tag })).status;
    expect([await asked(here), await asked(there)]).toEqual([304, 304]);
    publish('garden-temperature', [7]);
    await here.takeAll();
    expect(await tagOf(here, path)).not.toBe(tag);
    expect([await asked(here), await asked(there)]).toEqual([304, 304]);
    const later = await tagOf(here, path);
    expect((await there.get(path, { 'if-none-match': later })).status).toBe(200);
    publish('hue-rain', [7]);
    await here.takeAll();
    expect([await asked(here), await asked(there)]).toEqual([200, 304]);
    await there.takeAll(2);
    expect(await asked(there)).toBe(200);
    expect((await there.get(path, { 'if-none-match': '"0123456789abcdef.zzzz.1.0"' })).status).toBe(
      200,
    );
  });
});

describe('a node without ingest', () => {
  test('answers of its readiness what its rooms say, and exposes no balance', async () => {
    publishSome(0, 1);
    await here.takeAll();
    const lag = '3 partitions are 40 s behind';
    here.health.push({ room: 'copy', isReady: false, reasons: [lag] });
    const ready = await here.get('/readyz');
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { ready: false, reasons: [{ room: 'copy', reason: lag }] },
    ]);
    const metrics = await (await here.get('/metrics')).text();
    expect(metrics).toBe('# metrics of all rooms\n');
    expect(here.api.balance()).toBeUndefined();
  });

  test('shows a reading by its place in the network, and by its node', async () => {
    const place = (2 ** 40 + 1) * 1_024 + 2;
    const entry: QuarantineEntry = {
      ...{ position: place, receivedAt: startAt, device: 'logger', topic: 'env/v1/logger/obs' },
      ...{ channel: null, code: 'INGEST_JSON_INVALID', offset: 3, detail: '', state: 'open' },
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
