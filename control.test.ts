import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { askControl, holdControl, serveControl, type ControlHandlers } from './control.ts';

async function serve(handlers: ControlHandlers): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-control-'));
  const path = join(folder, 'control.sock');
  const server = await serveControl(path, handlers);
  onTestFinished(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  return path;
}

test("a question is answered, with progress before, and the socket is the owner's alone", async () => {
  const path = await serve({
    add: async ({ a, b }: { a: number; b: number }, progress) => {
      progress({ at: 1 });
      return a + b;
    },
  });
  const seen: unknown[] = [];
  expect(await askControl(path, 'add', { a: 1, b: 2 }, (step) => seen.push(step))).toEqual({
    result: 3,
  });
  expect(seen).toEqual([{ at: 1 }]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('an unknown command and a failing one come back as errors with their code', async () => {
  const path = await serve({ fail: () => Promise.reject(new Error('no space')) });
  await expect(askControl(path, 'nothing', null)).rejects.toMatchObject({ code: 'START_USAGE' });
  await expect(askControl(path, 'fail', null)).rejects.toThrow('no space');
});

test('where no server answers the question is not asked', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-control-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  expect(await askControl(join(folder, 'none.sock'), 'add', null)).toBeUndefined();
  writeFileSync(join(folder, 'dead.sock'), '');
  await expect(askControl(join(folder, 'dead.sock'), 'add', null)).resolves.toBeUndefined();
});

test('a question that is held lasts until its asker lets go', async () => {
  const ended: string[] = [];
  const path = await serve({
    hold: async (name: string, progress, gone) => {
      progress({ hello: name });
      await gone;
      ended.push(name);
    },
    refuse: () => Promise.reject(new Error('not now')),
    ended: async () => ended,
  });
  const held = await holdControl(path, 'hold', 'me');
  expect(held?.told).toEqual({ hello: 'me' });
  expect(await askControl(path, 'ended', null)).toEqual({ result: [] });
  held?.release();
  await expect.poll(async () => (await askControl(path, 'ended', null))?.result).toEqual(['me']);
  await expect(holdControl(path, 'refuse', null)).rejects.toThrow('not now');
  expect(await holdControl(`${path}.none`, 'hold', null)).toBeUndefined();
});

test('a socket left by a dead server is replaced', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-control-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'control.sock');
  writeFileSync(path, '');
  const server = await serveControl(path, { ping: async () => 'pong' });
  onTestFinished(() => void server.close());
  expect(await askControl(path, 'ping', null)).toEqual({ result: 'pong' });
});

test('a path that no socket can have is refused by name, unless a shorter way leads there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-control-'));
  const before = process.cwd();
  onTestFinished(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  });
  const path = join(folder, 'x'.repeat(100), 'control.sock');
  const tooLong = { code: 'START_FOLDER_PATH_LONG' };
  await expect(serveControl(path, {})).rejects.toMatchObject(tooLong);
  expect(await askControl(path, 'ping', null)).toBeUndefined();
  mkdirSync(dirname(path));
  process.chdir(dirname(path));
  const server = await serveControl(path, { ping: async () => 'pong' });
  onTestFinished(() => void server.close());
  expect(await askControl(path, 'ping', null)).toEqual({ result: 'pong' });
  process.chdir(before);
  await expect(askControl(path, 'ping', null)).rejects.toMatchObject(tooLong);
});
