import { execFile } from 'node:child_process';
import { copyFileSync, linkSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

/** The same Node elsewhere: an installed one, to the launcher, that hands over to the bundled one. */
function otherNode(): string {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-launcher-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'node');
  try {
    linkSync(process.execPath, path);
  } catch {
    // Another file system.
    copyFileSync(process.execPath, path);
  }
  return path;
}

const run = promisify(execFile);

test('the launcher ends as the command that it hands over ends', async () => {
  const node = otherNode();
  const { stdout } = await run(node, ['quantrac.js', '--version']);
  expect(stdout).toMatch(/^\d+\.\d+\.\d+/);
  const unknown = run(node, ['quantrac.js', 'fly']);
  await expect(unknown).rejects.toMatchObject({ code: 2 });
});
