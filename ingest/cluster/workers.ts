/**
 * The partitions of one worker: opens what the group gives it, closes what the group takes, and
 * opens again what ended by itself as long as it is this worker's.
 */
import { sleep, type Clock } from '../../devices/clock.ts';
import type { Kafka, Membership } from '../log/kafka/kafka.ts';
import type { PartitionEvents } from './partition-events.ts';
import type { PartitionWorker } from './partition-worker.ts';

export interface WorkersOptions {
  readonly kafka: Kafka;
  readonly clock: Clock;
  readonly events: PartitionEvents;
  readonly group: string;
  readonly topic: string;
  readonly node: number;
  /** Partitions whose state this node holds. */
  readonly held: () => readonly number[];
  readonly open: (partition: number, onEnded: (error: unknown) => void) => Promise<PartitionWorker>;
}

export interface Workers {
  /** Open now. */
  readonly partitions: ReadonlyMap<number, PartitionWorker>;
  readonly assigned: readonly number[];
  close(): Promise<void>;
}

const retryMsMin = 250;
const retryMsMax = 5_000;

export async function openWorkers(options: WorkersOptions): Promise<Workers> {
  const { kafka, clock, events } = options;
  const open = new Map<number, PartitionWorker>();
  const keepers = new Map<number, Keeper>();
  let assigned: readonly number[] = [];

  function assign(partitions: readonly number[]): void {
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
    const stopping = Promise.withResolvers<void>();
    let isStopping = false;
    const ended = run(before).finally(() => {
      if (keepers.get(partition) === keeper) keepers.delete(partition);
    });
    const keeper: Keeper = {
      get isStopping() {
        return isStopping;
      },
      stop() {
        isStopping = true;
        stopping.resolve();
      },
      ended,
    };
    keepers.set(partition, keeper);

    async function run(earlier: Promise<void> | undefined): Promise<void> {
      await earlier;
      let delayMs = retryMsMin;
      while (!isStopping) {
        const gone = Promise.withResolvers<unknown>();
        try {
          const worker = await options.open(partition, gone.resolve);
          open.set(partition, worker);
          delayMs = retryMsMin;
          const error = await Promise.race([gone.promise, stopping.promise]);
          if (!isStopping) events.ended({ partition, error });
          await worker.close();
          open.delete(partition);
        } catch (error) {
          open.delete(partition);
          events.openFailed({ partition, error });
        }
        if (!isStopping) await Promise.race([sleep(clock, delayMs), stopping.promise]);
        delayMs = Math.min(2 * delayMs, retryMsMax);
      }
    }
  }

  const membership: Membership = await kafka.join({
    ...{ group: options.group, topic: options.topic, node: options.node, held: options.held },
    assigned: assign,
    lost: (error) => events.membershipLost(error),
  });
  return {
    partitions: open,
    get assigned() {
      return assigned;
    },
    async close() {
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
