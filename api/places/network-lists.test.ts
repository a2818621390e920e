import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { network } from '../network.fixture.ts';
import { startAt, type Json, type TestApi } from '../api.fixture.ts';
import {
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

const upTo = (count: number) => Array.from({ length: count }, (_each, nth) => nth);
const withoutHost = (text: string) => text.replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, '');
const pathOf = (url: unknown) => withoutHost(String(url));

describe('lists of a network', () => {
  test('go on at another node as they began, whatever came meanwhile', async () => {
    publishSome(net, 0, 4);
    await here.takeAll(0);
    const whole = await here.json('/api/v1/observations');
    const first = await here.json('/api/v1/observations?limit=5');
    publishSome(net, 4, 3);
    publishRows(net, 'garden-temperature', upTo(4), 1);
    publishRows(net, 'ha-noi-temperature', upTo(4), 1);
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

  test('of events go on at another node, where the batches of one time stand otherwise', async () => {
    publishSome(net, 0, 2);
    for (const revision of [1, 2]) {
      for (const datastream of measured) publishRows(net, datastream, [0, 1], revision);
    }
    await here.takeAll(0);
    await there.takeAll(2);
    const first = await here.json('/api/v1/events?limit=1');
    const items = [...first.items];
    let next = first['next'];
    for (const datastream of measured) publishRows(net, datastream, [0], 3);
    await there.takeAll(1);
    for (let pages = 0; next !== null; pages++) {
      const page = await (pages % 2 === 0 ? there : here).json(pathOf(next));
      items.push(...page.items);
      next = page['next'];
    }
    const ids = items.map(({ id }) => id);
    expect([ids.length, new Set(ids).size]).toEqual([6, 6]);
  });

  test('wait at a node that has not come so far', async () => {
    publishSome(net, 0, 4);
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
    publishSome(net, 0, 30);
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

  test('of the registry as of a moment are the same at every node that has copied it, once it settled', async () => {
    publishSome(net, 0, 3);
    await here.takeAll(0);
    await there.takeAll(1);
    const at = here.now();
    const station = network.stations[1] as object;
    const renamed = (name: string) => ({ ...station, name: { vi: name, en: name } });
    for (const [nth, name] of ['then', 'later'].entries()) {
      net.setNow(at + nth * 1_000);
      // As a copy takes it: every row of the history with the time of the node that made it.
      for (const { registry } of [here, there]) {
        registry.importFile({ format: 'quantrac-registry/1', stations: [renamed(name)] }, 'test');
      }
    }
    net.setNow(at + 2_000);
    const moment = new Date(at + 500).toISOString();
    for (const path of ['stations', 'stations?limit=2', 'stations/hue', 'datastreams.csv']) {
      const asked = `/api/v1/${path}${path.includes('?') ? '&' : '?'}asOf=${moment}`;
      const [one, other] = [await here.get(asked), await there.get(asked)];
      const text = withoutHost(await one.text());
      expect([path, withoutHost(await other.text())]).toEqual([path, text]);
      const cursors = [one, other].map(({ headers }) => headers.get('quantrac-cursor'));
      expect(cursors[0]).toBe(cursors[1]);
    }
    const whole = await there.json(`/api/v1/stations?asOf=${moment}`);
    expect(whole.items.find(({ id }) => id === 'hue')).toMatchObject({ name: { en: 'then' } });
    const { next } = await here.json(`/api/v1/stations?limit=2&asOf=${moment}`);
    const rest = await there.json(pathOf(next));
    expect(rest.items.map(({ id }) => id)).toEqual(
      ['hue', 'kathmandu'].slice(0, rest.items.length),
    );
  });

  test('refuse a page of another network, of one log, or of no request', async () => {
    publishSome(net, 0, 2);
    await here.takeAll();
    const { next } = await here.json('/api/v1/observations?limit=1');
    const page = new URL(String(next)).searchParams.get('page') ?? '';
    const [, rest = ''] = page.split('.');
    const other = Buffer.concat([Buffer.from('2:other:'), Buffer.of(3, 0, 0, 0)]);
    const asked = (token: string) =>
      refusalOf(here.get(`/api/v1/observations?limit=1&page=${token}`));
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
      const shown = measured.flatMap((id, index) =>
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
    publishSome(net, 0, 1);
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
    publishSome(net, 0, 3);
    await here.takeAll(0);
    await there.takeAll(1);
    const path = '/api/v1/observations?datastream=hue-rain';
    const tag = await tagOf(here, path);
    expect(await tagOf(there, path)).toBe(tag);
    const asked = async (node: TestApi) => (await node.get(path, { 'if-none-match': tag })).status;
    expect([await asked(here), await asked(there)]).toEqual([304, 304]);
    publishRows(net, 'garden-temperature', [7]);
    await here.takeAll();
    expect(await tagOf(here, path)).not.toBe(tag);
    expect([await asked(here), await asked(there)]).toEqual([304, 304]);
    const later = await tagOf(here, path);
    expect((await there.get(path, { 'if-none-match': later })).status).toBe(200);
    publishRows(net, 'hue-rain', [7]);
    await here.takeAll();
    expect([await asked(here), await asked(there)]).toEqual([200, 304]);
    await there.takeAll(2);
    expect(await asked(there)).toBe(200);
    expect((await there.get(path, { 'if-none-match': '"0123456789abcdef.zzzz.1.0"' })).status).toBe(
      200,
    );
  });
});
