import { setImmediate } from 'node:timers/promises';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createSeededRandom } from '../../../devices/random.ts';
import { kafkaError } from '../../log/kafka/errors.ts';
import type { OutgoingRecord, Producer } from '../../log/kafka/kafka.ts';
import { createMortalFileSystem } from '../../log/segment-log.fixture.ts';
import type { Reading } from '../../reading.ts';
import type { Network } from './network.fixture.ts';
import { node, openWorld, sentOf, type World } from './world.fixture.ts';

const devices = ['logger', 'gauge', 'buoy', 'stranger', ''];
const stations = ['a', 'b', 'c', 'd', 'e', 'f'];

/** What becomes of a send: nothing, all, or the first records are stored, and it may reject. */
interface Outcome {
  /** Share of the records that Kafka stores. */
  readonly stored: number;
  /** `never`: the process dies before it hears. */
  readonly answer: 'yes' | 'no' | 'never';
}

type Step =
  | { readonly do: 'keep'; readonly device: number; readonly kind: number; readonly count: number }
  | { readonly do: 'move'; readonly network: Network }
  | { readonly do: 'wait'; readonly steps: number };

/** One life of the process, from its start to its end. */
interface LifePlan {
  readonly steps: readonly Step[];
  /** In order of the sends; later ones are answered. */
  readonly outcomes: readonly Outcome[];
  /** The disk call at which it dies; more than it makes: it ends in order, or is killed. */
  readonly diesAt: number;
  readonly end: 'close' | 'kill' | 'power-cut';
}

const anyNetwork: fc.Arbitrary<Network> = fc.record({
  logger: fc.subarray(stations),
  gauge: fc.subarray(stations, { minLength: 1 }),
  buoy: fc.subarray(stations, { minLength: 1, maxLength: 1 }),
});

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('keep' as const),
      device: fc.nat({ max: devices.length - 1 }),
      kind: fc.nat({ max: 3 }),
      count: fc.integer({ min: 1, max: 8 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('move' as const), network: anyNetwork }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      steps: fc.integer({ min: 1, max: 50 }),
    }),
  },
);

const anyOutcome: fc.Arbitrary<Outcome> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ stored: 1, answer: 'yes' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      stored: fc.constantFrom(0, 0.3, 0.7, 1),
      answer: fc.constant('no' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      stored: fc.constantFrom(0, 0.5, 1),
      answer: fc.constant('never' as const),
    }),
  },
);

const anyLife: fc.Arbitrary<LifePlan> = fc.record({
  steps: fc.array(anyStep, { maxLength: 10 }),
  outcomes: fc.array(anyOutcome, { maxLength: 12 }),
  diesAt: fc.oneof(fc.integer({ min: 1, max: 150 }), fc.constant(1_000_000)),
  end: fc.constantFrom('close', 'kill', 'power-cut'),
});

const kinds = ['message', 'backfill', 'control', 'attempt'] as const;

/** Runs one life; whatever happens in it, acknowledged readings are in `world.kept`. */
async function live(world: World, plan: LifePlan, seed: number): Promise<void> {
  const random = createSeededRandom(seed);
  let isOver = false;
  const die = (): void => {
    isOver = true;
    if (plan.end === 'power-cut') world.disk.powerCut(random);
    else world.disk.kill();
  };
  const fileSystem = createMortalFileSystem(world.disk, plan.diesAt, die);
  const producer = (inner: Producer): Producer => staged(inner, plan.outcomes, () => isOver);
  const life = world.open({ fileSystem, producer, config: { batchRecordsMax: 5 } });
  const lived = life.then(async (opened) => {
    for (const step of plan.steps) {
      if (step.do === 'move') world.registry.change(step.network);
      else if (step.do === 'wait')
        await turns(
          (byMs) => opened.clock.advance(byMs),
          step.steps,
          () => isOver,
        );
      else
        await Promise.all(Array.from({ length: step.count }, () => opened.keep(readingOf(step))));
    }
    if (plan.end === 'close') {
      const closed = opened.close();
      let isClosed = false;
      void closed.then(() => (isClosed = true));
      await turns(
        (byMs) => opened.clock.advance(byMs),
        500,
        () => isClosed,
      );
      await closed;
    }
  });
  await Promise.race([
    lived,
    turns(
      () => undefined,
      2_000,
      () => isOver,
    ),
  ]);
  if (!isOver) die();
  await turns(
    () => undefined,
    3,
    () => false,
  );
}

function readingOf(step: Extract<Step, { do: 'keep' }>): Partial<Reading> {
  const device = devices[step.device] ?? '';
  const kind = kinds[step.kind] ?? 'message';
  return { device, kind, payload: Buffer.from(`${device} ${kind} ${step.count}`) };
}

/** Lets the event loop turn, and time pass with it. */
async function turns(
  advance: (byMs: number) => void,
  count: number,
  isEnough: () => boolean,
): Promise<void> {
  for (let turn = 0; turn < count && !isEnough(); turn++) {
    await setImmediate();
    advance(50);
  }
}

/** Sends as planned, then as Kafka does; nothing of a process that is over arrives. */
function staged(inner: Producer, outcomes: readonly Outcome[], isOver: () => boolean): Producer {
  let next = 0;
  return {
    ...inner,
    async send(records: readonly OutgoingRecord[]) {
      const outcome = outcomes[next++];
      if (isOver()) return new Promise(() => undefined);
      if (outcome === undefined) return inner.send(records);
      await inner.send(records.slice(0, Math.round(records.length * outcome.stored)));
      if (outcome.answer === 'never') return new Promise(() => undefined);
      if (outcome.answer === 'no' || outcome.stored < 1) throw kafkaError('KAFKA_UNREACHABLE');
    },
  };
}

interface Sent {
  readonly key: string | null;
  readonly reading: Reading;
}

/** First occurrences, in the order of their partition. Repeats must be what they repeat. */
function firstsOf(sent: readonly Sent[]): Sent[] {
  const firsts: Sent[] = [];
  for (const one of sent) {
    const sequence = one.reading.origin?.sequence ?? 0;
    const known = firsts[sequence - 1];
    if (known === undefined) {
      expect(sequence).toBe(firsts.length + 1);
      firsts.push(one);
    } else {
      expect({ ...one.reading, position: 0 }).toEqual({ ...known.reading, position: 0 });
      expect(one.key).toBe(known.key);
    }
  }
  return firsts;
}

function checkTopic(world: World): void {
  const seen = new Map<number, Sent>();
  for (const sent of sentOf(world.server)) {
    let before = 0;
    for (const one of firstsOf(sent)) {
      const position = one.reading.origin?.position ?? 0;
      expect(one.reading.origin?.node).toBe(node);
      expect(position).toBeGreaterThan(before);
      expect(seen.has(position)).toBe(false);
      before = position;
      seen.set(position, one);
    }
  }
  // Records that were durable but never acknowledged may be there beside the acknowledged ones.
  for (const [position, kept] of world.kept) {
    const { kind, device, payload } = kept;
    expect(seen.get(position)?.reading).toMatchObject({ kind, device, payload });
  }
  expect(seen.size).toBe(Math.max(0, ...seen.keys()));
}

describe('whatever dies, whenever', () => {
  it('every record of the own log is in one partition, in order, without holes, repeats equal', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyLife, { minLength: 1, maxLength: 4 }),
        fc.nat(),
        async (plans, seed) => {
          const world = await openWorld();
          for (const [index, plan] of plans.entries()) await live(world, plan, seed + index);
          const last = await world.open();
          await last.drained();
          await last.close();
          expect(last.failures).toEqual([]);
          expect(last.telemetry.value('quantrac_forward_unreadable_total')).toBe(0);
          checkTopic(world);
        },
      ),
      { numRuns: 150 },
    );
  });
});
