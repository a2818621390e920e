import { expect, test } from 'vitest';

import { createManualClock } from '../devices/clock-manual.ts';
import { openMirrorFiles } from './files-node.ts';
import { itemsOf } from './choice.ts';
import { fetchWhole } from './compare.ts';
import { openCopy } from './copy.ts';
import { openServer } from './http.ts';

interface Given {
  readonly body?: string;
  readonly status?: number;
  readonly location?: string;
}

/** Answers by address; whatever is not named is not there. */
function serverOf(given: Readonly<Record<string, Given>>) {
  const asked: string[] = [];
  const fetchGiven: typeof fetch = async (input) => {
    const address = new Request(input).url;
    asked.push(address);
    const { body = '', status = 200, location } = given[address] ?? { status: 404 };
    return new Response(body, { status, headers: location === undefined ? {} : { location } });
  };
  const server = openServer({
    url: 'https://data.example',
    fetch: fetchGiven,
    clock: createManualClock(0),
    triesMax: 1,
    onWait: () => undefined,
    bounds: { bodyBytesMax: 100, lineBytesMax: 50 },
  });
  return { server, asked };
}

const here = 'https://data.example/api/v1/latest';

test('what is longer than the bounds is not taken', async () => {
  const list = 'https://data.example/api/v1/list';
  const { server } = serverOf({
    [here]: { body: 'x'.repeat(101) },
    [list]: { body: ' '.repeat(51) },
  });
  await expect(server.ask('/latest')).rejects.toMatchObject({ code: 'MIRROR_SERVER_UNANSWERED' });
  const all = Array.fromAsync(server.lines('/list'));
  await expect(all).rejects.toMatchObject({ code: 'MIRROR_SERVER_UNANSWERED' });
});

test('another node of the same host is gone to, and no other address', async () => {
  const there = 'https://data.example:8443/api/v1/latest';
  const { server } = serverOf({
    [here]: { status: 307, location: there },
    [there]: { body: 'there' },
  });
  expect((await server.ask('/latest')).body.toString()).toBe('there');
  for (const [status, location] of [
    [307, 'https://169.254.169.254/api/v1/latest'],
    [307, 'http://data.example/api/v1/latest'],
    [307, 'https://data.example/other'],
    [302, there],
  ] as const) {
    const { server: hostile, asked } = serverOf({ [here]: { status, location } });
    await expect(hostile.ask('/latest')).rejects.toMatchObject({
      code: 'MIRROR_SERVER_UNANSWERED',
    });
    expect(asked).toEqual([here]);
  }
});

test('a datastream that was closed since it was listed has no rows', async () => {
  const { server } = serverOf({});
  const files = { ...openMirrorFiles('/nowhere'), list: () => [], remove: () => undefined };
  const copy = openCopy(files);
  expect(await fetchWhole(server, copy, { id: 'closed', cursor: 'c' })).toBe(false);
  expect(copy.ids()).toEqual([]);
});

test('a list that never ends is left', async () => {
  const page = { body: '{"items":[1],"next":"/list?p=1"}' };
  const address = 'https://data.example/api/v1/list';
  const { server, asked } = serverOf({ [address]: page, [`${address}?p=1`]: page });
  const all = Array.fromAsync(itemsOf(server, '/list', 20));
  await expect(all).rejects.toMatchObject({ code: 'MIRROR_SERVER_UNANSWERED' });
  expect(asked).toHaveLength(20);
});
