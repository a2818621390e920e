import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readBalance } from '../load/balance.ts';
import { runCommand, startServerProcess, type ServerProcess } from './server-process.ts';

/** Server and simulation are processes of their own, and the machine may be busy. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let folder: string;
let dataDir: string;
let server: ServerProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'quantrac-simulate-'));
  dataDir = join(folder, 'data');
  server = await startServerProcess({ dataDir });
});

afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

const api = (path: string) => `http://127.0.0.1:${server.ports.httpPort}${path}`;

interface Simulated {
  readonly acknowledged: number;
  readonly storms: number;
  readonly replaced: number;
}

test('storms and replaced devices lose nothing, and each series goes on as one', async () => {
  const faults = ['--faults', 'storm,replaced,duplicate'];
  const size = ['--stations', '6', '--interval', '200', '--seconds', '10'];
  const words = ['simulate', ...size, ...faults, '--json', '--data-dir', dataDir];
  const { code, stdout, stderr } = await runCommand(words);
  expect([code, stderr]).toEqual([0, '']);
  const last = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Simulated;
  expect(last.storms).toBeGreaterThan(0);
  expect(last.replaced).toBeGreaterThan(0);

  await expect.poll(async () => (await readBalance(api(''))).readingsInFlight).toBe(0);
  const metrics = await (await fetch(api('/metrics'))).text();
  expect(metrics).toContain('quantrac_measurements_total{outcome="quarantined"} 0\n');
  expect(metrics).toContain('quantrac_readings_total{outcome="quarantined"} 0\n');

  const answer = await fetch(api('/api/v1/datastreams?limit=1000'));
  const { items } = (await answer.json()) as { readonly items: readonly { id: string }[] };
  expect(items.filter(({ id }) => !/^fleet-0000[1-6]\.[a-z0-9.-]+$/.test(id))).toEqual([]);

  const token = await runCommand(['token', 'create', '--role', 'operator', '--data-dir', dataDir]);
  const { secret } = JSON.parse(token.stdout) as { readonly secret: string };
  const headers = { authorization: `Bearer ${secret}` };
  const file = (await (await fetch(api('/api/v1/admin/registry'), { headers })).json()) as {
    readonly deployments: readonly { device: string; from: string; to?: string }[];
  };
  const second = file.deployments.find(({ device }) => device.endsWith('.d2'));
  const first = file.deployments.find(({ device }) => `${device}.d2` === second?.device);
  expect(second?.from).toBeDefined();
  expect(first?.to).toBe(second?.from);
});
