import { request } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { openTestApi, startAt, type TestApi } from '../api.fixture.ts';

let rig: TestApi;

beforeAll(async () => {
  rig = await openTestApi();
  rig.setNow(startAt + 60_000);
  await rig.publish([
    rig.row('ha-noi-temperature', startAt),
    rig.row('ha-noi-direction', startAt),
    rig.row('hue-rain', startAt),
  ]);
});
afterAll(() => rig.close());

/** The bytes as they were sent, with head and trailers. */
function ask(path: string, headers: Record<string, string> = {}) {
  return new Promise<{
    status: number;
    headers: Record<string, string | string[] | undefined>;
    trailers: Record<string, string | undefined>;
    body: Buffer;
  }>((resolve, reject) => {
    const asking = request(rig.url + path, { headers }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.once('end', () => {
        const { statusCode: status = 0, trailers } = answer;
        resolve({ status, headers: answer.headers, trailers, body: Buffer.concat(parts) });
      });
    });
    asking.once('error', reject);
    asking.end();
  });
}

const plain: (body: Buffer) => Buffer = (body) => body;

test.each([
  'latest',
  'latest.csv',
  'latest.ndjson',
  'latest.geojson',
  'datastreams',
  'stations.csv',
])(
  '%s is the same list in every coding, each with its own strong tag, good for a 304',
  async (list) => {
    const path = `/api/v1/${list}`;
    const whole = await ask(path);
    for (const [accepted, coding, open] of [
      ['gzip, br', 'br', brotliDecompressSync],
      ['gzip;q=1, br;q=0.5', 'gzip', gunzipSync],
      ['br;q=0, gzip;q=0', undefined, plain],
    ] as const) {
      const answer = await ask(path, { 'accept-encoding': accepted });
      expect([answer.status, answer.headers['content-encoding']]).toEqual([200, coding]);
      const text = open(answer.body).toString();
      const stripped = (each: string) => each.replaceAll(/"?ageSeconds"?:\d+/g, '');
      expect(stripped(text).length).toBe(stripped(whole.body.toString()).length);
      const tag = String(answer.headers['etag']);
      expect(/-(br|gzip)"$/.exec(tag)?.[1]).toBe(coding);
      expect(String(answer.headers['vary'])).toMatch(/accept-encoding/i);
      const again = await ask(path, { 'accept-encoding': accepted, 'if-none-match': tag });
      expect([again.status, again.headers['etag'], again.body.length]).toEqual([304, tag, 0]);
      const isCsv = list.endsWith('csv');
      expect(answer.trailers['quantrac-complete']).toBe(isCsv ? 'true' : undefined);
    }
  },
);

test('in a flood every answer is whole, and states the cursor and tag of its own bytes', async () => {
  const byTag = new Map<string, Set<string>>();
  for (let round = 0; round < 4; round++) {
    await rig.append([rig.row('hue-rain', startAt + (round + 1) * 1_000)]);
    const answers = await Promise.all(Array.from({ length: 40 }, () => ask('/api/v1/latest')));
    for (const { headers, body } of answers) {
      const { cursor, complete } = JSON.parse(body.toString()) as Record<string, unknown>;
      expect([complete, cursor]).toEqual([true, headers['quantrac-cursor']]);
      const tag = String(headers['etag']);
      byTag.set(tag, (byTag.get(tag) ?? new Set()).add(body.toString()));
    }
  }
  for (const bodies of byTag.values()) expect(bodies.size).toBe(1);
});
