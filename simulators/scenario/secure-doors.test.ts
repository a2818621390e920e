import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { makeCertificate } from '../certificate.fixture.ts';
import {
  runCommand,
  startServerProcess,
  type CommandResult,
  type ServerProcess,
} from './server-process.ts';

/** Server and commands are processes of their own, and the machine may be busy. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let folder: string;
let config: string;
let certificate: string;
let server: ServerProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'quantrac-secure-'));
  const files = makeCertificate(folder, 'quantrac.example');
  certificate = files.tlsCertificateFile;
  config = join(folder, 'config.json');
  writeFileSync(config, JSON.stringify({ broker: files, api: files }));
  const flags = ['--config', config, '--mqtts-port', '0'];
  server = await startServerProcess({ dataDir: join(folder, 'data'), flags });
});

afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

const run = (words: readonly string[]): Promise<CommandResult> =>
  runCommand([...words, '--json', '--data-dir', join(folder, 'data')]);

const small = ['load', '--devices', '3', '--rate', '20', '--seconds', '1'];

function lastLine({ code, stdout, stderr }: CommandResult): Record<string, number> {
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, number>;
}

test('a load goes over TLS and its audit over HTTPS, with the certificate by hand', async () => {
  const audited = lastLine(await run([...small, '--ca', certificate]));
  expect(audited['acknowledged']).toBeGreaterThan(0);
  expect(audited['rows']).toBe(7 * (audited['acknowledged'] ?? 0));
});

test("the audit takes the server's own certificate from the same configuration", async () => {
  // What the load before has sent is in the same series, and not of this ledger: exit code 1.
  const { stdout } = await run([...small, '--config', config]);
  expect(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
    event: 'audited',
    missing: 0,
  });
  const without = await run(small);
  expect([without.code, without.stderr]).toEqual([
    2,
    expect.stringContaining('[SIMULATORS_API_FAILED]'),
  ]);
});

test('simulated devices connect over TLS, and refuse another server by name', async () => {
  const words = ['simulate', '--stations', '2', '--interval', '200', '--seconds', '1', '--ca'];
  expect(lastLine(await run([...words, certificate]))).toMatchObject({ connected: 2, failed: 0 });
  const { tlsCertificateFile } = makeCertificate(folder, 'other.example');
  for (const refused of [
    await run([...words, tlsCertificateFile]),
    await run([...small, '--ca', tlsCertificateFile]),
  ]) {
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('self-signed certificate');
    expect(refused.stderr).toContain('[SIMULATORS_CONNECT_FAILED]');
  }
});

test('a file of records is replayed over TLS', async () => {
  const records = join(folder, 'records.csv');
  const header = 'datetime_local,temp_c,cond_us_cm,ph,do_mg_l,turb_ntu,stage_cm';
  writeFileSync(records, `${header}\n2020-01-01T00:00,2.25,368.1,8.34,11.51,2.95,67.67\n`);
  const replayed = lastLine(await run(['replay', records, '--ca', certificate]));
  expect(replayed).toMatchObject({ event: 'replayed', rows: 1 });
});
