import { describe, expect, it } from 'vitest';
import { observedProperties } from '../../devices/properties/catalogue.ts';
import type { ObservedProperty } from '../../devices/model.ts';
import { checksConfig } from '../checks/config.ts';
import { digitAt } from '../checks/digits.ts';
import type { Candidate } from '../normalise/measurement.ts';
import type { ObservationRow } from '../observation.ts';
import { bindingOf, candidateOf, minuteMs, senderOf, startAt } from './candidate.fixture.ts';
import { createDecider, type Decider } from './decider.ts';
import { createPlainStore, type PlainStore } from './kept-store.fixture.ts';

const property = (id: string): ObservedProperty => {
  const found = observedProperties.find((each) => each.id === id);
  if (found === undefined) throw new Error(id);
  return found;
};
const temperature = bindingOf(0, property('air-temperature'));
const at = (step: number): number => startAt + step * 10 * minuteMs;
const receivedAt = startAt + 86_400_000;

interface Scene {
  readonly store: PlainStore;
  readonly decider: Decider;
  /** Decides values in this order, as messages of their own; what became of each. */
  readonly decide: (...candidates: Candidate[]) => string[];
  /** Ends the stretch; gives its rows, now in the store. */
  readonly settle: () => ObservationRow[];
}

function openScene(config: object = {}): Scene {
  const store = createPlainStore();
  const checks = checksConfig.parse(config);
  const limits = { windowsBytesMax: 1_000_000, windowPoints: 64, lookBackPointsMax: 65_536 };
  const decider = createDecider({ store, checks, ...limits });
  let position = 0;
  return {
    store,
    decider,
    decide: (...candidates) =>
      candidates.map((candidate) => {
        position++;
        return decider.decide(candidate, senderOf(position, receivedAt + position * 1_000));
      }),
    settle() {
      const { rows } = decider.pending.begin();
      store.apply(rows);
      decider.pending.applied();
      return rows;
    },
  };
}

const value = (step: number, result: number | null, changes: Partial<Candidate> = {}): Candidate =>
  candidateOf(temperature, at(step), result, changes);

describe('which value counts', () => {
  it('a value equal to a kept one of its key is a duplicate, also after the conversion of units', () => {
    const scene = openScene();
    expect(scene.decide(value(0, 20), value(0, 20), value(0, 20 * (1 + 5e-10)))).toEqual([
      'stored',
      'duplicate',
      'duplicate',
    ]);
    scene.settle();
    expect(scene.decide(value(0, 20), value(0, 20 * (1 + 5e-9)))).toEqual([
      'duplicate',
      'revision',
    ]);
  });

  it('another value is the next revision and current; the old one stays readable', () => {
    const { store, decide, settle } = openScene();
    decide(value(0, 20));
    settle();
    decide(value(0, 21));
    expect(settle()).toMatchObject([
      { type: 'correction', cause: 'value', revision: 1, result: 21 },
    ]);
    expect(store.revisions(value(0, 0)).map(({ result }) => result)).toEqual([21, 20]);
  });

  it('a reversal needs a result time of its own', () => {
    const { store, decide, settle } = openScene();
    expect(decide(value(0, 20), value(0, 21), value(0, 20))).toEqual([
      'stored',
      'revision',
      'duplicate',
    ]);
    const resultAt = receivedAt + 86_400_000;
    expect(decide(value(0, 20, { resultAt }), value(0, 20, { resultAt }))).toEqual([
      'revision',
      'duplicate',
    ]);
    settle();
    expect(store.current()).toMatchObject([{ result: 20, resultAt, revision: 2 }]);
    expect(decide(value(0, 20), value(0, 21))).toEqual(['duplicate', 'duplicate']);
  });

  it('the greatest rank is current whichever came first; the other is kept as history', () => {
    const { store, decide, settle } = openScene();
    const later = value(0, 21, { resultAt: receivedAt + 2_000 });
    const earlier = value(0, 20, { resultAt: receivedAt + 1_000 });
    expect(decide(later, earlier)).toEqual(['stored', 'revision']);
    const rows = settle();
    expect(rows[1]).toMatchObject({ current: false, revision: -1, result: 20 });
    expect(store.current()).toMatchObject([{ result: 21, revision: 0 }]);
    expect(decide(earlier, later)).toEqual(['duplicate', 'duplicate']);
  });

  it('numbers what was superseded on arrival downwards, each of a key by itself', () => {
    const { store, decide, settle } = openScene();
    const told = (step: number, result: number, after: number): Candidate =>
      value(step, result, { resultAt: receivedAt + after });
    decide(told(0, 21, 9_000), told(0, 20, 1_000), told(1, 21, 9_000), told(1, 20, 1_000));
    decide(told(0, 19, 2_000));
    const revisionsOf = (rows: readonly ObservationRow[]): unknown[] =>
      rows.map(({ result, revision, current }) => [result, revision, current]);
    expect(revisionsOf(settle())).toEqual([
      [21, 0, true],
      [20, -1, false],
      [21, 0, true],
      [20, -1, false],
      [19, -2, false],
    ]);
    decide(told(0, 18, 3_000), told(0, 22, 10_000));
    expect(revisionsOf(settle())).toEqual([
      [18, -3, false],
      [22, 1, true],
    ]);
    expect(store.current()).toMatchObject([
      { result: 22, revision: 1 },
      { result: 21, revision: 0 },
    ]);
  });

  it('a null without a result time never takes the place of a value, and gives way to any', () => {
    const { store, decide, settle } = openScene();
    expect(decide(value(0, 20), value(0, null), value(0, null))).toEqual([
      'stored',
      'revision',
      'duplicate',
    ]);
    expect(decide(value(1, null), value(1, 20))).toEqual(['stored', 'revision']);
    settle();
    expect(store.current()).toMatchObject([
      { result: 20, revision: 0 },
      { result: 20, revision: 1 },
    ]);
  });

  it('a null result has flag 9 and its reason whatever the tests say', () => {
    const { decide, settle } = openScene();
    decide(value(0, null));
    expect(settle()[0]?.verdict).toMatchObject({ flag: 9, reason: 'MISSING' });
  });

  it('two values with the same claim make the current one suspect of being the wrong one', () => {
    const { store, decide, settle } = openScene();
    decide(value(0, 20));
    expect(digitAt(settle()[0]?.verdict.tests ?? '', 'duplicate')).toBe(1);
    decide(value(0, 21));
    expect(digitAt(settle()[0]?.verdict.tests ?? '', 'duplicate')).toBe(3);
    const same = { resultAt: receivedAt };
    const sender = senderOf(50, receivedAt);
    const decider = createDecider({
      store,
      checks: checksConfig.parse({}),
      windowsBytesMax: 1_000_000,
      windowPoints: 64,
      lookBackPointsMax: 65_536,
    });
    // The greater place in the log counts; its rival, processed later, is history and makes it doubtful.
    decider.decide(value(3, 20, same), sender);
    decider.decide(value(3, 21, same), senderOf(40, receivedAt));
    expect(decider.pending.current.rows).toMatchObject([
      { result: 20, revision: 0 },
      { result: 21, current: false },
      { result: 20, revision: 1, cause: 'flag' },
    ]);
    expect(digitAt(decider.pending.current.rows[2]?.verdict.tests ?? '', 'duplicate')).toBe(3);
  });

  it('keys that end together but begin apart are observations of their own', () => {
    const { store, decide, settle } = openScene();
    const hour = { startAt: at(6) - 60 * minuteMs };
    const tenMinutes = { startAt: at(6) - 10 * minuteMs };
    expect(decide(value(6, 20, hour), value(6, 20, tenMinutes), value(6, 20, hour))).toEqual([
      'stored',
      'stored',
      'duplicate',
    ]);
    expect(decide(value(6, 22, hour), value(6, 22, tenMinutes), value(6, null, hour))).toEqual([
      'revision',
      'revision',
      'revision',
    ]);
    settle();
    expect(store.current().map(({ result }) => result)).toEqual([22, 22]);
  });

  it('an own height makes an observation of its own', () => {
    const { store, decide, settle } = openScene();
    decide(value(0, 20), value(0, 20, { heightMm: -500 }), value(0, 19, { heightMm: -1_500 }));
    expect(decide(value(0, 19, { heightMm: -1_500 }))).toEqual(['duplicate']);
    settle();
    expect(store.current()).toHaveLength(3);
  });
});

describe('rows of the change feed', () => {
  it('a neighbour that settles from not evaluated to good makes none', () => {
    const { decide, settle } = openScene();
    for (let step = 0; step < 30; step++) decide(value(step, 20 + (step % 7) / 10));
    expect(settle().every(({ type }) => type === 'insert')).toBe(true);
  });

  it('a value that turns out to be a spike is said again with its new flag', () => {
    const { decide, settle } = openScene();
    for (let step = 0; step < 5; step++) decide(value(step, 20 + step / 10));
    decide(value(5, 35));
    settle();
    decide(value(6, 20.6));
    const rows = settle();
    const correction = rows.find(({ type }) => type === 'correction');
    expect(correction).toMatchObject({ endAt: at(5), result: 35, revision: 1, cause: 'flag' });
    expect(digitAt(correction?.verdict.tests ?? '', 'spike')).toBeGreaterThanOrEqual(3);
    expect(rows.filter(({ type }) => type === 'correction')).toHaveLength(1);
  });

  it('a late value that fills a gap takes the mark of the gap from what follows it', () => {
    const { decide, settle } = openScene();
    decide(value(0, 20), value(5, 20.5));
    settle();
    decide(value(2, 20.2), value(3, 20.3), value(4, 20.4), value(1, 20.1));
    const corrected = settle().filter(({ type }) => type === 'correction');
    expect(corrected.map(({ endAt }) => endAt)).toEqual([at(5)]);
    expect(digitAt(corrected[0]?.verdict.tests ?? '', 'gap')).toBe(1);
  });

  it('says that the rules changed where another rule set judges again', () => {
    const store = createPlainStore();
    const limits = { windowsBytesMax: 1_000_000, windowPoints: 64, lookBackPointsMax: 65_536 };
    const first = createDecider({ store, checks: checksConfig.parse({}), ...limits });
    first.decide(value(0, 20), senderOf(1, receivedAt));
    first.decide(value(9, 20.5), senderOf(2, receivedAt));
    store.apply(first.pending.begin().rows);
    const wider = checksConfig.parse({
      properties: { 'air-temperature': { gapMaxMs: 3_600_000 } },
    });
    const second = createDecider({ store, checks: wider, ...limits });
    second.decide(value(5, 20.2), senderOf(3, receivedAt));
    const [inserted, corrected] = second.pending.current.rows;
    expect(inserted?.type).toBe('insert');
    expect(corrected).toMatchObject({ endAt: at(9), type: 'correction', cause: 'rule' });
    expect(corrected?.verdict.rules).not.toBe(store.all()[1]?.verdict.rules);
  });
});

describe('another registry version', () => {
  it('brings its rules to series whose values are in memory', () => {
    const { decider, decide, settle } = openScene();
    decide(value(0, 20), value(1, 20.1), value(2, 20.2, { heightMm: -500 }));
    const [before] = settle();
    decider.changeRegistry();
    const hourly = bindingOf(0, property('air-temperature'), { intervalMs: 60 * minuteMs });
    decide(candidateOf(hourly, at(8), 20.3), candidateOf(hourly, at(9), 20.3, { heightMm: -500 }));
    const [after] = settle();
    // An hour is no gap for a series of hours.
    expect(digitAt(after?.verdict.tests ?? '', 'gap')).toBe(1);
    expect(after?.verdict.rules).not.toBe(before?.verdict.rules);
    decider.changeRegistry();
    decide(candidateOf(hourly, at(14), 20.4));
    expect(settle()[0]?.verdict.rules).toBe(after?.verdict.rules);
  });
});

describe('where deciding fails', () => {
  it('nothing of the value is decided, and the next is decided as if it had never been', () => {
    const { decider, decide, settle, store } = openScene();
    decide(value(0, 20), value(1, 20.1));
    settle();
    const broken = { ...value(2, 35), raw: null } as unknown as Candidate;
    Object.defineProperty(broken, 'raw', {
      get: () => {
        throw new Error('a defect');
      },
    });
    expect(() => decider.decide(broken, senderOf(9, receivedAt))).toThrow('a defect');
    expect(decider.pending.current.rows).toEqual([]);
    expect(decide(value(2, 20.2), value(3, 20.3))).toEqual(['stored', 'stored']);
    settle();
    expect(store.current().map(({ result, verdict }) => [result, verdict.flag])).toEqual([
      [20, 1],
      [20.1, 1],
      [20.2, 1],
      [20.3, 1],
    ]);
  });

  it('a view that cannot be read is no fault of the value', () => {
    const broken = {
      ...createPlainStore(),
      range: () => {
        throw new Error('disk');
      },
    };
    const decider = createDecider({
      store: broken,
      checks: checksConfig.parse({}),
      windowsBytesMax: 1_000_000,
      windowPoints: 64,
      lookBackPointsMax: 65_536,
    });
    expect(() => decider.decide(value(0, 20), senderOf(1, receivedAt))).toThrow(
      expect.objectContaining({ code: 'INGEST_STORE_FAILED' }),
    );
  });
});
