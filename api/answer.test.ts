import { get } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { openTestApi, startAt, type TestApi } from './api.fixture.ts';

let rig: TestApi;
const count = 3_000;

beforeEach(async () => {
  rig = await openTestApi({ config: { rowsPerReadMax: 100 } });
  rig.setNow(startAt + count * 600_000);
  await rig.publish(
    Array.from({ length: count }, (_, index) =>
      rig.row('ha-noi-temperature', startAt + index * 600_000, { result: index }),
    ),
  );
});
afterEach(() => rig.close());

interface Whole {
  readonly text: string;
  readonly trailers: NodeJS.Dict<string>;
  readonly isWhole: boolean;
  readonly named: string | undefined;
}

function read(path: string): Promise<Whole> {
  return new Promise((resolve, reject) => {
    get(rig.url + path, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => (body += chunk));
      // A cut connection is what some of these tests are about: `complete` tells.
      answer.on('error', () => undefined);
      answer.on('close', () =>
        resolve({
          text: body,
          trailers: answer.trailers,
          isWhole: answer.complete,
          named: answer.headers.trailer,
        }),
      );
    }).on('error', reject);
  });
}

describe('a long answer', () => {
  test('is streamed to its end, in every format', async () => {
    const path = `/api/v1/observations?limit=${count}`;
    const csv = await read(`${path}&format=csv`);
    expect(csv.text.trimEnd().split('\r\n')).toHaveLength(count + 1);
    expect(csv.trailers['quantrac-complete']).toBe('true');
    expect(csv.trailers['quantrac-next']).toBe('');
    const json = JSON.parse((await read(path)).text) as { items: { result: number }[] };
    expect(json.items.map(({ result }) => result)).toEqual(
      Array.from({ length: count }, (_, index) => index),
    );
    const map = JSON.parse((await read(`${path}&format=geojson`)).text) as { features: object[] };
    expect(map.features).toHaveLength(count);
    const lines = (await read(`${path}&format=ndjson`)).text.trimEnd().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ complete: true });
  });

  test('in CSV that goes on says so in its trailers', async () => {
    const first = await read(`/api/v1/observations.csv?limit=${count - 1}`);
    expect(first.named).toBe('Quantrac-Complete, Quantrac-Next');
    expect(first.trailers['quantrac-complete']).toBe('false');
    const next = String(first.trailers['quantrac-next']).slice(rig.url.length);
    const last = await read(next);
    expect(last.text.split('\r\n')).toHaveLength(3);
    expect(last.trailers['quantrac-complete']).toBe('true');
  });

  test('in CSV has no trailers for a client of HTTP/1.0, which knows no chunks', async () => {
    const { hostname, port } = new URL(rig.url);
    for (const limit of [2, count]) {
      const socket = connect(Number(port), hostname);
      socket.write(`GET /api/v1/observations.csv?limit=${limit} HTTP/1.0\r\nHost: h\r\n\r\n`);
      const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
      expect(head).not.toMatch(/trailer|transfer-encoding/i);
      expect(body.trimEnd().split('\r\n')).toHaveLength(limit + 1);
    }
  });

  test('that was cut has no end mark', async () => {
    for (const format of ['csv', 'ndjson', 'json', 'geojson']) {
      // Behind what is sent as the first piece, before the end.
      rig.failRange(20);
      const path = `/api/v1/observations?format=${format}&limit=${count}`;
      const { text: sent, trailers, isWhole } = await read(path);
      expect([format, isWhole]).toEqual([format, false]);
      expect(trailers).toEqual({});
      expect(sent).not.toContain('"complete"');
    }
    expect(rig.telemetry.value('quantrac_http_streams_cut_total', { reason: 'failed' })).toBe(4);
  });

  test('gives its slot back when its client goes away', async () => {
    rig = await rig.reopen({ config: { streamsMax: 1, rowsPerReadMax: 10 } });
    for (let round = 0; round < 10; round++) {
      const stopped = new AbortController();
      const answer = await fetch(`${rig.url}/api/v1/observations.ndjson`, {
        signal: stopped.signal,
      });
      expect([200, 429]).toContain(answer.status);
      stopped.abort();
    }
    let last = await rig.get('/api/v1/observations.ndjson');
    while (last.status === 429) last = await rig.get('/api/v1/observations.ndjson');
    expect((await last.text()).trimEnd().split('\n')).toHaveLength(count + 1);
  });
});
