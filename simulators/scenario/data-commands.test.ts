import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openSystemClock } from '../../devices/clock-system.ts';
import { sleep } from '../../devices/clock.ts';
import type { DeviceSecretOf } from '../device.ts';
import { provisionLoad } from './network.ts';
import { publishDuring } from './publish.fixture.ts';
import { runCommand, startServerProcess, type ServerProcess } from './server-process.ts';

const clock = openSystemClock();
/** Each command is a process of its own, and the machine may be busy. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
let folder: string;
let dataDir: string;
let backup: string;
let server: ServerProcess | undefined;
let secrets: readonly DeviceSecretOf[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'quantrac-data-'));
  dataDir = join(folder, 'data');
  backup = join(folder, 'backup');
  secrets = await provisionLoad(dataDir, 5);
  server = await startServerProcess({ dataDir });
});

afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true });
});

function publish(during: () => Promise<unknown>): Promise<number> {
  return publishDuring({ port: () => server?.ports.mqttPort ?? 0, secrets, rate: 200 }, during);
}

interface Verified {
  readonly event: string;
  readonly findings: number;
  readonly readings: number;
  readonly digest?: string;
}

async function verify(...words: string[]): Promise<{ code: number | null; last: Verified }> {
  const { code, stdout, stderr } = await runCommand(['verify', ...words, '--json']);
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  if (last === '') throw new Error(stderr);
  return { code, last: JSON.parse(last) as Verified };
}

async function succeed(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(words);
  expect(`${code} ${stderr}`).toMatch(/^0 /);
  return stdout;
}

test('pins a client certificate to one device, and ends it', async () => {
  const fingerprint256 = 'ab'.repeat(32);
  const [one = '', other = ''] = secrets.map(({ deviceId }) => deviceId);
  const at = ['--data-dir', dataDir];
  const pinned = await succeed('certificate', 'pin', one, fingerprint256, ...at);
  expect(JSON.parse(pinned)).toEqual({ deviceId: one, fingerprint256 });
  const taken = await runCommand(['certificate', 'pin', other, fingerprint256, ...at]);
  expect(`${taken.code} ${taken.stderr}`).toMatch(/^2 .*DEVICES_CERTIFICATE_TAKEN/);
  await succeed('certificate', 'unpin', fingerprint256, ...at);
  const again = await runCommand(['certificate', 'unpin', fingerprint256, ...at]);
  expect(`${again.code} ${again.stderr}`).toMatch(/^2 .*DEVICES_CERTIFICATE_UNKNOWN/);
});

test('backs up under load, restores elsewhere, and verify finds nothing wrong in any of the three', async () => {
  const acknowledged = await publish(async () => {
    await sleep(clock, 500);
    await succeed('backup', backup, '--data-dir', dataDir);
    const running = await verify('--data-dir', dataDir);
    expect(running).toMatchObject({ code: 0, last: { findings: 0 } });
  });
  expect(acknowledged).toBeGreaterThan(50);
  const copy = await verify(backup, '--digest');
  expect(copy).toMatchObject({ code: 0, last: { findings: 0 } });
  const restored = join(folder, 'restored');
  await succeed('restore', backup, '--data-dir', restored);
  const { code, last } = await verify('--data-dir', restored, '--digest');
  expect({ code, digest: last.digest }).toEqual({ code: 0, digest: copy.last.digest });
  const other = await startServerProcess({ dataDir: restored });
  expect(await other.stop()).toBe(0);
  expect((await verify('--data-dir', restored, '--digest')).code).toBe(0);
});

test('compares a running server with its folder and with an older backup, by name', async () => {
  const address = `http://127.0.0.1:${server?.ports.httpPort}`;
  const same = await runCommand(['compare', address, dataDir, '--json']);
  const [last = ''] = same.stdout.trimEnd().split('\n').slice(-1);
  const { code, last: verified } = await verify(dataDir, '--digest');
  expect(`${code} ${same.code} ${same.stderr}`).toMatch(/^0 0 /);
  const { digest } = verified;
  expect(JSON.parse(last)).toMatchObject({ isEqual: true, one: { digest }, other: { digest } });
  const older = await runCommand(['compare', backup, dataDir]);
  expect(older.code).toBe(1);
  expect(older.stdout).toMatch(/^values \w+\.load-\d{5}\.[a-z0-9.-]+\n {2}one: {3}nothing\n/m);
  expect(older.stdout).toMatch(/^different\n {2}values: \d+ of \d+ differ\n/m);
  const counted = await runCommand(['compare', backup, dataDir, '--parts', 'revisions']);
  expect(`${counted.code} ${counted.stderr}`).toMatch(/^0 /);
});

test('erases a device while the server runs, and everything still proves', async () => {
  const [device] = secrets;
  if (device === undefined) throw new Error('the load has devices');
  const order = ['--device', device.deviceId, '--reason', 'asked for by its owner'];
  const told = await succeed('erase', ...order, '--data-dir', dataDir, '--json');
  const report = JSON.parse(told) as { readonly readings: number; readonly stretches: number };
  expect(report.readings).toBeGreaterThan(0);
  expect(report.stretches).toBe(7);
  const api = `http://127.0.0.1:${server?.ports.httpPort}/api/v1`;
  const answer = await fetch(`${api}/observations?station=${device.deviceId}&limit=10`);
  expect(await answer.json()).toMatchObject({ items: [], complete: true });
  expect(await verify('--data-dir', dataDir)).toMatchObject({ code: 0, last: { findings: 0 } });
});

test('a backup from before an erasure is restored without what was erased since', async () => {
  const restored = join(folder, 'restored-erased');
  const words = [backup, '--erasures', dataDir, '--data-dir', restored, '--json'];
  const told = await succeed('restore', ...words);
  expect(JSON.parse(told)).toMatchObject({ event: 'restored', erased: 1 });
  expect(await verify('--data-dir', restored)).toMatchObject({ code: 0, last: { findings: 0 } });
});

test('erases by time alone, of every device', async () => {
  const period = ['--from', '2000-01-01T00:00:00Z', '--to', '2100-01-01T00:00:00Z'];
  const words = [...period, '--reason', 'measured by mistake', '--data-dir', dataDir, '--json'];
  const report = JSON.parse(await succeed('erase', ...words)) as { readonly stretches: number };
  expect(report.stretches).toBe(7 * (secrets.length - 1));
  const answer = await fetch(`http://127.0.0.1:${server?.ports.httpPort}/api/v1/latest`);
  expect(await answer.json()).toMatchObject({ items: [] });
  expect(await verify('--data-dir', dataDir)).toMatchObject({ code: 0, last: { findings: 0 } });
  const restored = join(folder, 'restored-empty');
  const later = [backup, '--erasures', dataDir, '--data-dir', restored, '--json'];
  expect(JSON.parse(await succeed('restore', ...later))).toMatchObject({ erased: 2 });
});

test('one wrong byte in a backup gets exit code 1 and names the record, and is not restored', async () => {
  const [segment = ''] = readdirSync(join(backup, 'readings')).filter((name) =>
    name.endsWith('.segment'),
  );
  const path = join(backup, 'readings', segment);
  const at = readFileSync(path).length >> 1;
  const byte = readFileSync(path)[at] ?? 0;
  const file = openSync(path, 'r+');
  writeSync(file, Uint8Array.of(byte ^ 1), 0, 1, at);
  closeSync(file);
  const verified = await runCommand(['verify', backup]);
  expect(verified.code).toBe(1);
  expect(verified.stdout).toMatch(/readings\/\d{16}\.segment: record \d+, byte \d+: The bytes/);
  const target = join(folder, 'never');
  const restored = await runCommand(['restore', backup, '--data-dir', target]);
  expect(restored.code).toBe(1);
  expect(restored.stdout).toMatch(/readings\/\d{16}\.segment: record \d+, byte \d+/);
  const missing = await runCommand(['verify', '--data-dir', target]);
  expect(missing.code).toBe(2);
});

test('what would lose or mix data is refused with exit code 2', async () => {
  for (const words of [
    ['backup', backup, '--data-dir', dataDir],
    ['backup', join(folder, 'other'), '--data-dir', join(folder, 'none')],
    ['backup', join(folder, 'data/format.json'), '--data-dir', dataDir],
    ['restore', join(folder, 'none'), '--data-dir', join(folder, 'new')],
    ['restore', join(dataDir, 'format.json'), '--data-dir', join(folder, 'new')],
    ['verify', join(dataDir, 'format.json')],
    ['compare', dataDir],
    ['compare', dataDir, join(dataDir, 'format.json')],
    ['compare', dataDir, dataDir, '--parts', 'everything'],
    ['compare', dataDir, 'http://127.0.0.1:1'],
    ['erase', '--device', 'load-00001', '--data-dir', dataDir],
    ['erase', '--from', '2020-01-01T00:00:00Z', '--reason', 'x', '--data-dir', dataDir],
    ['erase', '--device', 'nobody', '--reason', 'x', '--data-dir', dataDir],
    ['erase', '--owner', 'nobody', '--reason', 'x', '--data-dir', dataDir],
  ]) {
    const { code, stderr } = await runCommand(words);
    expect(`${code} ${stderr}`).toMatch(/^2 quantrac: /);
  }
});
