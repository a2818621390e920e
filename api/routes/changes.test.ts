import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { openTestApi, startAt, type Json, type TestApi } from '../api.fixture.ts';
import { network } from '../network.fixture.ts';

let rig: TestApi;
const interval = 600_000;

beforeEach(async () => {
  rig = await openTestApi();
  rig.setNow(startAt + 10_000 * interval);
});
afterEach(() => rig.close());

const rowsAt = (places: readonly number[], datastream = 'ha-noi-temperature') =>
  places.map((place) => rig.row(datastream, startAt + place * interval, { result: place }));
const upTo = (count: number) => Array.from({ length: count }, (_, place) => place);
const resultOf = (change: Json | Record<string, unknown>) =>
  (change['observation'] as Json | undefined)?.['result'];

/** Follows to the end, and says what came. */
async function follow(query: string, from?: string): Promise<{ changes: Json[]; next: string }> {
  const changes: Json[] = [];
  let after = from;
  for (;;) {
    const cursor = after === undefined ? '' : `&after=${after}`;
    const page = await rig.json(`/api/v1/changes?${query}${cursor}`);
    changes.push(...(page.changes as Json[]));
    after = String(page['next']);
    if (page['atEnd'] === true) return { changes, next: after };
  }
}

describe('changes', () => {
  test('begin with the oldest, page by page, in the order of decision', async () => {
    await rig.publish(rowsAt([3, 1, 2]));
    await rig.publish(rowsAt([0]));
    for (const limit of [1, 2, 3, 10]) {
      const { changes } = await follow(`limit=${limit}`);
      expect(changes.map(resultOf)).toEqual([3, 1, 2, 0]);
    }
  });

  test('name type, cause and the whole row', async () => {
    const corrected = { revision: 1, type: 'correction', cause: 'review' } as const;
    await rig.publish([
      rig.row('hue-rain', startAt, { result: 1 }),
      rig.row('hue-rain', startAt, { result: 2, ...corrected }),
      rig.row('hue-rain', startAt + interval, { current: false, revision: -1 }),
    ]);
    const { changes } = await follow('limit=10');
    expect(changes).toMatchObject([
      { type: 'insert', cause: 'value', observation: { result: 1, revision: 0, unit: 'mm' } },
      { type: 'correction', cause: 'review', observation: { result: 2, revision: 1 } },
    ]);
  });

  test('go on from any of their cursors without gap or repeat', async () => {
    await rig.publish(rowsAt([0, 1, 2]));
    await rig.publish(rowsAt([3, 4]));
    const { changes } = await follow('limit=10');
    for (const [index, change] of changes.entries()) {
      const rest = await follow('limit=10', String(change['cursor']));
      expect(rest.changes.map(resultOf)).toEqual([0, 1, 2, 3, 4].slice(index + 1));
    }
  });

  test('after now are what comes from here on', async () => {
    await rig.publish(rowsAt([0, 1]));
    const now = await rig.json('/api/v1/changes?after=now');
    expect(now).toMatchObject({ changes: [], atEnd: true });
    await rig.publish(rowsAt([2]));
    const { changes } = await follow('limit=10', String(now['next']));
    expect(changes.map(resultOf)).toEqual([2]);
  });

  test('through a filter may be an empty page before the end', async () => {
    rig = await rig.reopen({ config: { changesScanBytesMax: 1 } });
    for (const place of upTo(4)) await rig.publish(rowsAt([place]));
    await rig.publish(rowsAt([9], 'hue-rain'));
    const page = await rig.json('/api/v1/changes?datastream=hue-rain');
    expect(page).toMatchObject({ changes: [], atEnd: false });
    const { changes } = await follow('datastream=hue-rain');
    expect(changes.map(resultOf)).toEqual([9]);
  });

  test('rebuild the state of the store from zero', async () => {
    await rig.publish(rowsAt([0, 1, 2]));
    const corrected = { result: 7, revision: 1, type: 'correction' } as const;
    await rig.publish([rig.row('ha-noi-temperature', startAt + interval, corrected)]);
    const { changes } = await follow('limit=2');
    const state = new Map<unknown, Json>();
    for (const change of changes) {
      const row = change['observation'] as Json;
      state.set(row['id'], row);
    }
    const { items } = await rig.json('/api/v1/observations');
    expect([...state.values()]).toEqual(items);
  });

  test('of an unknown store are gone; a text that is no cursor is refused', async () => {
    const other = Buffer.from('1:other:1:0').toString('base64url');
    const gone = await rig.get(`/api/v1/changes?after=${other}`);
    expect([gone.status, ((await gone.json()) as Json)['code']]).toEqual([
      410,
      'API_CURSOR_STORE_UNKNOWN',
    ]);
    const wrong = await rig.get('/api/v1/changes?after=garbage');
    expect(wrong.status).toBe(400);
    expect(await wrong.json()).toMatchObject({ code: 'API_CURSOR_INVALID', parameter: 'after' });
    const future = Buffer.from('1:store-1:999999:0').toString('base64url');
    expect((await rig.get(`/api/v1/changes?after=${future}`)).status).toBe(410);
  });

  test('after a restore go on from cursors up to the fork, and no others', async () => {
    await rig.publish(rowsAt([0]));
    await rig.publish(rowsAt([1]));
    const { changes } = await follow('limit=10');
    const [first, second] = changes.map((change) => String(change['cursor']));
    rig = await rig.reopen({
      identity: { storeId: 'store-2', earlier: [{ storeId: 'store-1', upTo: 1 }] },
    });
    expect((await follow('limit=10', first)).changes.map(resultOf)).toEqual([1]);
    expect((await rig.get(`/api/v1/changes?after=${second}`)).status).toBe(410);
    const page = await rig.json(`/api/v1/observations?limit=1`);
    expect(page.items).toHaveLength(1);
  });

  test('older than the horizon are gone', async () => {
    rig.setNow(startAt);
    await rig.publish(rowsAt([0]));
    const old = String((await rig.json('/api/v1/changes'))['next']);
    rig.setNow(startAt + 3_600_000);
    await rig.publish(rowsAt([1]));
    rig = await rig.reopen({ config: { feedHorizonMs: 600_000 } });
    expect((await follow('limit=10')).changes.map(resultOf)).toEqual([1]);
    expect((await rig.get(`/api/v1/changes?after=${old}`)).status).toBe(200);
    const first = Buffer.from('1:store-1:1:0').toString('base64url');
    expect((await rig.get(`/api/v1/changes?after=${first}`)).status).toBe(410);
  });

  test('tell a follower which datastream was closed or opened to it', async () => {
    await rig.publish(rowsAt([0]));
    const { next } = await follow('limit=10');
    const changed = (visibility: string) => ({
      ...network,
      datastreams: network.datastreams.map((each) =>
        (each as { id: string }).id === 'ha-noi-temperature' ? { ...each, visibility } : each,
      ),
    });
    const mark = async (visibility: string) => {
      const { version } = await rig.api.registryAdmin.importRegistry(changed(visibility), 'test');
      const control = [
        {
          position: 1,
          receivedAt: startAt,
          device: '',
          kind: 'registry',
          text: JSON.stringify({ version }),
        },
      ];
      await rig.publish(rowsAt([5], 'hue-rain'), { control });
    };
    await mark('internal');
    const closed = await follow('limit=10', next);
    expect(closed.changes).toMatchObject([
      { type: 'datastream', datastream: 'ha-noi-temperature', visible: false },
      { type: 'insert', observation: { datastream: 'hue-rain' } },
    ]);
    expect((await follow('limit=10')).changes.map(resultOf)).not.toContain(0);
    const operator = { authorization: `Bearer ${rig.operator}` };
    const seen = await rig.json(`/api/v1/changes?after=${next}`, operator);
    expect(seen.changes).toHaveLength(1);
    await mark('open');
    const opened = await follow('limit=10', closed.next);
    expect(opened.changes[0]).toMatchObject({ type: 'datastream', visible: true });
    const resumed = await follow('limit=10', String(opened.changes[0]?.['cursor']));
    expect(resumed.changes.map((change) => change['type'])).toEqual(['insert']);
  });
});
