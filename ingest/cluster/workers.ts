/**
 * The partitions of one worker: opens what the group gives it, closes what the group takes, and
 * opens again what ended by itself as long as it is this worker's.
 */
import type { Clock } from '../../devices/clock.ts';
import { CodedError } from '../../devices/coded-error.ts';
import type { Kafka, Membership } from '../log/kafka/kafka.ts';
import type { PartitionEvents } from './partition-events.ts';
import { pause } from '../pause.ts';
import type { PartitionWorker } from './partition-worker.ts';

export interface WorkersOptions {
  readonly kafka: Kafka;
  readonly clock: Clock;
  readonly events: PartitionEvents;
  readonly group: string;
  readonly topic: string;
  readonly node: number;
  /** Partitions whose state this node holds, the freshest first. */
  readonly held: () => readonly number[];
  /** The signal ends an opening that nobody waits for any more. */
  readonly open: (
    partition: number,
    onEnded: (error: unknown) => void,
    signal: AbortSignal,
  ) => Promise<PartitionWorker>;
}

export interface Workers {
  /** Open now. */
  readonly partitions: ReadonlyMap<number, PartitionWorker>;
  readonly assigned: readonly number[];
  close(): Promise<void>;
}

const retryMsMin = 250;
const retryMsMax = 5_000;
/** One that ended sooner than so long after it was opened may end so again. */
const steadyMs = 10_000;
/** Of who takes a partition over the group knows within a heartbeat: so long it is not taken back. */
const fencedMs = 2_000;

export async function openWorkers(options: WorkersOptions): Promise<Workers> {
  const { kafka, events } = options;
  const open = new Map<number, PartitionWorker>();
  const keepers = new Map<number, Keeper>();
  let assigned: readonly number[] = [];
  let isClosed = false;

  function assign(partitions: readonly number[]): void {
    if (isClosed) return;
    assigned = partitions;
    events.assigned(partitions);
    for (const [partition, keeper] of keepers) {
      if (!partitions.includes(partition)) keeper.stop();
    }
    for (const partition of partitions) {
      // One that is still closing is opened again when it has closed: never two of one in a process.
      const before = keepers.get(partition);
      if (before === undefined || before.isStopping) keep(partition, before?.ended);
    }
  }

  function keep(partition: number, before: Promise<void> | undefined): void {
    const stopping = new AbortController();
    const { signal } = stopping;
    const keeper: Keeper = {
      get isStopping() {
        return signal.aborted;
      },
      stop: () => stopping.abort(),
      ended: keepOpen(options, { partition, open, signal, before }).finally(() => {
        if (keepers.get(partition) === keeper) keepers.delete(partition);
      }),
    };
    keepers.set(partition, keeper);
  }

  const membership: Membership = await kafka.join({
    group: options.group,
    topic: options.topic,
    node: options.node,
    working: () => [...keepers].filter(([, { isStopping }]) => !isStopping).map(([own]) => own),
    held: options.held,
    assigned: assign,
    lost: (error) => events.membershipLost(error),
  });
  return {
    partitions: open,
    get assigned() {
      return assigned;
    },
    async close() {
      isClosed = true;
      for (const keeper of keepers.values()) keeper.stop();
      await Promise.all([...keepers.values()].map(({ ended }) => ended));
      await membership.close();
    },
  };
}

interface Keeper {
  readonly isStopping: boolean;
  readonly ended: Promise<void>;
  stop(): void;
}

interface KeptPartition {
  readonly partition: number;
  readonly open: Map<number, PartitionWorker>;
  /** The partition is another worker's from now on. */
  readonly signal: AbortSignal;
  /** Of who had it before, in this process. */
  readonly before: Promise<void> | undefined;
}

/** Opens the partition, and again whenever it ends by itself, until the signal aborts. */
async function keepOpen(options: WorkersOptions, kept: KeptPartition): Promise<void> {
  const { clock, events } = options;
  const { partition, open, signal } = kept;
  await kept.before;
  let delayMs = retryMsMin;
  while (!signal.aborted) {
    const ending = Promise.withResolvers<unknown>();
    const stop = (): void => ending.resolve(undefined);
    signal.addEventListener('abort', stop);
    try {
      const worker = await options.open(partition, ending.resolve, signal);
      open.set(partition, worker);
      const openedMs = clock.monotonicMs();
      const error = await ending.promise;
      if (!signal.aborted) events.ended({ partition, error });
      if (clock.monotonicMs() - openedMs >= steadyMs) delayMs = retryMsMin;
      if (isFenced(error)) delayMs = fencedMs;
      await worker.close();
    } catch (error) {
      if (!signal.aborted) events.openFailed({ partition, error });
    } finally {
      open.delete(partition);
      signal.removeEventListener('abort', stop);
    }
    await pause(clock, delayMs, signal);
    delayMs = Math.min(2 * delayMs, retryMsMax);
  }
}

function isFenced(error: unknown): boolean {
  return error instanceof CodedError && error.code === 'KAFKA_FENCED';
}
