/** Registers the load network in a data folder or its running server, and gives its secrets. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeviceSecretOf } from '../device.ts';
import { loadRegistryFile } from '../load/network.ts';
import { runCommand } from './server-process.ts';

export async function provisionLoad(dataDir: string, devices: number): Promise<DeviceSecretOf[]> {
  return provision(dataDir, loadRegistryFile(devices, 1_000));
}

export async function provision(
  dataDir: string,
  registryFile: unknown,
  /** Without rotating, devices that had a secret keep it, and it is not told again. */
  { rotate = true }: { readonly rotate?: boolean } = {},
): Promise<DeviceSecretOf[]> {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-provision-'));
  try {
    const file = join(folder, 'registry.json');
    writeFileSync(file, JSON.stringify(registryFile));
    const { code, stdout, stderr } = await runCommand([
      'provision',
      file,
      ...(rotate ? ['--rotate'] : []),
      '--data-dir',
      dataDir,
    ]);
    if (code !== 0) throw new Error(`provision ended with ${code}: ${stderr}`);
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as DeviceSecretOf);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
