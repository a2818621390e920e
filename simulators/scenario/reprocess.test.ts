import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openSystemClock } from '../../devices/clock-system.ts';
import { sleep } from '../../devices/clock.ts';
import type { DeviceSecretOf } from '../device.ts';
import { loadRegistryFile } from '../load/network.ts';
import { provision } from './network.ts';
import { publishDuring } from './publish.fixture.ts';
import { runCommand, runtime, startServerProcess, type ServerProcess } from './server-process.ts';

const clock = openSystemClock();
/** Each command is a process of its own, and the machine may be busy. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
let folder: string;
let dataDir: string;
let server: ServerProcess | undefined;
let secrets: readonly DeviceSecretOf[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'quantrac-reprocess-'));
  dataDir = join(folder, 'data');
  secrets = await provision(dataDir, network(1));
  server = await startServerProcess({ dataDir });
});

afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true });
});

/** Five devices of the load, whose first channel counts with a factor. */
function network(factor: number): unknown {
  const file = loadRegistryFile(5, 1_000) as { readonly deployments: readonly Deployment[] };
  const channel = file.deployments[0]?.channel;
  return {
    ...file,
    deployments: file.deployments.map((one) =>
      one.channel === channel ? { ...one, factor } : one,
    ),
  };
}

interface Deployment {
  readonly channel: string;
}

function publish(during: () => Promise<unknown>): Promise<number> {
  return publishDuring({ port: () => server?.ports.mqttPort ?? 0, secrets, rate: 100 }, during);
}

type Event = Readonly<Record<string, unknown>> & { readonly event: string };

async function tell(...words: string[]): Promise<Event[]> {
  const { code, stdout, stderr } = await runCommand([...words, '--data-dir', dataDir, '--json']);
  expect(`${code} ${stderr}`).toMatch(/^0 /);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);
}

const found = (events: readonly Event[]) => events.find(({ event }) => event === 'reprocessFound');

async function digest(): Promise<unknown> {
  return (await tell('verify', '--digest')).at(-1)?.['digest'];
}

test('says what it would change, changes it while values come in, and then finds nothing', async () => {
  await publish(() => sleep(clock, 2_000));
  await provisionAgain(network(2));
  const before = await digest();
  const dry = await tell('reprocess', '--dry-run');
  expect(found(dry)?.['differences']).toBeGreaterThan(50);
  expect(dry.filter(({ event }) => event === 'reprocessSeries')).toHaveLength(5);
  expect(await digest()).toBe(before);
  const meanwhile = await publish(async () => {
    const events = await tell('reprocess');
    expect(events.at(-1)).toMatchObject({ event: 'reprocessed', version: found(dry)?.['version'] });
  });
  expect(meanwhile).toBeGreaterThan(20);
  expect(found(await tell('reprocess'))).toMatchObject({ differences: 0, steps: 0 });
  expect(await tell('verify')).toMatchObject([{ event: 'verified', findings: 0 }]);
  expect(existsSync(join(dataDir, 'reprocess.scratch'))).toBe(false);
});

test('killed at any moment it is run again, and the server with it', async () => {
  await provisionAgain(network(4));
  for (const afterMs of [600, 900, 1_200]) {
    const words = [join(import.meta.dirname, '../../main.ts'), 'reprocess', '--data-dir', dataDir];
    const child = spawn(runtime(), words, { stdio: 'ignore' });
    const ended = once(child, 'exit');
    await sleep(clock, afterMs);
    child.kill('SIGKILL');
    await ended;
  }
  await server?.kill();
  server = await startServerProcess({ dataDir });
  await tell('reprocess');
  expect(found(await tell('reprocess'))).toMatchObject({ differences: 0 });
  expect(await tell('verify')).toMatchObject([{ event: 'verified', findings: 0 }]);
  expect(existsSync(join(dataDir, 'reprocess.scratch'))).toBe(false);
});

test('the same without a server, for a part of the time', async () => {
  await server?.stop();
  server = undefined;
  await provisionAgain(network(3));
  const early = ['--from', '2000-01-01T00:00:00Z', '--to', '2001-01-01T00:00:00Z'];
  expect(found(await tell('reprocess', ...early))).toMatchObject({ differences: 0 });
  const events = await tell('reprocess', '--from', '2001-01-01T00:00:00Z');
  expect(events.at(-1)?.['told']).toBeGreaterThan(50);
  expect(found(await tell('reprocess'))).toMatchObject({ differences: 0 });
  expect(await tell('verify')).toMatchObject([{ event: 'verified', findings: 0 }]);
  server = await startServerProcess({ dataDir });
  expect(found(await tell('reprocess'))).toMatchObject({ differences: 0 });
});

async function provisionAgain(file: unknown): Promise<void> {
  secrets = await provision(dataDir, file);
}

test('what it cannot mean is refused with exit code 2', async () => {
  for (const words of [
    ['reprocess', '--from', '2026-01-02T00:00:00Z', '--to', '2026-01-01T00:00:00Z'],
    ['reprocess', '--from', 'yesterday'],
  ]) {
    const { code, stderr } = await runCommand([...words, '--data-dir', dataDir]);
    expect(`${code} ${stderr}`).toMatch(/^2 quantrac: /);
  }
  const missing = await runCommand(['reprocess', '--data-dir', join(folder, 'none')]);
  expect(missing.code).toBe(2);
});
