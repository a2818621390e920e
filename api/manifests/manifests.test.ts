import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';

import { openTestApi, startAt, type TestApi } from '../api.fixture.ts';
import { network } from '../network.fixture.ts';
import { dayOf, monthOf } from '../../proof/day.ts';
import {
  keyBehind,
  problemInChain,
  readManifest,
  sha256Of,
  type Manifest,
} from '../../proof/manifest.ts';
import type { PublicKey } from '../../proof/key.ts';
import { compareRows, lineOf, rowOfApi, type ApiRow } from '../../proof/row.ts';
import { sumBranches, sumDay, type Branch } from '../../proof/tree.ts';
import { openPublicRows } from '../../ingest/observations/public-row.ts';
import { observationLine } from './sum-days.ts';

const hour = 3_600_000;

async function openRig(): Promise<TestApi> {
  const rig = await openTestApi();
  onTestFinished(() => rig.close());
  return rig;
}

async function make(rig: TestApi, newKey = false): Promise<Manifest> {
  const made = await rig.api.manifests?.make({ newKey });
  return documentOf(rig, made?.head.sequence ?? 0);
}

async function documentOf(rig: TestApi, sequence: number): Promise<Manifest> {
  const answer = await rig.get(`/api/v1/manifests/${sequence}`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  const read = readManifest(bytes);
  if ('problem' in read) throw new Error(read.problem);
  expect(answer.headers.get('etag')).toContain(sha256Of(bytes));
  return read.manifest;
}

/** The tree as an outsider computes it from the rows of the API at a cursor. */
async function treeAt(rig: TestApi, cursor: string): Promise<readonly Branch[]> {
  const rows: ApiRow[] = [];
  let next: string | null = `${rig.url}/api/v1/observations?limit=25&at=${cursor}`;
  while (next !== null) {
    const page = (await (await fetch(next)).json()) as { items: ApiRow[]; next: string | null };
    rows.push(...page.items);
    next = page.next;
  }
  return [...groupBy(rows, ({ datastream }) => datastream)].map(([datastream, of]) => {
    const sorted = of.map(rowOfApi).sort(compareRows);
    const days = [...groupBy(sorted, ({ endAt }) => dayOf(endAt))].map(([day, lines]) => {
      const sum = sumDay();
      for (const line of lines) sum.add(lineOf(line));
      return { name: day, ...sum.end() };
    });
    const months = [...groupBy(days, ({ name }) => monthOf(name))];
    const branches = months.map(([name, each]) => ({ name, ...sumBranches('month', each) }));
    return { name: datastream, ...sumBranches('datastream', branches) };
  });
}

function groupBy<Item>(items: readonly Item[], name: (item: Item) => string): Map<string, Item[]> {
  return Map.groupBy(items, name);
}

async function keysOf(rig: TestApi): Promise<PublicKey[]> {
  return ((await rig.json('/api/v1/manifests/keys')) as unknown as { keys: PublicKey[] }).keys;
}

describe('a manifest', () => {
  test('has the root that an outsider computes from the rows at its cursor, after any history', async () => {
    const rig = await openRig();
    const ids = ['ha-noi-temperature', 'hue-rain', 'garden-temperature', 'shared-temperature'];
    const change = fc.record({
      id: fc.constantFrom(...ids),
      at: fc.integer({ min: 0, max: 60 }).map((step) => startAt + step * hour),
      type: fc.constantFrom('insert', 'correction', 'deletion' as const),
      result: fc.double({ noNaN: true, noDefaultInfinity: true }),
      heightMm: fc.constantFrom(NaN, -2_500, 0, 10),
    });
    let revision = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 12 }), async (changes) => {
        const rows = changes.map(({ id, at, ...more }) => {
          revision += 1;
          return rig.row(id, at, { ...more, revision });
        });
        if (rows.length > 0) await rig.publish(rows);
        const manifest = await make(rig);
        const tree = await treeAt(rig, manifest.cursor);
        expect(sumBranches('root', tree)).toEqual({ rows: manifest.rows, sha256: manifest.root });
        expect(manifest.datastreams).toBe(tree.length);
        expect(JSON.stringify(manifest)).not.toContain('shared-temperature');
      }),
      { numRuns: 30 },
    );
  });

  test('is of its cursor: what comes afterwards is in the next, with only what changed', async () => {
    const rig = await openRig();
    await rig.publish([rig.row('hue-rain', startAt), rig.row('ha-noi-temperature', startAt)]);
    const first = await make(rig);
    await rig.publish([rig.row('hue-rain', startAt + 24 * hour)]);
    const second = await make(rig);
    expect(second.changed).toMatchObject([['hue-rain', '2024-06-02', 1, expect.any(String)]]);
    expect(second.previous).toBe(sha256Of(await rawOf(rig, first.sequence)));
    const { headers } = await rig.get('/api/v1/manifests/latest');
    expect([headers.get('link'), headers.get('last-modified')]).toEqual([
      `<${rig.url}/api/v1/manifests/${second.sequence}>; rel="canonical"`,
      new Date(second.madeAt).toUTCString(),
    ]);
    const third = await make(rig);
    expect([third.changed, third.root, third.cursor]).toEqual([[], second.root, second.cursor]);
    await rig.publish([
      rig.row('hue-rain', startAt + 24 * hour, { type: 'deletion', revision: 1 }),
    ]);
    expect((await make(rig)).changed).toEqual([['hue-rain', '2024-06-02', 0, null]]);
    expect(sumBranches('root', await treeAt(rig, first.cursor)).sha256).toBe(first.root);
  });

  test('tells a datastream that was closed, and one that was opened, as a whole', async () => {
    const rig = await openRig();
    await rig.publish([rig.row('hue-rain', startAt), rig.row('shared-temperature', startAt)]);
    const before = await make(rig);
    const stations = (network.stations as readonly { id: string }[]).map((each) => {
      const { visibility: _hidden, ...open } = each as { id: string; visibility?: string };
      if (each.id === 'hue') return { ...open, visibility: 'internal' };
      return each.id === 'shared' ? open : each;
    });
    const changed = { ...network, stations };
    const { version } = await rig.api.registryAdmin.importRegistry(changed, 'test');
    const control = [
      {
        position: 9,
        receivedAt: startAt,
        device: '',
        kind: 'registry',
        text: JSON.stringify({ version }),
      },
    ];
    // Before its marker is in the feed, what is opened is not there yet; what is closed is gone at once.
    expect((await make(rig)).changed).toEqual([['hue-rain', null, 0, null]]);
    await rig.publish([], { control });
    const after = await make(rig);
    expect(after.changed).toEqual([['shared-temperature', null, 1, expect.any(String)]]);
    expect(sumBranches('root', await treeAt(rig, after.cursor)).sha256).toBe(after.root);
    expect(after.root).not.toBe(before.root);
    const buckets = await rig.json(
      '/api/v1/manifests/latest/buckets?datastream=shared-temperature',
    );
    expect(buckets['days']).toEqual({
      'shared-temperature': [['2024-06-01', 1, expect.any(String)]],
    });
    const hidden = await rig.get('/api/v1/manifests/latest/buckets?datastream=hue-rain');
    expect(hidden.status).toBe(404);
  });

  test('is believed by its chain alone, also over a change of the key', async () => {
    const rig = await openRig();
    await rig.publish([rig.row('hue-rain', startAt)]);
    const [trusted] = await keysOf(rig);
    const keys = [trusted!];
    let before: Parameters<typeof problemInChain>[1]['before'];
    const newest = await make(rig, true).then(() => make(rig));
    for (let sequence = 1; sequence <= newest.sequence; sequence++) {
      const manifest = await documentOf(rig, sequence);
      expect(problemInChain(manifest, { keys, before })).toBeUndefined();
      if (manifest.nextKey !== undefined) keys.push(manifest.nextKey);
      const key = keyBehind(manifest, keys)!;
      before = { sequence, sha256: sha256Of(await rawOf(rig, sequence)), key };
    }
    expect(keys).toHaveLength(2);
    expect(newest.key).toBe(keys[1]!.kid);
    const forged = { ...newest, rows: newest.rows + 1 };
    expect(problemInChain(forged, { keys, before: undefined })).toMatch(/signature/);
    expect(problemInChain(newest, { keys: [keys[0]!], before: undefined })).toMatch(/not trusted/);
    expect(problemInChain(newest, { keys, before })).toMatch(/number/);
  });

  test('goes on after a restart with the key that it had, also where a making was cut short', async () => {
    const rig = await openTestApi();
    await rig.publish([rig.row('hue-rain', startAt)]);
    const first = await make(rig);
    const { buckets } = rig.api.manifests!;
    buckets.begin(first.sequence + 1);
    buckets.setDays('hue-rain', first.sequence + 1, [
      { name: '2024-06-01', rows: 9, sha256: 'ff' },
    ]);
    const again = await rig.reopen();
    onTestFinished(() => again.close());
    const next = await make(again);
    expect([next.root, next.key, next.changed]).toEqual([first.root, first.key, []]);
    expect(next.sequence).toBe(first.sequence + 1);
  });
});

describe('the tree of the latest manifest', () => {
  test('never has what was closed since, and has the root that is signed', async () => {
    const rig = await openRig();
    await rig.publish([rig.row('hue-rain', startAt), rig.row('ha-noi-temperature', startAt)]);
    const before = await make(rig);
    const stations = (network.stations as readonly { id: string }[]).map((each) =>
      each.id === 'hue' ? { ...each, visibility: 'internal' } : each,
    );
    await rig.api.registryAdmin.importRegistry({ ...network, stations }, 'test');
    const path = '/api/v1/manifests/latest/buckets';
    const answers = await Promise.all([rig.json(path), rig.json(path)]);
    for (const { sequence, datastreams } of answers) {
      expect(sequence).toBe(before.sequence + 1);
      expect(datastreams).toEqual([['ha-noi-temperature', 1, expect.any(String)]]);
      const branches = (datastreams as [string, number, string][]).map(([name, rows, sha256]) => ({
        name,
        rows,
        sha256,
      }));
      const { root } = await documentOf(rig, Number(sequence));
      expect(sumBranches('root', branches).sha256).toBe(root);
    }
    expect((await rig.get(`${path}?datastream=hue-rain`)).status).toBe(404);
  });

  test('is told of a span of days, and of no more than the bound', async () => {
    const quota = { quotaKeylessUnits: 4, quotaRowsPerUnit: 100, quotaWindowMs: 3_600_000 };
    const config = { manifestDaysMax: 300, trustedProxies: ['127.0.0.1'], ...quota };
    const rig = await openTestApi({ config });
    onTestFinished(() => rig.close());
    const days = 301;
    await rig.publish(
      Array.from({ length: days }, (_, each) => rig.row('hue-rain', startAt + each * 24 * hour)),
    );
    await make(rig);
    const path = '/api/v1/manifests/latest/buckets?datastream=hue-rain';
    expect(await rig.json(path)).toMatchObject({
      code: 'API_PARAMETER_INVALID',
      parameter: 'datastream',
    });
    const namesOf = async (span: string) => {
      const { days: told } = await rig.json(path + span);
      return (told as { 'hue-rain': [string][] })['hue-rain'].map(([name]) => name);
    };
    const most = await namesOf('&from=2024-06-02');
    expect([most.length, most.at(0), new Set(most).size]).toEqual([300, '2024-06-02', 300]);
    expect(await namesOf('&from=2024-06-02&to=2024-06-04')).toEqual(['2024-06-02', '2024-06-03']);
    const alone = await rig.json('/api/v1/manifests/latest/buckets?from=2024-06-02');
    expect(alone).toMatchObject({ code: 'API_PARAMETER_INVALID', parameter: 'from' });
    const client = { 'x-forwarded-for': '192.0.2.1' };
    expect((await rig.get(`${path}&from=2024-06-02`, client)).status).toBe(200);
    expect((await rig.get('/api/v1/properties', client)).status).toBe(429);
  });
});

describe('at a start a manifest is made', () => {
  test('of a store that was restored, though the day has one', async () => {
    const rig = await openTestApi();
    const first = await make(rig);
    const again = await rig.reopen();
    expect(again.api.manifests?.archive.latest()?.sequence).toBe(first.sequence);
    const identity = { storeId: 'store-2', earlier: [{ storeId: 'store-1', upTo: 1 }] };
    const restored = await again.reopen({ identity });
    onTestFinished(() => restored.close());
    await expect
      .poll(() => restored.api.manifests?.archive.latest()?.sequence)
      .toBe(first.sequence + 1);
    const next = await documentOf(restored, first.sequence + 1);
    expect([next.storeId, next.previous]).toEqual([
      'store-2',
      sha256Of(await rawOf(restored, first.sequence)),
    ]);
  });

  test('for the day that it is, where the clock was years ahead when the last was made', async () => {
    const rig = await openTestApi();
    const day = 24 * hour;
    await expect.poll(() => rig.api.manifests?.archive.latest()?.day).toBe('2024-05-31');
    rig.setNow(startAt + 3_000 * day);
    const ahead = await make(rig);
    rig.setNow(startAt + day + hour);
    const again = await rig.reopen();
    onTestFinished(() => again.close());
    await expect.poll(() => again.api.manifests?.archive.latest()?.day).toBe('2024-06-01');
    expect(again.api.manifests?.archive.latest()?.sequence).toBe(ahead.sequence + 1);
    expect(JSON.stringify(again.telemetry)).toContain(ahead.day);
    expect((await make(again)).day).toBe('2024-06-01');
  });
});

async function rawOf(rig: TestApi, sequence: number): Promise<Buffer> {
  const answer = await rig.get(`/api/v1/manifests/${sequence}`);
  return Buffer.from(await answer.arrayBuffer());
}

describe('changes up to a manifest', () => {
  test('end exactly at it, and rows at its cursor are those that the feed has given by then', async () => {
    const rig = await openRig();
    const begin = await rig.json('/api/v1/changes');
    await rig.publish([rig.row('hue-rain', startAt), rig.row('hue-rain', startAt + hour)]);
    const manifest = await make(rig);
    await rig.publish([rig.row('hue-rain', startAt + 2 * hour)]);
    const seen: string[] = [];
    let after = String(begin['next']);
    for (;;) {
      const page = await rig.json(`/api/v1/changes?after=${after}&until=manifest&limit=1`);
      seen.push(...page.changes.map(({ observation }) => (observation as ApiRow).id));
      after = String(page['next']);
      if (page['atEnd'] !== true) continue;
      expect([page['next'], page['manifest']]).toEqual([manifest.cursor, manifest.sequence]);
      break;
    }
    const { items } = await rig.json(`/api/v1/observations?at=${manifest.cursor}`);
    expect(items.map(({ id }) => id)).toEqual(seen);
    const rest = await rig.json(`/api/v1/changes?after=${after}&until=manifest`);
    expect([rest.changes.length, rest['manifest'], rest['atEnd']]).toEqual([1, undefined, true]);
  });

  test('end at any cursor, also inside a batch, and never behind where they begin', async () => {
    const rig = await openRig();
    const rows = [0, 1, 2, 3].map((step) => rig.row('hue-rain', startAt + step * hour));
    await rig.publish(rows);
    const { changes } = await rig.json('/api/v1/changes');
    const cursors = changes.map(({ cursor }) => String(cursor));
    const part = await rig.json(`/api/v1/changes?after=${cursors[0]}&until=${cursors[2]}`);
    expect([part.changes.length, part['next'], part['atEnd']]).toEqual([2, cursors[2], true]);
    const back = await rig.json(`/api/v1/changes?after=${cursors[2]}&until=${cursors[0]}`);
    expect(back).toMatchObject({ code: 'API_PARAMETER_INVALID', parameter: 'until' });
    const inside = await rig.json(`/api/v1/observations?at=${cursors[1]}`);
    expect(inside).toMatchObject({ code: 'API_CURSOR_INVALID', parameter: 'at' });
  });
});

test('the line of a row is the same from the server and from its API', async () => {
  const rig = await openRig();
  const rows = openPublicRows(rig.registry.current());
  const instants = fc.integer({ min: -62_135_596_800_000, max: 33_000_000_000_000 });
  const change = fc.record({
    result: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(-0)),
    heightMm: fc.oneof(fc.constant(NaN), fc.integer({ min: -11_000_000, max: 9_000_000 })),
    revision: fc.nat(),
    resultAt: fc.oneof(fc.constant(NaN), instants),
    receivedAt: instants,
  });
  const id = fc.constantFrom('kathmandu-temperature', 'ha-noi-direction');
  fc.assert(
    fc.property(id, instants, change, (datastream, endAt, more) => {
      const row = rig.row(datastream, endAt, more);
      const series = rows.context(row.series)!;
      const shown = JSON.parse(rows.text(row) ?? '') as ApiRow;
      expect(lineOf(rowOfApi(shown))).toBe(observationLine(row, series));
    }),
    { numRuns: 2_000 },
  );
});

test('a node that does not publish sends whoever asks to the one that does', async () => {
  const config = { publishing: false, publishingUrl: 'http://other.example/' };
  const rig = await openTestApi({ config });
  const answer = await fetch(`${rig.url}/api/v1/manifests/latest?x`, { redirect: 'manual' });
  expect(answer.status).toBe(400);
  for (const path of ['/manifests/latest', '/manifests/3', '/changes?until=manifest']) {
    const sent = await fetch(`${rig.url}/api/v1${path}`, { redirect: 'manual' });
    expect([sent.status, sent.headers.get('location')]).toEqual([
      307,
      `http://other.example/api/v1${path}`,
    ]);
  }
  const silent = await rig.reopen({ config: { publishing: false } });
  onTestFinished(() => silent.close());
  expect(await silent.json('/api/v1/manifests')).toMatchObject({ code: 'API_PUBLISHED_ELSEWHERE' });
});
