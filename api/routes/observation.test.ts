import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openTestApi, startAt, type Json, type TestApi } from '../api.fixture.ts';

let rig: TestApi;
let id = '';

beforeAll(async () => {
  rig = await openTestApi();
  rig.setNow(startAt + 60_000);
  const series = 'ha-noi-temperature';
  await rig.publish([rig.row(series, startAt, { result: 1 })]);
  rig.setNow(startAt + 120_000);
  await rig.publish([
    rig.row(series, startAt, {
      result: 2,
      revision: 1,
      type: 'correction',
      rank: { klass: 1, at: startAt + 5_000, node: 0, position: 2 },
      raw: { name: 'T', value: '2.00', unit: 'Cel', time: '2024-06-01T00:00:00Z' },
      verdict: {
        flag: 3,
        tests: '1111113111222222',
        qualifiers: 0,
        reason: null,
        rules: '0badc0de',
      },
    }),
    rig.row(series, startAt, {
      result: 3,
      current: false,
      revision: -1,
      rank: { klass: 1, at: startAt, node: 0, position: 3 },
    }),
  ]);
  id = String((await rig.json('/api/v1/observations')).items[0]?.['id']);
});
afterAll(() => rig.close());

describe('one observation', () => {
  test('shows its row, what the device sent, and the place of the reading in the log', async () => {
    expect(await rig.json(`/api/v1/observations/${id}`)).toMatchObject({
      id,
      result: 2,
      revision: 1,
      type: 'correction',
      cause: 'value',
      raw: { name: 'T', value: '2.00', unit: 'Cel', time: '2024-06-01T00:00:00Z' },
      reading: { node: 0, position: 2 },
      rules: '0badc0de',
    });
  });

  test('shows every value that was kept, the current one first', async () => {
    const { revisions } = (await rig.json(`/api/v1/observations/${id}`)) as unknown as {
      revisions: Json[];
    };
    expect(revisions.map((row) => [row['result'], row['isCurrent']])).toEqual([
      [2, true],
      [1, false],
      [3, false],
    ]);
    expect(revisions.map((row) => (row['reading'] as Json)['position'])).toEqual([2, 1, 3]);
  });

  test('shows as of a moment what had been published by then', async () => {
    const { revisions } = (await rig.json(`/api/v1/observations/${id}`)) as unknown as {
      revisions: Json[];
    };
    const [second = 0, first = 0] = revisions.map((row) => Date.parse(String(row['publishedAt'])));
    const asOf = (at: number) => `/api/v1/observations/${id}?asOf=${new Date(at).toISOString()}`;
    rig.setNow(second + 5_000);
    const then = (await rig.json(asOf(second - 1))) as unknown as { revisions: Json[] };
    expect(then).toMatchObject({ result: 1, revision: 0, revisions: [{ isCurrent: true }] });
    expect(then.revisions).toHaveLength(1);
    expect((await rig.json(asOf(second)))['revisions']).toEqual(revisions);
    expect((await rig.get(asOf(first - 1))).status).toBe(404);
    expect((await rig.get(asOf(second + 86_400_000))).status).toBe(400);
    const tag = (await rig.get(asOf(second - 1))).headers.get('etag') ?? '';
    expect((await rig.get(asOf(second - 1), { 'if-none-match': tag })).status).toBe(304);
  });

  test('explains each test', async () => {
    const { explanation } = (await rig.json(`/api/v1/observations/${id}`)) as unknown as {
      explanation: Json[];
    };
    expect(explanation).toHaveLength(16);
    expect(explanation[6]).toMatchObject({ test: 'spike', digit: 3 });
    expect(explanation[6]?.['meaning']).toContain('suspect');
  });

  test('is 304 for who has it, until its series changes', async () => {
    const path = `/api/v1/observations/${id}`;
    const tag = (await rig.get(path)).headers.get('etag') ?? '';
    await rig.publish([rig.row('hue-rain', startAt)]);
    expect((await rig.get(path, { 'if-none-match': tag })).status).toBe(304);
    await rig.publish([rig.row('ha-noi-temperature', startAt + 600_000)]);
    expect((await rig.get(path, { 'if-none-match': tag })).status).toBe(200);
  });

  test('that is not there is a 404, however its id is spelt', async () => {
    for (const wrong of ['x', id.replace('.', '..'), `${id}x`, id.slice(1), 'a'.repeat(64)]) {
      const answer = await rig.get(`/api/v1/observations/${wrong}`);
      expect(answer.status).toBe(404);
      expect(await answer.json()).toMatchObject({ code: 'API_OBSERVATION_UNKNOWN' });
    }
    const tooLong = await rig.get(`/api/v1/observations/${'a'.repeat(300)}`);
    expect(tooLong.status).toBe(414);
  });
});
