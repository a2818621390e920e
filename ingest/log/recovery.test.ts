import { expect, it } from 'vitest';

import { createManualClock } from '../../devices/clock-manual.ts';
import { createMemoryFileSystem } from './file-system-memory.ts';
import { appendText } from './log.contract.ts';
import { createSegmentLogFixture, readAll, startAt } from './segment-log.fixture.ts';
import { verifyLog, type Finding } from './verify.ts';

const directory = '/readings';

it('takes no record into a last segment that was sealed, and goes on behind it', async () => {
  const fileSystem = createMemoryFileSystem();
  const fixture = createSegmentLogFixture({ fileSystem, directory });
  const first = await fixture.openWriter();
  await appendText(first, 'one');
  await appendText(first, 'two');
  // A rewrite closes the open segment; it is sealed before anything is appended behind it.
  const replace = (): Buffer => Buffer.from('blank');
  await first.rewrite({ positions: new Set([1]), reason: 'asked for', replace });
  await first.sealed();
  await first.close();

  const second = await fixture.openWriter();
  await appendText(second, 'three');
  await second.sealed();
  await second.close();
  const third = await fixture.openWriter();
  const reader = await fixture.openReader();
  expect([...(await readAll(reader)).texts]).toEqual([
    [1, 'blank'],
    [2, 'two'],
    [3, 'three'],
  ]);
  await reader.close();
  await third.close();
  const findings: Finding[] = [];
  await verifyLog({
    fileSystem,
    directory,
    clock: createManualClock(startAt),
    onFinding: (finding) => findings.push(finding),
  });
  expect(findings).toEqual([]);
});
