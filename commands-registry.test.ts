import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';

const registry = {
  format: 'quantrac-registry/1',
  owners: [{ id: 'o', name: { vi: 'Chủ', en: 'Owner' }, kind: 'community' }],
  stations: [],
  datastreams: [],
  devices: [{ id: 'logger-1', owner: 'o' }],
  deployments: [],
};

function provision(input: string) {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-provision-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const words = ['quantrac.js', 'provision', '-', '--data-dir', join(folder, 'data')];
  return spawnSync(process.execPath, words, { cwd: import.meta.dirname, input, encoding: 'utf8' });
}

describe('provision -', () => {
  test('takes the registry file from standard input', () => {
    const { status, stdout } = provision(JSON.stringify(registry));
    expect([status, JSON.parse(stdout)]).toEqual([
      0,
      expect.objectContaining({ deviceId: 'logger-1', password: expect.any(String) }),
    ]);
  });

  test('takes the example, and says how its device logs in and where it publishes', () => {
    const example = readFileSync(join(import.meta.dirname, 'devices/example.json'), 'utf8');
    const { status, stdout, stderr } = provision(example);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      deviceId: 'roof',
      clientId: 'roof',
      username: 'roof',
      password: expect.any(String),
      topic: 'env/v1/roof/obs',
    });
  });

  test('says that what came in is no registry file', () => {
    const { status, stderr } = provision('{');
    expect(status).toBe(2);
    expect(stderr).toContain('START_USAGE');
  });
});
