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

describe('grant', () => {
  const recipient = { id: 'health', name: { vi: 'Bộ Y tế', en: 'Health' }, kind: 'ministry' };
  const network = { ...registry, recipients: [recipient] };

  /** Runs commands on one folder that no server owns. */
  function commands() {
    const folder = mkdtempSync(join(tmpdir(), 'quantrac-grant-test-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    return (words: readonly string[], input = '') =>
      spawnSync(process.execPath, ['quantrac.js', ...words, '--data-dir', join(folder, 'data')], {
        cwd: import.meta.dirname,
        input,
        encoding: 'utf8',
      });
  }

  test('gives, lists and withdraws, and makes the key of the recipient', () => {
    const run = commands();
    expect(run(['provision', '-'], JSON.stringify(network)).status).toBe(0);
    const why = ['--owners', 'o', '--purpose', 'Health', '--reason', 'By law'];
    const until = ['--until', '2999-01-01T00:00:00Z'];
    const given = run(['grant', 'give', 'health', ...why, ...until]);
    expect({ status: given.status, stderr: given.stderr }).toEqual({ status: 0, stderr: '' });
    const grant = JSON.parse(given.stdout) as { readonly id: string };
    expect(grant).toMatchObject({
      state: 'granted',
      recipient: 'health',
      scope: { owners: ['o'] },
    });
    expect(JSON.parse(run(['grant', 'list']).stdout)).toEqual(grant);
    const key = run(['token', 'create', '--role', 'reader', '--recipient', 'health']);
    expect(JSON.parse(key.stdout)).toMatchObject({ secret: expect.stringMatching(/^qtk_/) });
    const ended = run(['grant', 'withdraw', grant.id, '--reason', 'Over']);
    expect(JSON.parse(ended.stdout)).toMatchObject({ state: 'withdrawn', reason: 'Over' });
  }, 30_000);

  test('says what it lacks, by the flag', () => {
    const run = commands();
    const words = [['give', 'health'], ['accept', 'request-1'], ['frob', 'x'], []];
    const told = words.map((each) => {
      const { status, stderr } = run(['grant', ...each]);
      return [status, /--owners|--reason|give RECIPIENT/.exec(stderr)?.[0]];
    });
    expect(told).toEqual([
      [2, '--owners'],
      [2, '--reason'],
      [2, 'give RECIPIENT'],
      [2, 'give RECIPIENT'],
    ]);
  }, 30_000);
});
