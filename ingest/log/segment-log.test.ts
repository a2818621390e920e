import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describeLogContract, type LogFixture } from './log.contract.ts';
import { createMemoryFileSystem } from './file-system-memory.ts';
import { openNodeFileSystem } from './file-system-node.ts';
import { takeOwnerLock } from './owner-lock.ts';
import { createSegmentLogFixture } from './segment-log.fixture.ts';

async function openOnNode(): Promise<LogFixture> {
  const directory = await mkdtemp(join(tmpdir(), 'quantrac-log-'));
  const fixture = createSegmentLogFixture({
    fileSystem: openNodeFileSystem(),
    directory: join(directory, 'readings'),
    lock: takeOwnerLock,
  });
  return { ...fixture, remove: () => rm(directory, { recursive: true }) };
}

async function openInMemory(): Promise<LogFixture> {
  const fixture = createSegmentLogFixture({
    fileSystem: createMemoryFileSystem(),
    directory: '/readings',
    lock: null,
  });
  return { ...fixture, remove: () => Promise.resolve() };
}

describeLogContract('The segment log on the disk', openOnNode);
describeLogContract('The segment log in memory', openInMemory);
