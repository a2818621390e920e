import { afterAll, beforeAll, expect, test } from 'vitest';

import { openDatabase } from '../devices/database.ts';
import { openTestApi, type TestApi } from './api.fixture.ts';
import { formats } from './formats/format.ts';
import { problemOf } from './problem.ts';

let rig: TestApi;

beforeAll(async () => {
  rig = await openTestApi();
});
afterAll(() => rig.close());

test.each([
  ['latest?limit=many', 'limit', 'a number'],
  ['latest?limit=1.5', 'limit', 'an integer'],
  ['latest?limit=0', 'limit', 'at least 1'],
  ['latest?limit=99999999', 'limit', 'at most 1000000'],
  ['latest?format=xml', 'format', formats.join(', ')],
  ['observations?order=up', 'order', 'asc, desc'],
  ['aggregates?window=P1W', 'window', 'PT1M, PT1H, P1D, P1M, P1Y'],
  ['latest?page=', 'page', 'at least 1 characters'],
  ['latest?colour=red', 'colour', 'no such parameter'],
])('%s is told what %s must be: %s', async (address, parameter, expected) => {
  const answer = await rig.get(`/api/v1/${address}`);
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({
    parameter,
    expected,
    detail: `Parameter ${parameter}: expected ${expected}.`,
    errors: [{ parameter, expected }],
  });
});

function caught(run: () => void): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

test('what has no room on the disk is told so, is logged, and may be tried again', () => {
  const database = openDatabase(':memory:', { busyTimeoutMs: 0 });
  database.exec('PRAGMA max_page_count = 4; CREATE TABLE kept (bytes BLOB)');
  const ofDatabase = caught(() => database.exec('INSERT INTO kept VALUES (zeroblob(1000000))'));
  database.close();
  const ofFile = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  for (const error of [ofDatabase, ofFile]) {
    const told = { status: 503, code: 'API_DISK_FULL', isFault: true, body: { canRetry: true } };
    expect(problemOf(error)).toMatchObject(told);
  }
});
