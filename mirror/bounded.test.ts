import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { openTestApi, startAt, type Json, type TestApi } from '../api/api.fixture.ts';
import { openSystemClock } from '../devices/clock-system.ts';
import { boundFiles } from './bounded.ts';
import { mirror, openMirrorFiles, verifyMirror, type MirrorOptions } from './main.ts';

const clock = openSystemClock();
const megabyte = 1_048_576;

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-mirror-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function openRig(): Promise<TestApi> {
  const rig = await openTestApi();
  onTestFinished(() => rig.close());
  rig.setNow(startAt + 3_600_000);
  await rig.publish([rig.row('hue-rain', startAt), rig.row('ha-noi-temperature', startAt)]);
  await rig.api.manifests?.make();
  return rig;
}

type Options = Partial<Pick<MirrorOptions, 'bytesMax' | 'emptyPagesMax' | 'fetch'>>;

function run(rig: TestApi, folder: string, more: Options = {}) {
  const files = openMirrorFiles(folder);
  return mirror({ url: rig.url, files, clock, fetch, triesMax: 2, ...more });
}

/** The rig, but for a feed that never ends: each page brings new rows of a later time. */
function endlessly(rig: TestApi): typeof fetch {
  let minute = 0;
  return async (address, init) => {
    const url = String(address instanceof Request ? address.url : address);
    if (!url.includes('/changes?')) return fetch(address, init);
    const latest = await rig.json('/api/v1/observations?datastream=hue-rain');
    const row = latest.items[0] as Json;
    const changes = Array.from({ length: 1_000 }, () => {
      minute += 1;
      const endAt = startAt + 3_600_000 + minute * 60_000;
      const phenomenonTime = `${new Date(endAt - 60_000).toISOString()}/${new Date(endAt).toISOString()}`;
      return { type: 'insert', observation: { ...row, id: `made-${minute}`, phenomenonTime } };
    });
    return Response.json({ changes, next: `cursor-${minute}`, atEnd: false });
  };
}

test('a feed without end stops at the bytes allowed, and the next run goes on when it may have more', async () => {
  const rig = await openRig();
  const folder = makeFolder();
  await run(rig, folder);
  const endless = run(rig, folder, { bytesMax: 2 * megabyte, fetch: endlessly(rig) });
  await expect(endless).rejects.toMatchObject({
    code: 'MIRROR_TOO_LARGE',
    fields: { bytesMax: 2 * megabyte },
  });
  const taken = openMirrorFiles(folder).taken('.');
  expect(taken).toBeGreaterThan(megabyte);
  expect(taken).toBeLessThanOrEqual(2 * megabyte);
  // An honest answer again: what was made up differs from what is signed, and is mended.
  await rig.publish([rig.row('hue-rain', startAt + 60_000)]);
  await rig.api.manifests?.make();
  await run(rig, folder).catch(() => undefined);
  const last = await run(rig, folder);
  expect(last.rows).toBe(3);
  expect(verifyMirror(openMirrorFiles(folder)).findings).toEqual([]);
});

test('without a bound it stops where the disk has its reserve left', () => {
  let freeBytes = 130 * megabyte;
  const folder = {
    ...openMirrorFiles('/nowhere'),
    taken: () => 0,
    disk: () => ({ freeBytes, allBytes: 1_000 * megabyte }),
    append: (_path: string, bytes: string) => {
      freeBytes -= bytes.length;
    },
  };
  const files = boundFiles(folder, undefined);
  const piece = 'x'.repeat(megabyte);
  expect(() => {
    for (let times = 0; times < 100; times++) files.append(`${times}`, piece);
  }).toThrow('more of the disk');
  // A tenth is left, but for what is written between two looks at the disk.
  expect(freeBytes).toBeLessThanOrEqual(100 * megabyte);
  expect(freeBytes).toBeGreaterThan((100 - 17) * megabyte);
});

test('what is taken away makes room again, and many short files take their blocks', () => {
  const folder = makeFolder();
  const files = boundFiles(openMirrorFiles(folder), 20 * 4_096);
  for (let times = 0; times < 100; times++) {
    files.write(`a/${times}`, 'x');
    files.remove(`a/${times}`);
  }
  const many = () => {
    for (let times = 0; times < 100; times++) files.append(`b/${times}`, 'x');
  };
  expect(many).toThrow('more of the disk');
  expect(openMirrorFiles(folder).list('b')).toHaveLength(20);
});

test('a feed of ever new pages without a change stops, and the copy stays as it was', async () => {
  const rig = await openRig();
  const folder = makeFolder();
  const { state } = await run(rig, folder);
  let asked = 0;
  const empty: typeof fetch = async (address, init) => {
    const url = String(address instanceof Request ? address.url : address);
    if (!url.includes('/changes?')) return fetch(address, init);
    asked += 1;
    return Response.json({ changes: [], next: `cursor-${asked}`, atEnd: false });
  };
  await expect(run(rig, folder, { fetch: empty, emptyPagesMax: 20 })).rejects.toMatchObject({
    code: 'MIRROR_SERVER_UNANSWERED',
    fields: { problem: expect.stringContaining('more than 20 pages') },
  });
  expect(asked).toBe(21);
  const again = await run(rig, folder, { emptyPagesMax: 20 });
  expect(again.state.cursor).toBe(state.cursor);
});
