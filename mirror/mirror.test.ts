import {
  cpSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';

import { openTestApi, startAt, type TestApi } from '../api/api.fixture.ts';
import { network } from '../api/network.fixture.ts';
import { openSystemClock } from '../devices/clock-system.ts';
import type { ObservationRow } from '../ingest/observation.ts';
import {
  mirror,
  openMirrorFiles,
  verifyMirror,
  type MirrorEvent,
  type MirrorFiles,
} from './main.ts';

/** Many runs, each with its files made durable. */
vi.setConfig({ testTimeout: 120_000 });

const hour = 3_600_000;
const clock = openSystemClock();

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-mirror-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function openRig(): Promise<TestApi> {
  const rig = await openTestApi();
  onTestFinished(() => rig.close());
  return rig;
}

interface RunWish {
  readonly filter?: Readonly<Record<string, string>>;
  readonly files?: MirrorFiles;
  readonly key?: string;
}

async function run(rig: Pick<TestApi, 'url'>, folder: string, wish: RunWish = {}) {
  const events: MirrorEvent[] = [];
  const files = wish.files ?? openMirrorFiles(folder);
  const tell = (event: MirrorEvent): void => void events.push(event);
  const result = await mirror({ url: rig.url, ...wish, files, clock, fetch, tell, triesMax: 2 });
  return { ...result, events: events.map(({ event }) => event), told: events };
}

/** Every file but those of the folder's own way: bytes by name. */
function contentOf(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  const files = names.filter((name) => statSync(join(folder, name)).isFile());
  const data = files.filter((name) =>
    /^observations\/.*\.ndjson$|^(stations|datastreams|properties)\.json$/.test(name),
  );
  return Object.fromEntries(data.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

/** Dies at the n-th thing that it writes. */
function dyingFiles(folder: string, steps: number): MirrorFiles {
  const files = openMirrorFiles(folder);
  let left = steps;
  const step = (work: () => void): void => {
    left -= 1;
    if (left === 0) throw new Error('killed');
    work();
  };
  return {
    ...files,
    write: (path, bytes) => step(() => files.write(path, bytes)),
    append(path, bytes) {
      left -= 1;
      if (left !== 0) return files.append(path, bytes);
      files.append(path, bytes.slice(0, bytes.length >> 1));
      throw new Error('killed');
    },
    remove: (path) => step(() => files.remove(path)),
    move: (from, to) => step(() => files.move(from, to)),
    cut: (path, bytes) => step(() => files.cut(path, bytes)),
  };
}

describe('a mirror', () => {
  test('holds what everybody may see, proved against the signed manifest, and follows', async () => {
    const rig = await openRig();
    await rig.publish([
      rig.row('hue-rain', startAt),
      rig.row('ha-noi-temperature', startAt),
      rig.row('hidden-temperature', startAt),
    ]);
    await rig.api.manifests?.make();
    const folder = makeFolder();
    const first = await run(rig, folder);
    expect([first.rows, first.datastreams, first.differences]).toEqual([2, 2, 0]);
    expect(first.events).toContain('proven');
    expect(JSON.stringify(contentOf(folder))).not.toContain('hidden');
    await rig.publish([
      rig.row('hue-rain', startAt + hour),
      rig.row('hue-rain', startAt, { revision: 1, type: 'correction', result: 5 }),
    ]);
    const second = await run(rig, folder);
    expect([second.rows, second.events]).toEqual([3, ['changes']]);
    expect(verifyMirror(openMirrorFiles(folder))).toMatchObject({
      findings: [],
      rows: 3,
      provenRows: 1,
    });
    await rig.api.manifests?.make();
    expect((await run(rig, folder)).events).toEqual(['manifest', 'proven']);
    expect(verifyMirror(openMirrorFiles(folder))).toMatchObject({ findings: [], provenRows: 3 });
    const fresh = makeFolder();
    await run(rig, fresh);
    expect(contentOf(folder)).toEqual(contentOf(fresh));
  });

  test('drops what is closed, fetches what is opened with its whole history, and proves both', async () => {
    const rig = await openRig();
    await rig.publish([rig.row('hue-rain', startAt), rig.row('shared-temperature', startAt)]);
    await rig.api.manifests?.make();
    const folder = makeFolder();
    await run(rig, folder);
    const stations = (network.stations as readonly { id: string }[]).map((each) => {
      const { visibility: _before, ...open } = each as { id: string; visibility?: string };
      if (each.id === 'hue') return { ...open, visibility: 'internal' };
      return each.id === 'shared' ? open : each;
    });
    const changed = { ...network, stations };
    const { version } = await rig.api.registryAdmin.importRegistry(changed, 'test');
    const text = JSON.stringify({ version });
    const control = [{ position: 9, receivedAt: startAt, device: '', kind: 'registry', text }];
    await rig.publish([rig.row('shared-temperature', startAt + hour)], { control });
    await rig.publish([rig.row('shared-temperature', startAt + 2 * hour)]);
    await rig.api.manifests?.make();
    const { events, datastreams, rows } = await run(rig, folder);
    expect(events).toEqual(expect.arrayContaining(['closed', 'opened', 'proven']));
    expect([datastreams, rows]).toEqual([1, 3]);
    const fresh = makeFolder();
    await run(rig, fresh);
    expect(contentOf(folder)).toEqual(contentOf(fresh));
    expect(verifyMirror(openMirrorFiles(folder)).findings).toEqual([]);
  });

  test('of some datastreams holds only these, and they are proved too', async () => {
    const rig = await openRig();
    await rig.publish([rig.row('hue-rain', startAt), rig.row('ha-noi-temperature', startAt)]);
    await rig.api.manifests?.make();
    for (const filter of [
      { datastream: 'hue-rain' },
      { dataset: 'hue~rainfall' },
      { station: 'hue' },
    ]) {
      const folder = makeFolder();
      const { rows, events } = await run(rig, folder, { filter });
      expect([rows, events.includes('proven')]).toEqual([1, true]);
      await rig.publish([rig.row('ha-noi-temperature', startAt + hour)]);
      expect((await run(rig, folder, { filter })).rows).toBe(1);
      expect(verifyMirror(openMirrorFiles(folder)).findings).toEqual([]);
      await expect(run(rig, folder)).rejects.toMatchObject({ code: 'MIRROR_FOLDER_STRANGE' });
    }
    await expect(run(rig, makeFolder(), { filter: { station: 'hidden' } })).rejects.toMatchObject({
      code: 'MIRROR_NOTHING_VISIBLE',
    });
  });

  test('trusts the key that was named or first met, and its successors, and no other', async () => {
    const rig = await openRig();
    await rig.publish([rig.row('hue-rain', startAt)]);
    await rig.api.manifests?.make();
    const folder = makeFolder();
    await expect(run(rig, makeFolder(), { key: 'other' })).rejects.toMatchObject({
      code: 'MIRROR_NOT_TRUSTED',
    });
    const { state } = await run(rig, folder);
    await rig.api.manifests?.make({ newKey: true });
    await rig.api.manifests?.make();
    const again = await run(rig, folder, { key: state.keys[0]!.kid });
    expect(again.state.keys).toHaveLength(2);
    const stranger = await openRig();
    await stranger.publish([stranger.row('hue-rain', startAt, { result: 1 })]);
    await stranger.api.manifests?.make({ newKey: true });
    await stranger.api.manifests?.make({ newKey: true });
    for (let each = 0; each < 4; each++) await stranger.api.manifests?.make();
    await expect(run(stranger, folder)).rejects.toMatchObject({ code: 'MIRROR_NOT_TRUSTED' });
    expect(verifyMirror(openMirrorFiles(folder)).findings).toEqual([]);
    const [first, successor] = again.state.keys;
    for (const key of [first!.kid, first!.x]) {
      expect(verifyMirror(openMirrorFiles(folder), { key })).toMatchObject({
        findings: [],
        trusted: first!.kid,
      });
    }
    const { findings } = verifyMirror(openMirrorFiles(folder), { key: successor!.kid });
    expect(findings.map(({ file }) => file)).toEqual(['state.json']);
  });
});

interface Step {
  readonly id: string;
  readonly at: number;
  readonly kind: 'insert' | 'correction' | 'deletion';
  readonly result: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  id: fc.constantFrom('hue-rain', 'ha-noi-temperature', 'garden-temperature'),
  at: fc.integer({ min: 0, max: 40 }).map((each) => startAt + each * 20 * hour),
  kind: fc.constantFrom('insert', 'insert', 'insert', 'correction', 'deletion'),
  result: fc.double({ noNaN: true, noDefaultInfinity: true }),
});

/** Rows as ingest decides them: revisions grow by one, and only what is there is deleted. */
function decide(
  rig: TestApi,
  revisions: Map<string, number>,
  steps: readonly Step[],
): ObservationRow[] {
  return steps.map(({ id, at, kind, result }) => {
    const key = `${id} ${at}`;
    const revision = revisions.get(key) ?? 0;
    revisions.set(key, revision + 1);
    return rig.row(id, at, { type: revision === 0 ? 'insert' : kind, revision, result });
  });
}

test('whatever happens and wherever it is killed, it ends byte-equal to a fresh mirror', async () => {
  const rig = await openRig();
  const revisions = new Map<string, number>();
  const folder = makeFolder();
  await rig.api.manifests?.make();
  const round = fc.record({
    before: fc.array(step, { maxLength: 8 }),
    manifest: fc.boolean(),
    after: fc.array(step, { maxLength: 4 }),
    kill: fc.integer({ min: 1, max: 40 }),
  });
  await fc.assert(
    fc.asyncProperty(round, async ({ before, manifest, after, kill }) => {
      const published = decide(rig, revisions, before);
      if (published.length > 0) await rig.publish(published);
      if (manifest) await rig.api.manifests?.make();
      const more = decide(rig, revisions, after);
      if (more.length > 0) await rig.publish(more);
      const files = dyingFiles(folder, kill);
      const end = await run(rig, folder, { files }).then(
        () => 'killed',
        (error: Error) => error.message,
      );
      expect(end).toBe('killed');
      const { differences } = await run(rig, folder);
      const fresh = mkdtempSync(join(tmpdir(), 'quantrac-mirror-fresh-'));
      try {
        await run(rig, fresh);
        expect([differences, contentOf(folder)]).toEqual([0, contentOf(fresh)]);
        expect(verifyMirror(openMirrorFiles(folder)).findings).toEqual([]);
      } finally {
        rmSync(fresh, { recursive: true });
      }
    }),
    { numRuns: 20, endOnFailure: true },
  );
});

test('every changed byte of every file is found without the server, and named', async () => {
  const rig = await openRig();
  const rows = Array.from({ length: 30 }, (_, each) =>
    rig.row('hue-rain', startAt + each * 20 * hour),
  );
  await rig.publish([...rows, rig.row('ha-noi-temperature', startAt)]);
  await rig.api.manifests?.make();
  const folder = makeFolder();
  await run(rig, folder);
  await rig.publish([rig.row('hue-rain', startAt + hour)]);
  await rig.api.manifests?.make();
  await rig.publish([rig.row('hue-rain', startAt + 2 * hour)]);
  await run(rig, folder);
  expect(verifyMirror(openMirrorFiles(folder)).findings).toEqual([]);
  const copy = makeFolder();
  cpSync(folder, copy, { recursive: true });
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(folder, name)).isFile(),
  );
  expect(names.length).toBeGreaterThan(10);
  const flip = fc.record({
    name: fc.constantFrom(...names),
    where: fc.nat(),
    bit: fc.integer({ min: 0, max: 7 }),
  });
  fc.assert(
    fc.property(flip, ({ name, where, bit }) => {
      const bytes = readFileSync(join(folder, name));
      const changed = Buffer.from(bytes);
      const at = where % bytes.length;
      changed[at] = bytes[at]! ^ (1 << bit);
      writeFileSync(join(copy, name), changed);
      try {
        expect([
          name,
          namesFound(copy).some((found) => name.startsWith(found) || found === 'proven.json'),
        ]).toEqual([name, true]);
      } finally {
        writeFileSync(join(copy, name), bytes);
      }
    }),
    { numRuns: 1_000 },
  );
  for (const name of names) {
    rmSync(join(copy, name));
    expect([name, namesFound(copy).length > 0]).toEqual([name, true]);
    writeFileSync(join(copy, name), readFileSync(join(folder, name)));
  }
  writeFileSync(join(copy, 'observations/mine.txt'), 'x');
  expect(namesFound(copy)).toContain('observations/mine.txt');
});

function namesFound(folder: string): string[] {
  try {
    return verifyMirror(openMirrorFiles(folder)).findings.map(({ file }) => file);
  } catch (error) {
    const { code } = error as { readonly code?: string };
    if (code === 'MIRROR_STATE_DAMAGED' || code === 'MIRROR_FOLDER_EMPTY') return ['state.json'];
    throw error;
  }
}
