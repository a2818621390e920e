import { afterAll, beforeAll, expect, test } from 'vitest';

import { openTestApi, startAt, type Json, type TestApi } from '../api.fixture.ts';

let rig: TestApi;

beforeAll(async () => {
  rig = await openTestApi();
  rig.setNow(startAt + 86_400_000);
  const corrected = (datastream: string, index: number) =>
    rig.row(datastream, startAt + index * 600_000, {
      type: 'correction',
      cause: 'review',
      revision: 1,
      result: 21,
    });
  await rig.publish(
    [0, 1, 2].map((index) => rig.row('ha-noi-temperature', startAt + index * 600_000)),
  );
  await rig.publish([rig.row('hidden-temperature', startAt), rig.row('hue-rain', startAt)]);
  await rig.publish([
    ...[0, 1, 2].map((index) => corrected('ha-noi-temperature', index)),
    corrected('hidden-temperature', 0),
  ]);
  const erased = { type: 'deletion', cause: 'erasure', revision: 1, result: null } as const;
  await rig.publish([
    rig.row('hue-rain', startAt, {
      ...erased,
      verdict: {
        flag: 9,
        tests: '9999999999999999',
        qualifiers: 0,
        reason: 'ERASED',
        rules: '0badc0de',
      },
    }),
  ]);
});
afterAll(() => rig.close());

test('values that were changed together are one event, and the newest comes first', async () => {
  const { items } = await rig.json('/api/v1/events');
  expect(items).toMatchObject([
    { type: 'deletion', cause: 'erasure', datastream: 'hue-rain', rows: 1 },
    {
      type: 'correction',
      cause: 'review',
      datastream: 'ha-noi-temperature',
      rows: 3,
      phenomenonTime: '2024-06-01T07:00:00+07:00/2024-06-01T07:20:00+07:00',
    },
  ]);
  const changed = (await (await fetch(String(items[1]?.['url']))).json()) as { items: unknown[] };
  expect(changed.items).toHaveLength(3);
});

test('a feed reader finds a whole Atom feed with the members that RFC 4287 demands', async () => {
  const answer = await rig.get('/api/v1/events.atom');
  expect(answer.headers.get('content-type')).toBe('application/atom+xml; charset=utf-8');
  const text = await answer.text();
  expect(text).toMatch(
    /^<\?xml version="1\.0" encoding="utf-8"\?>\n<feed xmlns="http:\/\/www\.w3\.org\/2005\/Atom">/,
  );
  expect(text.endsWith('</feed>\n')).toBe(true);
  const [head = '', ...entries] = text.split('<entry>');
  expect(entries).toHaveLength(2);
  for (const part of [head, ...entries]) {
    for (const member of ['id', 'title', 'updated']) {
      expect(part.match(new RegExp(`<${member}>[^<]+</${member}>`, 'g'))).toHaveLength(1);
    }
  }
  expect(head).toContain('<author><name>');
  expect(head).toContain(
    `rel="self" type="application/atom+xml" href="${rig.url}/api/v1/events.atom"`,
  );
  const ids = entries.map((entry) => /<id>([^<]+)<\/id>/.exec(entry)?.[1]);
  expect(new Set(ids).size).toBe(2);
  expect(entries[1]).toContain('Hiệu chỉnh 3 giá trị');
});

test('what is hidden is no event but for those who see it', async () => {
  const all = await (await rig.get('/api/v1/events.atom')).text();
  expect(all).not.toContain('hidden');
  const { items } = await rig.json('/api/v1/events', { authorization: `Bearer ${rig.operator}` });
  expect(items.map((item) => item['datastream'])).toContain('hidden-temperature');
});

test('events from before a restart are found in the log', async () => {
  const before = await rig.json('/api/v1/events');
  rig.flush();
  rig = await rig.reopen();
  const after = await rig.json('/api/v1/events');
  expect(after.items.map(({ id }) => id)).toEqual(before.items.map(({ id }) => id));
});

/** Ids of all pages of so many events; `between` comes behind each page but the last. */
async function pagesOf(limit: number, between: () => Promise<unknown>): Promise<unknown[]> {
  const ids: unknown[] = [];
  let path: string | null = `/api/v1/events?limit=${limit}`;
  while (path !== null) {
    const page: Json = await rig.json(path);
    expect(page).toMatchObject({ items: expect.any(Array) });
    ids.push(...page.items.map(({ id }) => id));
    const next = page['next'] as string | null;
    path = next === null ? null : next.slice(next.indexOf('/api/v1'));
    if (path !== null) await between();
  }
  return ids;
}

let revision = 1;
/** Corrections of each at one time: their events differ by nothing but their ids. */
function correctAll(): Promise<unknown> {
  revision += 1;
  const change = { type: 'correction', cause: 'review', revision, result: 22 } as const;
  return rig.publish([
    rig.row('ha-noi-temperature', startAt, change),
    rig.row('garden-temperature', startAt, change),
    rig.row('kathmandu-temperature', startAt, change),
  ]);
}

test("pages have every event of the first page's moment once, whatever is published between them", async () => {
  for (let batch = 0; batch < 4; batch++) await correctAll();
  const { items } = await rig.json('/api/v1/events');
  const whole = items.map(({ id }) => id);
  expect(new Set(whole).size).toBe(whole.length);
  expect(whole.length).toBeGreaterThanOrEqual(14);
  for (const limit of [1, 2, 5]) {
    const now = (await rig.json('/api/v1/events')).items.map(({ id }) => id);
    expect(await pagesOf(limit, correctAll)).toEqual(now);
  }
});

test('pages are refused where events of their list are no longer kept', async () => {
  rig.flush();
  rig = await rig.reopen({ config: { eventsMax: 4 } });
  await correctAll();
  const page = await rig.json('/api/v1/events?limit=1');
  const next = String(page['next']);
  expect((await fetch(next)).status).toBe(200);
  await correctAll();
  expect((await fetch(next)).status).toBe(200);
  await correctAll();
  const refused = await fetch(next);
  expect([refused.status, await refused.json()]).toMatchObject([410, { code: 'API_PAGE_EXPIRED' }]);
});
