import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createSeededRandom } from '../../devices/random.ts';
import { openNodeFileSystem } from './file-system-node.ts';
import { takeOwnerLock } from './owner-lock.ts';
import { createSegmentLogFixture, readAll } from './segment-log.fixture.ts';

const urlOf = (file: string): string => new URL(file, import.meta.url).href;

/** Appends without end and writes each acknowledged position and text to standard output. */
function appenderCode(directory: string, life: number): string {
  return `
    import { writeSync } from 'node:fs';
    import { createSegmentLogFixture } from '${urlOf('./segment-log.fixture.ts')}';
    import { openNodeFileSystem } from '${urlOf('./file-system-node.ts')}';
    import { takeOwnerLock } from '${urlOf('./owner-lock.ts')}';
    const fixture = createSegmentLogFixture({
      fileSystem: openNodeFileSystem(),
      directory: ${JSON.stringify(directory)},
      lock: takeOwnerLock,
    });
    const writer = await fixture.openWriter();
    for (let sent = 0; ; sent++) {
      const text = 'life ${life} reading ' + sent;
      writer.append(
        text.length,
        (target, at) => void target.write(text, at, 'latin1'),
        (error, position) => writeSync(1, error === null ? position + ' ' + text + '\\n' : ''),
      );
      if (sent % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
    }`;
}

describe('A process that is killed', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'quantrac-kill-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('loses nothing that it had acknowledged, on a real disk, ten times over', async () => {
    const random = createSeededRandom(11);
    const folder = join(directory, 'readings');
    const acknowledged = new Map<number, string>();
    for (let life = 1; life <= 10; life++) {
      const child = spawn(
        process.execPath,
        ['--input-type=module', '-e', appenderCode(folder, life)],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      let output = '';
      child.stdout.on('data', (chunk) => (output += chunk));
      await once(child.stdout, 'data');
      await new Promise((resolve) => setTimeout(resolve, random.next() * 80));
      child.kill('SIGKILL');
      await once(child, 'close');
      for (const line of output.slice(0, output.lastIndexOf('\n')).split('\n')) {
        const [position, ...words] = line.split(' ');
        acknowledged.set(Number(position), words.join(' '));
      }
    }
    const fixture = createSegmentLogFixture({
      fileSystem: openNodeFileSystem(),
      directory: folder,
      lock: takeOwnerLock,
    });
    const writer = await fixture.openWriter();
    const reader = await fixture.openReader();
    const { texts, damaged } = await readAll(reader);
    expect(damaged).toEqual([]);
    expect(acknowledged.size).toBeGreaterThan(100);
    for (const [position, text] of acknowledged) expect(texts.get(position)).toBe(text);
    await reader.close();
    await writer.close();
  });
});
