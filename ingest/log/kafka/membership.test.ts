import { setImmediate } from 'node:timers/promises';
import type { Consumer, ConsumerConfig, Kafka as KafkaJs } from 'kafkajs';
import { beforeEach, describe, expect, it } from 'vitest';
import { createManualClock, type ManualClock } from '../../../devices/clock-manual.ts';
import type { Membership } from './kafka.ts';
import { openMembership } from './membership.ts';

type Heard = (event: { readonly payload: unknown }) => void;

/** A consumer of kafkajs as the group sees it, moved by hand. */
class FakeConsumer {
  readonly events = { HEARTBEAT: 'heartbeat', GROUP_JOIN: 'join', CRASH: 'crash' };
  readonly calls: string[] = [];
  readonly config: ConsumerConfig;
  /** Of what `run` waits for. */
  readonly ran = Promise.withResolvers<void>();
  /** Never resolves where the server hangs. */
  disconnected: Promise<void> = Promise.resolve();
  readonly #heard = new Map<string, Heard>();

  constructor(config: ConsumerConfig) {
    this.config = config;
  }

  on(event: string, heard: Heard): void {
    this.#heard.set(event, heard);
  }

  async connect(): Promise<void> {
    this.calls.push('connect');
  }

  async subscribe({ topics }: { readonly topics: readonly string[] }): Promise<void> {
    this.calls.push(`subscribe ${topics.join()}`);
  }

  run(): Promise<void> {
    this.calls.push('run');
    return this.ran.promise;
  }

  pause([{ topic }]: readonly [{ readonly topic: string }]): void {
    this.calls.push(`pause ${topic}`);
  }

  disconnect(): Promise<void> {
    this.calls.push('disconnect');
    return this.disconnected;
  }

  join(...partitions: number[]): void {
    this.ran.resolve();
    this.#tell('join', { memberAssignment: { readings: partitions } });
  }

  beat(): void {
    this.#tell('heartbeat', {});
  }

  crash(error: Error): void {
    this.#tell('crash', { error });
  }

  #tell(event: string, payload: unknown): void {
    this.#heard.get(event)?.({ payload });
  }
}

const config = { sessionTimeoutMs: 6_000, requestTimeoutMs: 15_000, fetchWaitMs: 200 };
const silentMs = config.sessionTimeoutMs + config.requestTimeoutMs;

let clock: ManualClock;
let consumers: FakeConsumer[];
let assigned: (readonly number[])[];
let lost: unknown[];
let membership: Membership;

beforeEach(async () => {
  clock = createManualClock(1_700_000_000_000);
  [consumers, assigned, lost] = [[], [], []];
  const kafkajs = {
    consumer(given: ConsumerConfig) {
      const made = new FakeConsumer(given);
      consumers.push(made);
      return made as unknown as Consumer;
    },
  } as KafkaJs;
  membership = await openMembership(
    { client: { kafkajs }, clock, config },
    {
      group: 'ingest',
      topic: 'readings',
      node: 1,
      assigned: (partitions) => void assigned.push(partitions),
      held: () => [],
      lost: (error) => void lost.push(error),
    },
  );
});

async function pass(ms: number): Promise<void> {
  await setImmediate();
  clock.advance(ms);
  await setImmediate();
}

describe('a member of a group', () => {
  it('joins, fetches nothing, and tells what it is given each time', async () => {
    const [consumer] = consumers;
    consumer?.join(0, 2);
    await setImmediate();
    consumer?.join(2);
    consumer?.join();
    expect(assigned).toEqual([[0, 2], [2], []]);
    expect(consumer?.calls).toEqual(['connect', 'subscribe readings', 'run', 'pause readings']);
    expect(consumer?.config.retry?.restartOnFailure).toBeDefined();
    await membership.close();
    expect(consumer?.calls.at(-1)).toBe('disconnect');
    expect(lost).toEqual([]);
    expect(consumers).toHaveLength(1);
  });

  it('joins anew, as a later one, when its consumer gave up', async () => {
    const [first] = consumers;
    first?.join(0);
    first?.crash(new Error('the coordinator went away'));
    await setImmediate();
    expect(lost).toMatchObject([{ code: 'KAFKA_UNREACHABLE', fields: { group: 'ingest' } }]);
    expect(first?.calls).toContain('disconnect');
    await pass(1_000);
    expect(consumers).toHaveLength(2);
    // What the one before still hears is nobody's.
    first?.join(1);
    consumers[1]?.join(0, 1);
    expect(assigned).toEqual([[0], [0, 1]]);
    await membership.close();
  });

  it('joins anew when it never came in', async () => {
    consumers[0]?.ran.reject(new Error('no such group'));
    await setImmediate();
    expect(lost).toHaveLength(1);
    await pass(1_000);
    consumers[1]?.join(3);
    expect(assigned).toEqual([[3]]);
    await membership.close();
  });

  it('joins anew when nothing is heard of its consumer, and not while something is', async () => {
    const [first] = consumers;
    first?.join(0);
    for (let beats = 0; beats < 3; beats++) {
      await pass(silentMs - 1);
      first?.beat();
    }
    expect(lost).toEqual([]);
    first!.disconnected = new Promise(() => undefined);
    await pass(silentMs);
    expect(lost).toMatchObject([{ code: 'KAFKA_UNREACHABLE' }]);
    expect(consumers).toHaveLength(1);
    await pass(2_000);
    await pass(1_000);
    consumers[1]?.join(0);
    expect(consumers).toHaveLength(2);
    await membership.close();
  });

  it('leaves in bounded time where nobody can be told', async () => {
    consumers[0]?.join(0);
    consumers[0]!.disconnected = new Promise(() => undefined);
    const closing = membership.close();
    await pass(2_000);
    await closing;
    expect(lost).toEqual([]);
  });

  it('leaves also where it comes in only after it was closed', async () => {
    const closing = membership.close();
    await setImmediate();
    consumers[0]?.join(0);
    await closing;
    await setImmediate();
    expect(assigned).toEqual([]);
    expect(consumers[0]?.calls.filter((call) => call === 'disconnect')).toHaveLength(2);
    expect(consumers).toHaveLength(1);
  });

  it('is closed at once while it rests before it joins again', async () => {
    consumers[0]?.join(0);
    consumers[0]?.crash(new Error('gone'));
    await setImmediate();
    await membership.close();
    await pass(10_000);
    expect(consumers).toHaveLength(1);
  });
});
