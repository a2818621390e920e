import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createManualClock, type ManualClock } from '../../devices/clock-manual.ts';
import { openRegistryCopy } from '../../devices/registry-copy.ts';
import { joinedBytes, tellJoined, untilIdentity, untilJoined } from './node-joined.ts';
import { identityKey } from './registry/records.ts';

let clock: ManualClock;
beforeEach(() => {
  clock = createManualClock(0);
});

/** Whether it is over once so many looks have passed. */
async function isOver(work: Promise<unknown>, looks = 3): Promise<boolean> {
  let over = false;
  void work.then(() => (over = true));
  for (let look = 0; look < looks; look++) {
    await setImmediate();
    clock.advance(100);
  }
  await setImmediate();
  return over;
}

describe('joining the cluster', () => {
  test('is told by the thread that claimed the number to all others', async () => {
    const joined = new SharedArrayBuffer(joinedBytes);
    const waiting = untilJoined(joined, clock, new AbortController().signal);
    expect(await isOver(waiting)).toBe(false);
    tellJoined(joined);
    expect(await isOver(waiting)).toBe(true);
    await untilJoined(joined, clock, new AbortController().signal);
  });

  test('is waited for until the node is closed', async () => {
    const stopping = new AbortController();
    const waiting = untilJoined(new SharedArrayBuffer(joinedBytes), clock, stopping.signal);
    stopping.abort();
    expect(await isOver(waiting)).toBe(true);
  });
});

describe('which cluster this is', () => {
  const busyTimeoutMs = 1_000;

  function pathOf(): string {
    const folder = mkdtempSync(join(tmpdir(), 'quantrac-joining-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    return join(folder, 'registry.db');
  }

  test('is known once the copy of the registry says so', async () => {
    const path = pathOf();
    const { signal } = new AbortController();
    const found = untilIdentity({ path, busyTimeoutMs }, clock, signal);
    expect(await isOver(found)).toBe(false);
    const copy = openRegistryCopy(path, { busyTimeoutMs });
    expect(await isOver(found)).toBe(false);
    const identity = { storeId: 'one', partitions: 12 };
    copy.take({
      changesets: [],
      notes: new Map([[identityKey, JSON.stringify(identity)]]),
      next: 1,
    });
    copy.close();
    expect(await isOver(found)).toBe(true);
    expect(await found).toEqual(identity);
  });

  test('is not known where the node is closed before', async () => {
    const stopping = new AbortController();
    const found = untilIdentity({ path: pathOf(), busyTimeoutMs }, clock, stopping.signal);
    stopping.abort();
    expect(await isOver(found)).toBe(true);
    expect(await found).toBeUndefined();
  });
});
