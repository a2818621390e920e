import { describe, expect, it, onTestFinished } from 'vitest';
import { noAccess } from '../../devices/access.ts';
import type { Registry } from '../../devices/registry.ts';
import type { Datastream, ObservedProperty } from '../../devices/model.ts';
import type { ObservationRow } from '../observation.ts';
import { maskOf } from '../quality.ts';
import type { Batch } from '../observations/batch.ts';
import { digestOf, type Digest } from './digest.ts';
import { noTotals } from '../observations/batch.ts';
import { createViewFolder } from './view.fixture.ts';
import { createWorld } from './world.contract.ts';

const world = createWorld();
const [plain] = world.grow({
  rows: [{ series: 0, day: 0, slot: 1, form: 0, value: 120, kind: 'value' }],
  entries: [],
  waitMs: 0,
}).rows;

/** A registry that knows series 0 and 1; of the rest the digest asks nothing. */
function registryOf(first: string, second: string, unit = 'Cel'): Registry {
  const bySeries = [first, second].map(
    (id, series) => ({ id, series, property: 'air-temperature' }) as Datastream,
  );
  const property = { id: 'air-temperature', unit } as ObservedProperty;
  return {
    version: 1,
    owners: new Map(),
    stations: new Map(),
    datastreams: new Map(),
    devices: new Map(),
    properties: new Map([[property.id, property]]),
    deployments: [],
    access: noAccess,
    bySeries,
    channelsOf: () => undefined,
  };
}

function row(change: Partial<ObservationRow> = {}): ObservationRow {
  return { ...plain!, ...change };
}

function rank(at: number): ObservationRow['rank'] {
  return { klass: 1, at, node: 0, position: at };
}

/** One batch a row, in this order. */
async function digest(
  rows: readonly ObservationRow[],
  registry = registryOf('b', 'a'),
): Promise<Digest> {
  const folder = createViewFolder();
  onTestFinished(() => folder.remove());
  const writer = folder.openWriter(0);
  for (const [at, one] of rows.entries()) {
    const head = { publishedAt: at, consumed: at, registryVersion: 1, totals: noTotals };
    const batch: Batch = { ...head, rows: [one], quarantined: [], control: [] };
    writer.apply(at + 1, batch);
  }
  const unflushed = await digestOf({ store: writer, registry });
  while (!writer.flushSlice(2));
  const flushed = await digestOf({ store: writer, registry });
  writer.close();
  expect(flushed).toEqual(unflushed);
  return flushed;
}

const later = { endAt: plain!.endAt + 60_000, startAt: plain!.startAt + 60_000 };

describe('the digest', () => {
  it('is the same whatever the order of arrival, receivedAt, revisions and LATE', async () => {
    const late = { ...plain!.verdict, qualifiers: maskOf(['LATE', 'BACKFILL']) };
    const first = await digest([row(), row(later), row({ series: 1 })]);
    const second = await digest([
      row({ series: 1, receivedAt: 5, rank: rank(5) }),
      row({ ...later, verdict: late }),
      row({ receivedAt: 9, rank: rank(9) }),
    ]);
    expect(second.digest).toBe(first.digest);
    expect(first.digest).toMatch(/^[0-9a-f]{64}$/);
    expect([first.rows, first.position]).toEqual([3, 3]);
  });

  it('is the same whether a kept value came before or after the current one', async () => {
    const old = row({ result: 1, rank: rank(10) });
    const current = row({ result: 2, rank: rank(20) });
    const inOrder = await digest([old, { ...current, revision: 1, type: 'correction' }]);
    const reversed = await digest([current, { ...old, revision: -1, current: false }]);
    expect(reversed.digest).toBe(inOrder.digest);
  });

  it('takes a digit 2 for 1, and several rows of one value for one', async () => {
    const settled = { ...plain!.verdict, tests: plain!.verdict.tests.replaceAll('2', '1') };
    const once = await digest([row({ verdict: settled })]);
    const twice = await digest([
      row({ verdict: { ...settled, flag: 3 } }),
      row({ revision: 1, type: 'correction', cause: 'flag' }),
    ]);
    expect(twice.digest).toBe(once.digest);
  });

  it.each<[string, Partial<ObservationRow>]>([
    ['result', { result: plain!.result! + 1e-9 }],
    ['null result', { result: null }],
    ['start', { startAt: plain!.startAt - 1 }],
    ['end', later],
    ['height', { heightMm: 2_000 }],
    ['flag', { verdict: { ...plain!.verdict, flag: 3 } }],
    ['tests', { verdict: { ...plain!.verdict, tests: '3111222222222222' } }],
    ['qualifiers', { verdict: { ...plain!.verdict, qualifiers: maskOf(['CALIB']) } }],
    ['reason', { verdict: { ...plain!.verdict, reason: 'SENTINEL' } }],
    ['own result time', { resultAt: 77 }],
    ['series', { series: 1 }],
  ])('changes with the %s', async (_, change) => {
    const before = await digest([row()]);
    const after = await digest([row(change)]);
    expect(after.digest).not.toBe(before.digest);
  });

  it('changes with the unit, and names series by their datastreams', async () => {
    const rows = [row(), row({ series: 1, result: 5 })];
    const given = await digest(rows);
    expect((await digest(rows, registryOf('b', 'a', 'K'))).digest).not.toBe(given.digest);
    const renumbered = [row({ series: 1 }), row({ result: 5 })];
    expect((await digest(renumbered, registryOf('a', 'b'))).digest).toBe(given.digest);
  });

  it('leaves out what was deleted, and takes in series that no registry knows', async () => {
    const deleted = row({ revision: 1, type: 'deletion', result: null });
    expect((await digest([row(later), row(), deleted])).digest).toBe(
      (await digest([row(later)])).digest,
    );
    const unknown = await digest([row({ series: 7 })]);
    expect([unknown.rows, unknown.digest]).not.toEqual([1, (await digest([row()])).digest]);
  });

  it('reads page by page and stops when it is told to', async () => {
    const folder = createViewFolder();
    onTestFinished(() => folder.remove());
    const writer = folder.openWriter(0);
    const many = createWorld();
    const rows = Array.from({ length: 5_000 }, (_, at) => ({
      series: 0,
      day: at,
      slot: 1,
      form: 0,
      value: at % 100,
      kind: 'value' as const,
    }));
    writer.apply(1, many.grow({ rows, entries: [], waitMs: 0 }));
    const registry = registryOf('b', 'a');
    expect((await digestOf({ store: writer, registry })).rows).toBe(5_000);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(digestOf({ store: writer, registry, signal })).rejects.toThrow('enough');
    writer.close();
  });
});
