import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createManualClock, type ManualClock } from '../../devices/clock-manual.ts';
import { createRecordedTelemetry } from '../../devices/telemetry-silent.ts';
import { kafkaError } from '../log/kafka/errors.ts';
import { createKafkaServer } from '../log/kafka/memory.ts';
import type { Kafka, MembershipOptions } from '../log/kafka/kafka.ts';
import { openPartitionEvents } from './partition-events.ts';
import type { PartitionWorker } from './partition-worker.ts';
import { openWorkers, type Workers } from './workers.ts';

const ascending = (a: number, b: number): number => a - b;

/** One partition's life in this process, in the hands of the test. */
interface Opening {
  readonly partition: number;
  readonly signal: AbortSignal;
  readonly onEnded: (error: unknown) => void;
  opened(): void;
  failed(error: unknown): void;
  closed(error?: unknown): void;
  isOpen: boolean;
  isClosing: boolean;
}

interface Bench {
  readonly workers: Workers;
  readonly membership: MembershipOptions;
  readonly clock: ManualClock;
  /** Not closed yet, of all partitions. */
  readonly openings: Opening[];
  /** The one of a partition that is not closed yet. */
  readonly of: (partition: number) => Opening;
  /** Lets time pass and what it wakes run. */
  readonly pass: (ms: number) => Promise<void>;
}

async function openBench(): Promise<Bench> {
  const clock = createManualClock(0);
  let membership: MembershipOptions | undefined;
  const kafka: Kafka = {
    ...createKafkaServer().connect(),
    async join(options) {
      membership = options;
      return { close: async () => undefined };
    },
  };
  const openings: Opening[] = [];
  const workers = await openWorkers({
    kafka,
    clock,
    events: openPartitionEvents(createRecordedTelemetry()),
    group: 'g',
    topic: 't',
    node: 1,
    held: () => [],
    open: (partition, onEnded, signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<PartitionWorker>();
      const closing = Promise.withResolvers<void>();
      const leave = (): void => void openings.splice(openings.indexOf(opening), 1);
      const opening: Opening = {
        partition,
        signal,
        onEnded,
        isOpen: false,
        isClosing: false,
        opened() {
          opening.isOpen = true;
          resolve({
            ingest: {} as PartitionWorker['ingest'],
            close() {
              opening.isClosing = true;
              return closing.promise;
            },
          });
        },
        failed(error) {
          if (opening.isOpen) return;
          leave();
          reject(error);
        },
        closed(error) {
          leave();
          if (error === undefined) closing.resolve();
          else closing.reject(error);
        },
      };
      openings.push(opening);
      return promise;
    },
  });
  return {
    workers,
    membership: membership!,
    clock,
    openings,
    of(partition) {
      const found = openings.find((opening) => opening.partition === partition);
      if (found === undefined) throw new Error(`partition ${partition} is not being opened`);
      return found;
    },
    async pass(ms) {
      await setImmediate();
      clock.advance(ms);
      await setImmediate();
    },
  };
}

type Happening = 'opened' | 'failed' | 'ended' | 'fenced' | 'closed';

function happen(opening: Opening, what: Happening): void {
  switch (what) {
    case 'opened':
      return opening.opened();
    case 'failed':
      return opening.failed(kafkaError('KAFKA_UNREACHABLE'));
    case 'ended':
      return opening.onEnded(new Error('defect'));
    case 'fenced':
      return opening.onEnded(kafkaError('KAFKA_FENCED'));
    case 'closed':
      if (opening.isClosing) opening.closed();
  }
}

describe('the partitions of a worker', () => {
  it('are opened when they are assigned, and closed when they are not any more', async () => {
    const { workers, membership, openings, of, pass } = await openBench();
    membership.assigned([0, 2]);
    await pass(0);
    expect(openings.map(({ partition }) => partition)).toEqual([0, 2]);
    for (const opening of openings) opening.opened();
    await pass(0);
    expect([...workers.partitions.keys()]).toEqual([0, 2]);
    expect(membership.working?.()).toEqual([0, 2]);
    membership.assigned([2]);
    await pass(0);
    expect(of(0).isClosing).toBe(true);
    expect(of(2).isClosing).toBe(false);
    of(0).closed();
    await pass(0);
    expect([...workers.partitions.keys()]).toEqual([2]);
    expect(workers.assigned).toEqual([2]);
  });

  it('stay as they are through a rebalance that leaves them here', async () => {
    const { membership, openings, pass } = await openBench();
    membership.assigned([1]);
    await pass(0);
    openings[0]!.opened();
    await pass(0);
    for (let again = 0; again < 3; again++) membership.assigned([1]);
    await pass(10_000);
    expect(openings).toHaveLength(1);
    expect(openings[0]!.isClosing).toBe(false);
  });

  it('are opened again, slower and slower, while that fails', async () => {
    const { membership, openings, of, pass } = await openBench();
    membership.assigned([0]);
    await pass(0);
    const delays: number[] = [];
    for (let tries = 0; tries < 8; tries++) {
      of(0).failed(kafkaError('KAFKA_UNREACHABLE'));
      let waitedMs = 0;
      for (await pass(0); openings.length === 0; waitedMs += 250) await pass(250);
      delays.push(waitedMs);
    }
    expect(delays).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000]);
  });

  it('are opened again when they ended by themselves, not at once where another took them over', async () => {
    const { membership, openings, of, pass } = await openBench();
    membership.assigned([0]);
    await pass(0);
    for (const { error, livedMs, delayMs } of [
      { error: new Error('defect'), livedMs: 0, delayMs: 250 },
      { error: new Error('the same defect'), livedMs: 0, delayMs: 500 },
      { error: new Error('the same defect'), livedMs: 0, delayMs: 1_000 },
      { error: new Error('another'), livedMs: 10_000, delayMs: 250 },
      { error: kafkaError('KAFKA_FENCED'), livedMs: 10_000, delayMs: 2_000 },
    ]) {
      of(0).opened();
      await pass(livedMs);
      of(0).onEnded(error);
      await pass(0);
      of(0).closed();
      await pass(delayMs - 1);
      expect(openings).toHaveLength(0);
      await pass(1);
      expect(openings).toHaveLength(1);
    }
  });

  it('are given up while they are being opened, and not told as a failure', async () => {
    const { workers, membership, openings, of, pass } = await openBench();
    membership.assigned([0]);
    await pass(0);
    const { signal } = of(0);
    membership.assigned([]);
    expect(signal.aborted).toBe(true);
    of(0).failed(signal.reason);
    await pass(10_000);
    expect(openings).toHaveLength(0);
    expect(workers.partitions.size).toBe(0);
  });

  it('are open once at most, through any storm of rebalances', async () => {
    const anyStep = fc.oneof(
      { weight: 4, arbitrary: fc.uniqueArray(fc.nat(2), { maxLength: 3 }) },
      {
        weight: 6,
        arbitrary: fc.constantFrom<Happening>('opened', 'failed', 'ended', 'fenced', 'closed'),
      },
      { weight: 2, arbitrary: fc.constant('pass' as const) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(anyStep, fc.nat(2)), { maxLength: 40 }), async (steps) => {
        const { workers, membership, openings, pass } = await openBench();
        for (const [step, at] of steps) {
          const opening = openings[at % Math.max(1, openings.length)];
          if (Array.isArray(step)) membership.assigned(step);
          else if (step === 'pass') await pass(1_000);
          else if (opening !== undefined) happen(opening, step);
          await pass(0);
          const open = openings.map(({ partition }) => partition);
          expect(new Set(open).size).toBe(open.length);
        }
        // The storm is over: what is assigned last comes to be open, and nothing else.
        membership.assigned([0, 1]);
        for (let round = 0; round < 40; round++) {
          for (const opening of openings.slice()) {
            happen(opening, opening.isClosing ? 'closed' : 'opened');
          }
          await pass(1_000);
        }
        expect([...workers.partitions.keys()].toSorted(ascending)).toEqual([0, 1]);
        expect(openings.map(({ partition }) => partition).toSorted(ascending)).toEqual([0, 1]);
      }),
      { numRuns: 200 },
    );
  });

  it('are opened again even where closing failed', async () => {
    const { membership, openings, of, pass } = await openBench();
    membership.assigned([0]);
    await pass(0);
    of(0).opened();
    await pass(0);
    of(0).onEnded(new Error('defect'));
    await pass(0);
    of(0).closed(new Error('the view could not be closed'));
    await pass(250);
    expect(openings).toHaveLength(1);
  });

  it('are all closed when the worker closes, and none is opened any more', async () => {
    const { workers, membership, openings, of, pass } = await openBench();
    membership.assigned([0, 1]);
    await pass(0);
    of(0).opened();
    await pass(0);
    const closing = workers.close();
    membership.assigned([0, 1, 2]);
    expect(of(1).signal.aborted).toBe(true);
    of(1).failed(of(1).signal.reason);
    await pass(0);
    of(0).closed();
    await closing;
    await pass(10_000);
    expect(openings).toHaveLength(0);
  });
});
