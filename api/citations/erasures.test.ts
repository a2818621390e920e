import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import type { ObservationRow } from '../../ingest/observation.ts';
import type { ApiContext } from '../context.ts';
import { openKept } from '../kept/kept.ts';
import { hashOf, type Blobs } from './blobs.ts';
import { createErasures } from './erasures.ts';
import { openCitationRecords, type CitationRecords } from './records.ts';

/** Of one series, whose observations are named by their ends. */
const context = {
  registry: { current: () => ({ bySeries: [{ id: 'temperature' }] }) },
  networks: {
    viewOf: () => ({
      rows: { context: () => ({ id: (row: ObservationRow) => `o${row.endAt}.` }) },
    }),
  },
  clock: { now: () => 1_000 },
} as unknown as ApiContext;

const rowAt = (endAt: number) => ({ series: 0, endAt }) as ObservationRow;

function cite(records: CitationRecords, text: string): string {
  const sha256 = hashOf(Buffer.from(text));
  records.add({
    id: text,
    url: '/api/v1/observations.csv',
    version: text,
    asOf: 0,
    madeAt: 0,
    registryVersion: 1,
    sha256,
    bytes: text.length,
    mediaType: 'text/csv',
    fileName: 'observations.csv',
    stored: 'gzip',
    cursor: null,
    licences: [],
    title: { vi: '', en: '' },
    publishers: [],
    series: [{ id: 'temperature', precisionMetres: null }],
    fromAt: 0,
    toAt: 100,
  });
  return sha256;
}

function openErasures(blobs: Partial<Blobs>, ready = async () => {}) {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-erasures-'));
  const kept = openKept(join(folder, 'feeds.db'), 1_000);
  onTestFinished(() => {
    kept.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const records = openCitationRecords(kept);
  const room = { ready, require: () => {}, add: () => {} };
  const erasures = createErasures({ context, records, blobs: blobs as Blobs, room });
  return { records, erasures };
}

test('what is erased while bytes are looked through for what was erased before is erased too', async () => {
  const texts = new Map<string, string>();
  const removed: string[] = [];
  const { records, erasures } = openErasures({
    async read(sha256) {
      // The second is told by the feed while the first is being looked for.
      if (texts.get(sha256) === 'first o1.') erasures.note(rowAt(2));
      return Buffer.from(texts.get(sha256) ?? '');
    },
    async remove(sha256) {
      removed.push(texts.get(sha256) ?? '');
      return 0;
    },
  });
  for (const text of ['first o1.', 'second o2.', 'third o3.']) texts.set(cite(records, text), text);
  erasures.note(rowAt(1));
  await erasures.settled();
  expect(removed).toEqual(['first o1.', 'second o2.']);
  expect(records.find('second o2.')?.erasedAt).toBe(1_000);
  expect(records.find('third o3.')?.erasedAt).toBeNull();
});

test('bytes that could not be removed are removed with the next try, and those of a run before too', async () => {
  let isBroken = true;
  let removed = 0;
  let swept = 0;
  const { records, erasures } = openErasures(
    {
      read: async () => Buffer.from('o1.'),
      async remove() {
        if (isBroken) throw new Error('the disk does not write');
        removed += 1;
        return 0;
      },
    },
    async () => void (swept += 1),
  );
  cite(records, 'o1.');
  erasures.note(rowAt(1));
  await expect(erasures.settled()).rejects.toThrow('the disk does not write');
  expect(records.find('o1.')?.erasedAt).toBe(1_000);
  isBroken = false;
  await erasures.settled();
  expect(removed).toBe(1);
  expect(swept).toBeGreaterThan(0);
});
