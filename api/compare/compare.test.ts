import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { openSystemClock } from '../../devices/clock-system.ts';
import type { ObservationRow } from '../../ingest/observation.ts';
import { digestOf } from '../../ingest/store/digest.ts';
import { maskOf } from '../../ingest/quality.ts';
import { openTestApi, startAt, type TestApi } from '../api.fixture.ts';
import { createNetworks } from '../network.ts';
import { openAnswers } from './answers.ts';
import { comparePlatforms, type Comparison } from './compare.ts';
import { heldPlatform } from './held-platform.ts';
import { openPlatform } from './open-platform.ts';
import type { Platform } from './platform.ts';

const minute = 60_000;
const clock = openSystemClock();

async function openRig(): Promise<TestApi> {
  const rig = await openTestApi();
  rig.setNow(startAt + 100_000 * minute);
  onTestFinished(() => rig.close());
  return rig;
}

/** As anybody sees it from outside. */
function fromOutside(rig: TestApi, name: string): Platform {
  const answers = openAnswers({ url: `${rig.url}/`, connectionsMax: 2, clock });
  onTestFinished(() => answers.close());
  return openPlatform({ name, answers, asksMax: 3 });
}

/** As the folder holds it; `everything`: also what only operators see. */
function held({ store, registry }: TestApi, name: string, seen: 'open' | 'everything'): Platform {
  const principal =
    seen === 'open'
      ? ('anonymous' as const)
      : ({ kind: 'token', subject: 'test', role: 'operator' } as const);
  const view = createNetworks(registry).viewOf({ principal, key: seen, actor: seen });
  return heldPlatform({ name, store, view });
}

function compare(one: Platform, other: Platform, timedOnly = false): Promise<Comparison> {
  return comparePlatforms({ one, other, timedOnly, differencesMax: 2, onProgress: () => {} });
}

/** What differs, by part and key. */
function namesOf({ differences }: Comparison): string[] {
  return differences.map(({ part, key }) => `${part} ${key}`);
}

function row(rig: TestApi, at: number, change: Partial<ObservationRow> = {}): ObservationRow {
  return rig.row('ha-noi-temperature', startAt + at * minute, change);
}

function corrected(first: ObservationRow, result: number, revision: number): ObservationRow {
  const at = first.receivedAt + 1_000 * revision;
  const rank = { ...first.rank, at, position: revision };
  return { ...first, revision, result, type: 'correction', receivedAt: at, rank };
}

test('the same is equal from outside and in the folder, and sums up as verify does', async () => {
  const rig = await openRig();
  const first = row(rig, 10);
  const flagged = { ...first.verdict, flag: 3, qualifiers: maskOf(['LATE', 'MAINT']) } as const;
  const missing = { ...first.verdict, flag: 9, reason: 'MISSING' } as const;
  await rig.publish([
    first,
    corrected(first, 21, 1),
    { ...corrected(first, 19, -1), current: false, resultAt: startAt - minute },
    row(rig, 20, { verdict: flagged, resultAt: startAt }),
    row(rig, 30, { result: null, verdict: missing }),
    row(rig, 40, { result: -0 }),
    row(rig, 50, { heightMm: 2_500, result: 0.1 + 0.2 }),
    row(rig, 60),
    { ...row(rig, 60), type: 'deletion', cause: 'erasure', revision: 1 },
    rig.row('ha-noi-direction', startAt, { result: 359 }),
  ]);
  rig.flush();
  await rig.publish([row(rig, 70)]);
  const outside = fromOutside(rig, 'outside');
  const inside = held(rig, 'inside', 'open');
  const comparison = await compare(outside, inside);
  expect(namesOf(comparison)).toEqual([]);
  expect(comparison).toMatchObject({
    isEqual: true,
    one: { name: 'outside', rows: 7, hasMoved: false },
    other: { name: 'inside', rows: 7, hasMoved: false },
    parts: { values: { compared: 7 }, PT1H: { compared: 3 }, latest: { compared: 2 } },
  });
  const { digest } = await digestOf({ store: rig.store, registry: rig.registry.current() });
  expect([comparison.one.digest, comparison.other.digest]).toEqual([digest, digest]);
});

test('what a reprocess withdrew is no value, from outside too, and what was judged again is one', async () => {
  const rig = await openRig();
  const first = row(rig, 10);
  const again = row(rig, 20);
  await rig.publish([
    first,
    { ...first, result: 25, revision: 1, type: 'correction', cause: 'reprocess' },
    again,
    { ...again, result: 20.5, revision: 1, type: 'correction' },
    { ...again, result: 20.5, revision: 2, type: 'correction', cause: 'rule' },
  ]);
  expect(await compare(fromOutside(rig, 'a'), held(rig, 'b', 'open'))).toMatchObject({
    isEqual: true,
    parts: { values: { compared: 2 } },
  });
});

test('each kind of difference is named by its key, the first of each kind', async () => {
  const [one, other] = [await openRig(), await openRig()];
  const shared = [1, 2, 3, 4, 5].map((hour) => row(one, 60 * hour));
  await one.publish([...shared, row(one, 400)]);
  await other.publish([
    shared[0]!,
    corrected(shared[0]!, 20, 1),
    { ...shared[1]!, result: 20.000_001 },
    ...shared.slice(2),
    other.row('garden-temperature', startAt),
  ]);
  const comparison = await compare(fromOutside(one, 'one'), held(other, 'other', 'open'));
  expect(comparison.isEqual).toBe(false);
  const { parts, differences } = comparison;
  expect(parts).toEqual({
    values: { compared: 7, different: 4, leftOut: 0 },
    revisions: { compared: 5, different: 1, leftOut: 0 },
    PT1H: { compared: 7, different: 3, leftOut: 0 },
    P1D: { compared: 2, different: 2, leftOut: 0 },
    latest: { compared: 2, different: 2, leftOut: 0 },
  });
  const garden = differences.find(({ part }) => part === 'values');
  expect(garden).toMatchObject({ one: null });
  expect(garden?.key).toMatch(/\.garden-temperature$/);
  expect(differences.find(({ part }) => part === 'revisions')).toMatchObject({
    one: '0',
    other: '1',
  });
  expect(namesOf(comparison)).toContain('latest garden-temperature');
  expect(namesOf(comparison).filter((name) => name.startsWith('values'))).toHaveLength(2);
  expect(comparison.one.digest).not.toBe(comparison.other.digest);
});

test('values without a time of their own are left out where that is asked for, and counted', async () => {
  const [one, other] = [await openRig(), await openRig()];
  const { verdict } = row(one, 0);
  const untimed = { verdict: { ...verdict, qualifiers: maskOf(['CLOCK', 'LATE']) } };
  await one.publish([row(one, 0), row(one, 61, untimed), row(one, 200)]);
  await other.publish([row(other, 0), row(other, 62, untimed), row(other, 200)]);
  const strict = await compare(held(one, 'one', 'open'), held(other, 'other', 'open'));
  expect(strict.parts).toMatchObject({
    values: { different: 2 },
    PT1H: { different: 0 },
    latest: { compared: 1 },
  });
  const lenient = await compare(fromOutside(one, 'one'), fromOutside(other, 'other'), true);
  expect(lenient).toMatchObject({
    isEqual: true,
    parts: {
      values: { compared: 2, different: 0, leftOut: 2 },
      revisions: { compared: 2, leftOut: 2 },
      PT1H: { compared: 2, leftOut: 1 },
      P1D: { leftOut: 1 },
      latest: { compared: 0, leftOut: 1 },
    },
  });
});

test('an operator compares what is hidden too, anybody only what is open', async () => {
  const rig = await openRig();
  await rig.publish([row(rig, 1), rig.row('hidden-temperature', startAt)]);
  const everything = await compare(held(rig, 'a', 'everything'), held(rig, 'b', 'everything'));
  expect(everything).toMatchObject({ isEqual: true, parts: { values: { compared: 2 } } });
  const mixed = await compare(fromOutside(rig, 'a'), held(rig, 'b', 'everything'));
  expect(mixed).toMatchObject({
    isEqual: false,
    parts: { values: { compared: 2, different: 1 } },
  });
});

test('a platform that goes on meanwhile is told', async () => {
  const rig = await openRig();
  await rig.publish([row(rig, 1)]);
  const outside = fromOutside(rig, 'a');
  const moving: Platform = {
    ...outside,
    async latest() {
      await rig.publish([row(rig, 2)]);
      return outside.latest();
    },
  };
  const { one } = await compare(moving, moving);
  expect(one).toMatchObject({ rows: 1, hasMoved: true });
});

test('pages of a list are read to their end', async () => {
  const rig = await openRig();
  await rig.publish(Array.from({ length: 2_100 }, (_, at) => row(rig, at)));
  const answers = openAnswers({ url: rig.url, connectionsMax: 1, clock });
  onTestFinished(() => answers.close());
  const ids = new Set<string>();
  for await (const item of answers.items('/observations?datastream=ha-noi-temperature')) {
    ids.add((item as { readonly id: string }).id);
  }
  expect(ids.size).toBe(2_100);
});

test('a platform that gives no right answer is named', async () => {
  const rig = await openRig();
  const wrong = openAnswers({ url: `${rig.url}/nowhere`, connectionsMax: 1, clock });
  onTestFinished(() => wrong.close());
  await expect(wrong.read('/latest')).rejects.toMatchObject({
    code: 'API_COMPARE_UNANSWERED',
    fields: { problem: 'it answered 404' },
  });
  const gone = openAnswers({ url: 'https://127.0.0.1:1', ca: '', connectionsMax: 1, clock });
  onTestFinished(() => gone.close());
  await expect(gone.read('/latest')).rejects.toMatchObject({ code: 'API_COMPARE_UNANSWERED' });
});

/** Refuses the first questions; then answers `{}`. */
async function openBusy(
  refusals: number,
  status: number,
): Promise<{ url: string; asked(): number }> {
  let asked = 0;
  const server = createServer((_, response) => {
    asked += 1;
    if (asked > refusals) response.end('{}');
    else response.writeHead(status, { 'retry-after': '0' }).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, asked: () => asked };
}

test.each([429, 503])(
  'a platform that asks to come later (%i) is asked again, a few times',
  async (status) => {
    const busy = await openBusy(5, status);
    const answers = openAnswers({ url: busy.url, connectionsMax: 1, clock });
    onTestFinished(() => answers.close());
    await expect(answers.read('/latest')).resolves.toEqual({});
    const always = await openBusy(Infinity, status);
    const without = openAnswers({ url: always.url, connectionsMax: 1, clock });
    onTestFinished(() => without.close());
    await expect(without.read('/latest')).rejects.toMatchObject({
      fields: { problem: `it answered ${status}` },
    });
    expect([busy.asked(), always.asked()]).toEqual([6, 6]);
  },
);

test('whatever two hold, they are equal exactly where each row of one is in the other', async () => {
  const rigs = [await openRig(), await openRig()] as const;
  const slots = fc.uniqueArray(fc.record({ at: fc.nat(30), result: fc.nat(2) }), {
    selector: ({ at }) => at,
    maxLength: 12,
  });
  let day = 0;
  await fc.assert(
    fc.asyncProperty(slots, slots, async (left, right) => {
      day += 3_000;
      for (const [side, rows] of [left, right].entries()) {
        const rig = rigs[side]!;
        await rig.publish(rows.map(({ at, result }) => row(rig, day + at, { result })));
      }
      const before = day;
      const platforms = rigs.map((rig) => since(held(rig, 'x', 'open'), startAt + before * minute));
      const { isEqual, parts } = await compare(platforms[0]!, platforms[1]!);
      const ofLeft = new Map(left.map(({ at, result }) => [at, result]));
      const ofRight = new Map(right.map(({ at, result }) => [at, result]));
      const different = [...new Set([...ofLeft.keys(), ...ofRight.keys()])].filter(
        (at) => ofLeft.get(at) !== ofRight.get(at),
      );
      expect(parts.values.different).toBe(different.length);
      expect(isEqual && different.length > 0).toBe(false);
    }),
    { numRuns: 30 },
  );
});

/** Only what is newer. */
function since(platform: Platform, at: number): Platform {
  return {
    ...platform,
    async *keys(datastream) {
      for await (const key of platform.keys(datastream)) if (key.endAt >= at) yield key;
    },
  };
}
