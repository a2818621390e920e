/** Citing for tests. */
import { setTimeout as wait } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';

import { openTestApi, startAt, type TestApi, type TestApiOptions } from '../api.fixture.ts';

export const at = startAt;
export const csvUrl =
  '/api/v1/observations.csv?datastream=ha-noi-temperature,kathmandu-temperature';

export async function open(options: TestApiOptions = {}): Promise<TestApi> {
  const rig = await openTestApi({
    ...options,
    config: { asOfSettleMs: 0, bulkSettleHours: 0, bulkDebounceMs: 0, ...options.config },
  });
  onTestFinished(() => rig.close());
  rig.setNow(at + 3_600_000);
  await rig.publish([
    rig.row('ha-noi-temperature', at),
    rig.row('kathmandu-temperature', at),
    rig.row('garden-temperature', at),
    rig.row('hidden-temperature', at),
  ]);
  return rig;
}

export interface Cited extends Record<string, unknown> {
  readonly id: string;
  readonly uri: string;
  readonly dataUri: string;
  readonly sha256: string;
}

export async function post(rig: TestApi, url: string, token?: string) {
  return fetch(`${rig.url}/api/v1/citations`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ url }),
  });
}

export async function cite(rig: TestApi, url: string, token?: string): Promise<Cited> {
  const answer = await post(rig, url, token);
  const body = (await answer.json()) as Cited;
  expect([answer.status, body]).toMatchObject([201, { sha256: expect.any(String) as string }]);
  return body;
}

export async function dataOf(rig: TestApi, { id }: Cited, headers = {}): Promise<Buffer> {
  const answer = await rig.get(`/api/v1/citations/${id}/data`, headers);
  expect(answer.status).toBe(200);
  return Buffer.from(await answer.arrayBuffer());
}

export const pause = () => wait(20);
