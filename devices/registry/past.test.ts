import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';

import { createManualClock } from '../clock-manual.ts';
import { defaultDevicesConfig } from '../config.ts';
import { createSeededRandom } from '../random.ts';
import type { RegistryFile } from '../registry-file.ts';
import { openRegistryWriter } from '../registry-sqlite.ts';
import type { Registry, RegistryWriter } from '../registry.ts';
import { generatedNetwork } from './fixture-generated.ts';
import { wholeNetwork } from './fixture.ts';

const startAt = Date.UTC(2026, 0, 1);

function open(pastVersionsCachedMax = 2) {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-past-'));
  const clock = createManualClock(startAt);
  const config = { ...defaultDevicesConfig(), pastVersionsCachedMax };
  const openWriter = () =>
    openRegistryWriter(join(folder, 'registry.db'), {
      clock,
      config,
      random: createSeededRandom(5),
    });
  const remove = () => rmSync(folder, { recursive: true, force: true });
  return { clock, openWriter, remove };
}

/** Everything that is read of a version, in its order. */
function contentOf(registry: Registry) {
  const { version, owners, stations, datastreams, devices, deployments, bySeries, access } =
    registry;
  const maps = [owners, stations, datastreams, devices, access.recipients, access.grants];
  return { version, maps: maps.map((map) => [...map]), deployments, bySeries, access };
}

type Edit = (network: Required<RegistryFile>, writer: RegistryWriter) => Partial<RegistryFile>;

const pick = <Entry>(entries: readonly Entry[], which: number, change: object): Entry[] =>
  entries.length === 0 ? [] : [{ ...entries[which % entries.length]!, ...change }];

const visibility = fc.constantFrom('open', 'recipients', 'internal');

/** Changes of every kind of entry, and of what is none. */
const edits: fc.Arbitrary<Edit> = fc.oneof(
  fc.tuple(fc.nat(9), visibility).map(([which, seen]): Edit => ({ owners }) => ({
    owners: pick(owners, which, { visibility: seen }),
  })),
  fc
    .tuple(fc.nat(9), fc.nat(9), visibility)
    .map(([which, whose, seen]): Edit => ({ stations, owners }) => ({
      stations: pick(stations, which, {
        owner: owners[whose % owners.length]!.id,
        visibility: seen,
      }),
    })),
  fc
    .tuple(fc.nat(19), fc.constantFrom(60_000, 600_000))
    .map(([which, intervalMs]): Edit => ({ datastreams }) => ({
      datastreams: pick(datastreams, which, { intervalMs }),
    })),
  fc.nat(19).map((which): Edit => ({ deployments }) => ({
    deployments: pick(deployments, which, { to: '2030-01-01T00:00:00Z' }),
  })),
  fc.constant<Edit>((_network, writer) => {
    writer.createToken({ role: 'reader', actor: 'test' });
    return {};
  }),
);

const histories = fc.record({
  network: generatedNetwork(),
  /** What comes with the first file; the rest comes later. */
  stationsFirst: fc.nat(5),
  changes: fc.array(edits, { maxLength: 8 }),
  asked: fc.array(fc.nat(30), { minLength: 1, maxLength: 6 }),
  keptMax: fc.integer({ min: 1, max: 3 }),
});

function importInto(writer: RegistryWriter, file: Partial<RegistryFile>): void {
  writer.importFile({ format: 'quantrac-registry/1', ...file }, 'test');
}

test('any version is made again as it was, from whichever is at hand', async () => {
  await fc.assert(
    fc.asyncProperty(histories, async ({ network, stationsFirst, changes, asked, keptMax }) => {
      const { clock, openWriter, remove } = open(keptMax);
      const writer = openWriter();
      const oracle = openWriter();
      try {
        const { owners, stations } = network;
        importInto(writer, { owners, stations: stations.slice(0, stationsFirst) });
        importInto(writer, network);
        for (const change of changes) {
          clock.advance(1_000);
          importInto(writer, change(network, writer));
        }
        const newest = oracle.refresh().version;
        expect(newest).toBeGreaterThan(0);
        expect(await writer.past.versionAt(clock.now())).toBe(newest);
        for (const each of asked) {
          const version = each % (newest + 1);
          const made = await writer.past.at(version);
          expect(contentOf(made)).toEqual(contentOf(oracle.at(version)));
        }
      } finally {
        writer.close();
        oracle.close();
        remove();
      }
    }),
    { numRuns: 25 },
  );
});

test('a version is that of its moment, and no earlier than the one before it where the clock was set back', async () => {
  const { clock, openWriter, remove } = open();
  const writer = openWriter();
  onTestFinished(() => {
    writer.close();
    remove();
  });
  const { past } = writer;
  const rename = (name: string) => {
    const [owner] = wholeNetwork().owners;
    importInto(writer, { owners: [{ ...owner!, name: { vi: name, en: name } }] });
  };
  expect(await past.versionAt(startAt)).toBe(0);
  rename('one');
  clock.jumpTo(startAt + 5_000);
  rename('two');
  expect(await past.versionAt(startAt - 1)).toBe(0);
  expect(await past.versionAt(startAt)).toBe(1);
  expect(await past.versionAt(startAt + 4_999)).toBe(1);
  expect(await past.versionAt(startAt + 5_000)).toBe(2);
  clock.jumpTo(startAt + 1_000);
  rename('three');
  expect(await past.versionAt(startAt + 4_999)).toBe(1);
  expect(await past.versionAt(startAt + 5_000)).toBe(3);
});

test('a moment costs the rows between it and what is at hand', async () => {
  const { clock, openWriter, remove } = open(1);
  const writer = openWriter();
  onTestFinished(() => {
    writer.close();
    remove();
  });
  importInto(writer, wholeNetwork());
  const [owner] = wholeNetwork().owners;
  for (const name of ['a', 'b', 'c']) {
    clock.advance(1_000);
    importInto(writer, { owners: [{ ...owner!, name: { vi: name, en: name } }] });
  }
  writer.createToken({ role: 'reader', actor: 'test' });
  const { past } = writer;
  await past.versionAt(clock.now());
  expect([5, 4, 3, 1, 0].map((version) => past.rowsTo(version))).toEqual([0, 1, 2, 4, 0]);
  expect([past.entriesChangedAt(5), past.entriesChangedAt(3)]).toEqual([4, 3]);
  expect(past.sinceWithin(2)).toBe(startAt + 2_000);
  expect(past.sinceWithin(1_000)).toBe(startAt);
  await past.at(2);
  expect([past.rowsTo(2), past.rowsTo(1)]).toEqual([0, 1]);
  await expect(past.at(6)).rejects.toMatchObject({ code: 'DEVICES_VERSION_UNKNOWN' });
});
