/** What is played in worlds with and without a horizon, and what they say in the end. */
import fc from 'fast-check';
import type { ObservationRow } from '../observation.ts';
import { digestOf } from '../store/digest.ts';
import type { ViewWriter } from '../store/writer.ts';
import { beginAt, hourMs, type HorizonWorld } from './horizon.fixture.ts';

/** Everything a view holds but when it was published, which is the worker's own time. */
function rowsOf(view: ViewWriter): Omit<ObservationRow, 'publishedAt'>[] {
  const rows = view.series().flatMap((series) => view.kept({ series, limit: Infinity }));
  return rows.map(({ publishedAt: _time, raw, ...row }) => {
    const { name, value, unit, time } = raw;
    return { ...row, raw: { name, value, unit, time } };
  });
}

export async function saidBy(world: HorizonWorld) {
  const view = world.whole();
  try {
    const { digest } = await digestOf({ store: view, registry: world.registry.current() });
    return { digest, rows: rowsOf(view), totals: view.totals };
  } finally {
    view.close();
  }
}

export type Step =
  | { readonly kind: 'live'; readonly hours: number; readonly value: number | null }
  | {
      readonly kind: 'late';
      readonly back: number;
      readonly value: number | null;
      readonly dated: boolean;
    }
  | { readonly kind: 'again'; readonly which: number }
  | { readonly kind: 'reopen'; readonly forgets: boolean }
  | { readonly kind: 'lag'; readonly batches: number };

const value = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 18, max: 24 }) },
  { weight: 1, arbitrary: fc.constant(60) },
  { weight: 1, arbitrary: fc.constant(null) },
);
export const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('live' as const),
      hours: fc.integer({ min: 1, max: 9 }),
      value,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('late' as const),
      back: fc.nat({ max: 14 * 24 }),
      value,
      dated: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('again' as const), which: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('reopen' as const), forgets: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('lag' as const), batches: fc.nat({ max: 40 }) }),
  },
);

interface Played {
  readonly sent: object[];
  hours: number;
  /** The sink is so many batches behind. */
  lag: number;
}

function messageOf(step: Step, { sent, hours }: Played): object | undefined {
  switch (step.kind) {
    case 'live':
      return { ts: beginAt + hours * hourMs, ta: step.value, rh: 60 };
    case 'late': {
      const ts = beginAt + Math.max(0, hours - step.back) * hourMs;
      return { ts, ta: step.value, ...(step.dated ? { resultTime: ts + 60_000 } : {}) };
    }
    case 'again':
      return sent[step.which % Math.max(1, sent.length)];
    case 'reopen':
    case 'lag':
      return undefined;
  }
}

export async function play(world: HorizonWorld, all: readonly Step[]): Promise<void> {
  const played: Played = { sent: [], hours: 0, lag: 0 };
  world.state.notedMax = 0;
  for (const step of all) {
    if (step.kind === 'live') played.hours += step.hours;
    // Each reading has its own instant, so that no two values have the same rank.
    world.state.now = Math.max(world.state.now + 1, beginAt + played.hours * hourMs);
    if (step.kind === 'reopen') await world.reopen(step.forgets);
    if (step.kind === 'lag') played.lag = step.batches;
    // What is stored once is stored.
    world.state.notedMax = Math.max(world.state.notedMax, world.batches.length - played.lag);
    const message = messageOf(step, played);
    if (message === undefined) continue;
    played.sent.push(message);
    await world.send(message);
    await world.settled();
  }
}
