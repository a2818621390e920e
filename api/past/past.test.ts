import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { influxError } from '../../ingest/store/influx/errors.ts';
import type { StoreWriter } from '../../ingest/store/store.ts';
import type { Json } from '../api.fixture.ts';
import type { TestNetworkOptions, TestNode } from '../places/network.fixture.ts';
import {
  dayMs,
  knownFromAt,
  oldSteps,
  openPastScene,
  streams,
  type PastScene,
  type RowSeed,
} from './past.fixture.ts';
import { startAt } from '../api.fixture.ts';

const opened: PastScene[] = [];
async function openScene(
  old: readonly RowSeed[],
  ...options: readonly TestNetworkOptions[]
): Promise<PastScene> {
  const scene = await openPastScene(old, ...options);
  opened.push(scene);
  return scene;
}
async function closeAll(): Promise<void> {
  for (const scene of opened.splice(0)) await scene.close();
}
afterEach(closeAll);

const kinds = ['value', 'value', 'value', 'history', 'deletion', 'backfill', 'fail'] as const;
const seedOf = (stepMax: number): fc.Arbitrary<RowSeed> =>
  fc.record({
    stream: fc.nat({ max: streams.length - 1 }),
    step: fc.nat({ max: stepMax }),
    value: fc.integer({ min: 0, max: 359 }),
    kind: fc.constantFrom(...kinds),
  });

function rootOf({ api }: TestNode): unknown {
  const { sequence = 0 } = api.manifests?.archive.latest() ?? {};
  const document = api.manifests?.archive.document(sequence)?.toString('utf8') ?? '{}';
  return (JSON.parse(document) as Json)['root'];
}

const iso = (at: number): string => new Date(at).toISOString();

/** Everything that a client may ask, in a few forms each. */
function questionsOf(asOfs: readonly number[]): string[] {
  const spans = [
    '',
    `&from=${iso(knownFromAt - dayMs)}&to=${iso(knownFromAt + dayMs)}`,
    `&from=${iso(knownFromAt)}`,
    `&to=${iso(knownFromAt)}`,
  ];
  const asked = spans.flatMap((span) => [
    `/observations.ndjson?order=asc${span}`,
    `/observations.ndjson?order=desc${span}`,
    `/observations?limit=7${span}`,
    `/observations?limit=5&order=desc${span}`,
    `/observations.csv?quality=fail${span}&include=raw`,
    `/aggregates.ndjson?window=P1D${span}&functions=mean,min,max,sum,count,first,last`,
    `/aggregates.ndjson?window=PT1H&order=desc${span}`,
    `/aggregates?window=P1M&limit=2${span}`,
    `/aggregates.ndjson?window=P1D&quality=good${span}`,
  ]);
  const moments = asOfs.flatMap((at) => [
    `/observations.ndjson?asOf=${iso(at)}`,
    `/observations?order=desc&limit=4&asOf=${iso(at)}`,
    `/aggregates.ndjson?window=P1D&asOf=${iso(at)}`,
  ]);
  return [...asked, ...moments, '/latest.ndjson', '/latest?limit=2'];
}

/** All pages of an answer, without what names the server or its cursor. */
async function answerOf(node: TestNode, path: string): Promise<string> {
  let text = '';
  for (let url: string | null = `/api/v1${path}`; url !== null;) {
    const answer = await node.get(url);
    if (answer.status !== 200) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
    const body = await answer.text();
    url = null;
    if (!answer.headers.get('content-type')!.startsWith('application/json')) return text + body;
    const { items, next } = JSON.parse(body) as Json & { readonly next: string | null };
    text += JSON.stringify(items);
    if (next !== null) url = next.slice(next.indexOf('/api/v1'));
  }
  return text;
}

async function expectSame({ whole, late }: PastScene, asOfs: readonly number[]): Promise<void> {
  const questions = questionsOf(asOfs);
  for (const question of questions) {
    expect([question, await answerOf(late, question)]).toEqual([
      question,
      await answerOf(whole, question),
    ]);
  }
  const rows = (await answerOf(whole, '/observations.ndjson?order=asc')).trim().split('\n');
  for (const row of rows.filter((text) => text !== '' && text.includes('"id"')).slice(0, 12)) {
    const { id } = JSON.parse(row) as { readonly id: string };
    const [one, other] = [whole, late].map(async (node) => {
      const { cursor: _own, ...detail } = await node.json(`/api/v1/observations/${id}`);
      return detail;
    });
    expect(await other).toEqual(await one);
  }
}

/** The node lets go of two more days, which its API learns of before they go. */
async function forget({ net, whole, late, tell }: PastScene, some: readonly RowSeed[]) {
  late.flush();
  const { horizon } = late.store as StoreWriter;
  const movedAt = knownFromAt + 2 * dayMs;
  horizon.move({ knownFromAt: movedAt, floors: net.batches.map(({ length }) => length) });
  tell({ stream: 0, step: oldSteps + 60, value: 1, kind: 'value' });
  for (const seed of some.slice(0, 5)) tell(seed);
  await whole.takeAll();
  await late.takeAll();
  const storedUpTo = Number.MAX_SAFE_INTEGER;
  const forgetter = horizon.forget({ beforeAt: movedAt, storedUpTo });
  while (!forgetter.slice(1_000));
  net.setNow(whole.now() + 60_000);
}

describe('a node whose view begins at a horizon', () => {
  test('answers every question as one that holds everything', async () => {
    let asked = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(seedOf(oldSteps - 1), { minLength: 10, maxLength: 60 }),
        fc.array(seedOf(oldSteps + 40), { maxLength: 40 }),
        fc.integer({ min: 0, max: 2 }),
        async (old, fresh, first) => {
          const scene = await openScene(old);
          const { net, whole, late } = scene;
          const oldAt = whole.now();
          for (const seed of fresh) scene.tell(seed);
          await whole.takeAll();
          await late.takeAll(first);
          net.setNow(whole.now() + 60_000);
          const end = whole.now();
          await expectSame(scene, [
            startAt + 5 * 60_000,
            oldAt,
            Math.floor((oldAt + end) / 2),
            end,
          ]);
          await forget(scene, fresh);
          const newest = whole.now();
          await expectSame(scene, [startAt + 5 * 60_000, oldAt, end, newest]);
          asked += scene.state.asked;
          await closeAll();
        },
      ),
      { numRuns: 4 },
    );
    expect(asked).toBeGreaterThan(0);
  });

  test('answers what is newer though InfluxDB is away, and says of the rest when to come again', async () => {
    const scene = await openScene([{ stream: 0, step: 3, value: 20, kind: 'value' }]);
    const { whole, late, state } = scene;
    scene.tell({ stream: 1, step: oldSteps + 2, value: 21, kind: 'value' });
    await whole.takeAll();
    await late.takeAll();
    state.away = influxError('INFLUX_UNREACHABLE');
    const from = `from=${iso(knownFromAt + 3_600_000)}`;
    expect(await answerOf(late, `/observations?${from}`)).toContain('"result":21');
    expect(await answerOf(late, `/aggregates?window=PT1H&${from}`)).toContain('21');
    for (const path of [
      '/observations',
      '/aggregates?window=P1D',
      '/latest',
      '/observations.csv',
    ]) {
      const answer = await late.get(`/api/v1${path}`);
      expect([path, answer.status, answer.headers.get('retry-after')]).toEqual([path, 503, '5']);
      expect(await answer.json()).toMatchObject({ code: 'API_HISTORY_AWAY' });
    }
    state.away = undefined;
    expect(await answerOf(late, '/observations')).toBe(await answerOf(whole, '/observations'));
  });

  test('has the latest of all, and signs what is open, before the first batch behind the horizon', async () => {
    const old = [0, 1].map((stream) => ({ stream, step: 3, value: 20, kind: 'value' }) as const);
    const scene = await openScene(old, { config: { publishing: true } });
    const { whole, late } = scene;
    const { horizon } = late.store as StoreWriter;
    const rows = old.map(({ stream }) => whole.store.latest(whole.series(streams[stream] ?? ''))!);
    horizon.seed(rows, true);
    expect(await answerOf(late, '/latest')).toBe(await answerOf(whole, '/latest'));
    const [signed, other] = [await whole.api.manifests?.make(), await late.api.manifests?.make()];
    expect([other?.rows, rootOf(late)]).toEqual([signed?.rows, rootOf(whole)]);
    expect(other?.rows).toBe(2);
  });

  test('says that it cannot be had while InfluxDB is built anew', async () => {
    const scene = await openScene([{ stream: 0, step: 3, value: 20, kind: 'value' }]);
    scene.state.notedMax = 0;
    const answer = await scene.late.get('/api/v1/observations?datastream=garden-temperature');
    expect(answer.status).toBe(503);
  });
});
