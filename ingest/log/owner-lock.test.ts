import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openNodeFileSystem } from './file-system-node.ts';
import { takeOwnerLock } from './owner-lock.ts';
import { createSegmentLogFixture } from './segment-log.fixture.ts';

const moduleUrl = new URL('./owner-lock.ts', import.meta.url).href;

describe('The owner of a log', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'quantrac-owner-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('is one: a second opener fails by name, until the first lets go', () => {
    const first = takeOwnerLock(directory);
    expect(() => takeOwnerLock(directory)).toThrow(expect.objectContaining({ code: 'LOG_OWNED' }));
    first.release();
    first.release();
    takeOwnerLock(directory).release();
  });

  it('frees the folder by dying, in whatever way', async () => {
    const code = `
      import { takeOwnerLock } from '${moduleUrl}';
      takeOwnerLock(${JSON.stringify(directory)});
      process.stdout.write('owned');
      setInterval(() => undefined, 1_000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    expect(() => takeOwnerLock(directory)).toThrow(expect.objectContaining({ code: 'LOG_OWNED' }));
    child.kill('SIGKILL');
    await once(child, 'exit');
    takeOwnerLock(directory).release();
  });

  it('keeps a second writer from opening the log, and lets go when opening fails', async () => {
    const fixture = createSegmentLogFixture({
      fileSystem: openNodeFileSystem(),
      directory: join(directory, 'readings'),
      lock: takeOwnerLock,
    });
    const writer = await fixture.openWriter();
    await expect(fixture.openWriter()).rejects.toMatchObject({ code: 'LOG_OWNED' });
    await writer.close();
    await (await fixture.openWriter()).close();
  });
});
