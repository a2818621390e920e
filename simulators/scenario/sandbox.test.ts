import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { sandboxSeries } from '../sandbox/series.ts';
import { startServerProcess, type ServerProcess } from './server-process.ts';

/** Server and devices are a process of their own, and the machine may be busy. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

interface Change {
  readonly type: string;
  readonly datastream?: string;
  readonly visible?: boolean;
  readonly observation?: {
    readonly id: string;
    readonly datastream: string;
    readonly phenomenonTime: string;
    readonly result: number | null;
    readonly flag: number;
    readonly revision: number;
  };
}

let folder: string;
let server: ServerProcess;
let changes: readonly Change[];

const api = (path: string) => `http://127.0.0.1:${server.ports.httpPort}/api/v1${path}`;

/** Everything since the beginning, by following the feed as a client does. */
async function follow(): Promise<Change[]> {
  const found: Change[] = [];
  for (let after = ''; ;) {
    const answer = await fetch(api(`/changes?limit=10000${after === '' ? '' : `&after=${after}`}`));
    const page = (await answer.json()) as { changes: Change[]; next: string; atEnd: boolean };
    found.push(...page.changes);
    if (page.atEnd) return found;
    after = page.next;
  }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'quantrac-sandbox-'));
  const config = join(folder, 'config.json');
  writeFileSync(config, JSON.stringify({ simulators: { sandboxIntervalMs: 100 } }));
  server = await startServerProcess({
    dataDir: join(folder, 'data'),
    flags: ['--sandbox', '--config', config],
  });
  await vi.waitFor(
    async () => {
      changes = await follow();
      const types = new Set(changes.map(({ type, visible }) => `${type} ${visible ?? ''}`));
      if (!types.has('deletion ') || !types.has('datastream true')) throw new Error('not all seen');
    },
    { timeout: 60_000, interval: 500 },
  );
});

afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

const of = (slug: string) =>
  changes.filter(({ observation }) => observation?.datastream === `sandbox.${slug}`);

test('each planted series does what is told of it', () => {
  const kinds = (slug: string) => new Set(of(slug).map(({ type }) => type));
  expect(kinds('steady')).toEqual(new Set(['insert']));
  expect(kinds('repeated')).toEqual(new Set(['insert']));
  const ids = of('repeated').map(({ observation }) => observation?.id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(kinds('corrected')).toEqual(new Set(['insert', 'correction']));
  expect(of('corrected').some(({ observation }) => observation?.revision === 1)).toBe(true);
  // What is left is judged anew when its neighbours go, so there may be corrections too.
  expect(kinds('deleted')).toContain('deletion');
  const missing = of('missing').filter(({ observation }) => observation?.result === null);
  expect(missing.length).toBeGreaterThan(2);
  expect(new Set(missing.map(({ observation }) => observation?.flag))).toEqual(new Set([9]));
  expect(of('failed').some(({ observation }) => observation?.flag === 4)).toBe(true);
  const times = of('late').map(({ observation }) => Date.parse(observation?.phenomenonTime ?? ''));
  expect(times.filter((at, index) => at < (times[index - 1] ?? 0)).length).toBeGreaterThan(2);
  const shown = changes.filter(({ datastream }) => datastream === 'sandbox.hidden');
  expect(shown.slice(0, 2).map(({ visible }) => visible)).toEqual([false, true]);
});

test('no series is planted of which nothing is told, here or in the documentation', async () => {
  const { items } = (await (await fetch(api('/datastreams'))).json()) as {
    items: { id: string }[];
  };
  const told = sandboxSeries.map(({ slug }) => `sandbox.${slug}`);
  expect(items.map(({ id }) => id).filter((id) => !told.includes(id))).toEqual([]);
  const text = readFileSync(join(import.meta.dirname, '../../docs/sandbox.md'), 'utf8');
  // The columns of the table are aligned by blanks.
  const page = text.replaceAll(/ +/g, ' ');
  const lacking = sandboxSeries.filter(
    ({ slug, does }) => !page.includes(`| \`sandbox.${slug}\` | ${does.en} | ${does.vi} |`),
  );
  expect(lacking.map(({ slug }) => slug)).toEqual([]);
});

test('the cursors that a client meets once in years are answered as told', async () => {
  const { cursors } = (await (await fetch(api('/sandbox'))).json()) as {
    cursors: Record<string, string>;
  };
  const answers = ['expired', 'otherStore', 'invalid', 'now'].map(async (name) => {
    const answer = await fetch(api(`/changes?after=${cursors[name]}`));
    return [answer.status, ((await answer.json()) as { code?: string }).code];
  });
  expect(await Promise.all(answers)).toEqual([
    [410, 'API_CURSOR_EXPIRED'],
    [410, 'API_CURSOR_STORE_UNKNOWN'],
    [400, 'API_CURSOR_INVALID'],
    [200, undefined],
  ]);
});
