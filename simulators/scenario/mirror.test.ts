import { spawn, type ChildProcess } from 'node:child_process';
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openSystemClock } from '../../devices/clock-system.ts';
import { sleep } from '../../devices/clock.ts';
import { connectDevice, type ConnectedDevice, type DeviceSecretOf } from '../device.ts';
import { loadRegistryFile } from '../load/network.ts';
import { provision } from './network.ts';
import { publishDuring } from './publish.fixture.ts';
import { runCommand, runtime, startServerProcess, type ServerProcess } from './server-process.ts';

const clock = openSystemClock();
/** Server, mirror and commands are processes of their own, and the machine may be busy. */
vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

let folder: string;
let dataDir: string;
let copy: string;
let server: ServerProcess;
let secrets: DeviceSecretOf[];
const hour = 3_600_000;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'quantrac-mirrored-'));
  dataDir = join(folder, 'data');
  copy = join(folder, 'copy');
  secrets = await provision(dataDir, networkOf({ 'load-00003': 'internal' }));
  server = await startServerProcess({ dataDir });
});

afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

/** Three stations, some of which are not for everybody. */
function networkOf(visibility: Readonly<Record<string, string>>): object {
  const file = loadRegistryFile(3, 1_000) as { readonly stations: readonly { id: string }[] };
  const stations = file.stations.map((each) =>
    visibility[each.id] === undefined ? each : { ...each, visibility: visibility[each.id] },
  );
  return { ...file, stations };
}

const url = (): string => `http://127.0.0.1:${server.ports.httpPort}`;

async function command(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(words);
  expect(`${code} ${stdout}${stderr}`).toMatch(/^0 /);
  return stdout + stderr;
}

const mirrorOnce = (directory: string): Promise<string> =>
  command('mirror', url(), directory, '--once', '--json');
const makeManifest = (...words: string[]): Promise<string> =>
  command('manifest', ...words, '--data-dir', dataDir, '--json');

function publish(during: () => Promise<unknown>): Promise<number> {
  const open = secrets.slice(0, 2);
  return publishDuring({ port: () => server.ports.mqttPort, secrets: open, rate: 50 }, during);
}

/** Messages of one device, each acknowledged. */
async function send(device: number, ...texts: string[]): Promise<void> {
  const secret = secrets[device];
  if (secret === undefined) throw new Error('no such device');
  const connected: ConnectedDevice = await connectDevice({
    url: `mqtt://127.0.0.1:${server.ports.mqttPort}`,
    reconnectMs: 200,
    secret,
    channels: [],
    onError: () => undefined,
  });
  for (const text of texts) await connected.publishText(`env/v1/${secret.deviceId}/obs`, text);
  await connected.close();
}

/** Until everything that was acknowledged is in the feed, and nothing more comes. */
async function untilQuiet(): Promise<void> {
  for (let before = ''; ;) {
    const { cursor } = (await (await fetch(`${url()}/api/v1/`)).json()) as { cursor: string };
    if (cursor === before) return;
    before = cursor;
    await sleep(clock, 1_500);
  }
}

function contentOf(directory: string): Record<string, string> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
  const data = names.filter(
    (name) =>
      /\.ndjson$|^(stations|datastreams|properties)\.json$/.test(name) &&
      statSync(join(directory, name)).isFile(),
  );
  return Object.fromEntries(
    data.map((name) => [name, readFileSync(join(directory, name), 'utf8')]),
  );
}

/** A mirror made now of nothing is byte-equal, and both are proved without the server. */
async function expectExact(): Promise<Record<string, string>> {
  const fresh = mkdtempSync(join(folder, 'fresh-'));
  await untilQuiet();
  await mirrorOnce(copy);
  await mirrorOnce(fresh);
  const content = contentOf(copy);
  expect(content).toEqual(contentOf(fresh));
  expect(JSON.parse(readFileSync(join(copy, 'state.json'), 'utf8'))).toMatchObject({
    cursor: (JSON.parse(readFileSync(join(fresh, 'state.json'), 'utf8')) as { cursor: string })
      .cursor,
  });
  for (const directory of [copy, fresh]) await command('mirror', directory, '--verify');
  return content;
}

function startFollowing(): ChildProcess {
  const words = ['quantrac.js', 'mirror', url(), copy, '--follow', '--json'];
  return spawn(runtime(), words, { stdio: 'ignore' });
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('exit', (code) => resolve(code)));
}

test('stays exact through kills of mirror and server, late data, corrections, closing and opening', async () => {
  await publish(() => sleep(clock, 500));
  await untilQuiet();
  await makeManifest();
  expect(await mirrorOnce(copy)).toContain('"event":"proven"');

  // The mirror is killed while it follows, then the server, while devices go on.
  const following = startFollowing();
  await publish(async () => {
    await sleep(clock, 2_000);
    following.kill('SIGKILL');
    await ended(following);
    await makeManifest('--new-key');
    await server.kill();
    server = await startServerProcess({ dataDir, ports: server.ports });
    await sleep(clock, 500);
  });
  expect(Object.keys(await expectExact()).join()).not.toContain('load-00003');

  // What comes late, and what says another value of the same time.
  const at = Date.now() - 24 * hour;
  const message = (ts: number, temp: number) => JSON.stringify({ ts, values: { temp } });
  await send(0, message(at, 20), message(at - 40 * 24 * hour, 21), message(at, 22.5));
  await send(2, message(at, 30), message(at + 1_000, 31));
  const changed = await expectExact();
  expect(JSON.stringify(changed)).toContain('22.5');

  // One station is closed, another opened, and readings go on.
  await provision(dataDir, networkOf({ 'load-00002': 'internal' }), { rotate: false });
  await send(2, message(at + 2_000, 32));
  await send(0, message(at + 3_000, 23));
  await makeManifest();
  const names = Object.keys(await expectExact()).join();
  expect([names.includes('load-00002'), names.includes('load-00003')]).toEqual([false, true]);
});

test('meets a restore of the server as a fork, keeps what it knew aside, and is exact again', async () => {
  const backup = join(folder, 'backup');
  await command('backup', backup, '--data-dir', dataDir);
  await send(0, JSON.stringify({ ts: Date.now(), values: { temp: 1 } }));
  await untilQuiet();
  await makeManifest();
  await mirrorOnce(copy);
  await server.stop();
  renameSync(dataDir, join(folder, 'lost'));
  await command('restore', backup, '--data-dir', dataDir);
  expect(statSync(join(dataDir, 'signing.pem')).mode & 0o777).toBe(0o600);
  server = await startServerProcess({ dataDir, ports: server.ports });
  await send(0, JSON.stringify({ ts: Date.now(), values: { temp: 2 } }));
  await untilQuiet();
  await makeManifest();
  expect(await mirrorOnce(copy)).toContain('"reason":"forked"');
  await expectExact();
  expect(readdirSync(join(copy, 'forks/0001')).length).toBeGreaterThan(0);
});

test('a manifest or a file with one wrong byte is named without the server', async () => {
  const spoilt = join(folder, 'spoilt');
  const [month = ''] = Object.keys(contentOf(copy)).filter((name) => name.endsWith('.ndjson'));
  const manifest = join('manifests', readdirSync(join(copy, 'manifests'))[0] ?? '');
  for (const name of [month, manifest]) {
    cpSync(copy, spoilt, { recursive: true });
    const bytes = readFileSync(join(spoilt, name));
    const middle = bytes.length >> 1;
    bytes[middle] = bytes[middle]! ^ 1;
    writeFileSync(join(spoilt, name), bytes);
    const { code, stdout } = await runCommand(['mirror', spoilt, '--verify']);
    expect([code, stdout]).toEqual([1, expect.stringContaining(name)]);
    rmSync(spoilt, { recursive: true });
  }
  const { code } = await runCommand(['mirror', join(folder, 'none'), '--verify']);
  expect(code).toBe(2);
});
