/**
 * Reads partitions from offsets of our choosing. One request at a time to each server asks for all
 * partitions that it leads and that have room for more, and waits there for what is new: so
 * hundreds of partitions cost one connection, and memory is bounded by what is asked for.
 */
import type Cluster from 'kafkajs/src/cluster/index.js';
import type { Clock } from '../../../devices/clock.ts';
import type { KafkaConfig } from './config.ts';
import { createConnections } from './connections.ts';
import { createFetching, seeToAll } from './fetch-loop.ts';
import type { Offset, PartitionReader } from './kafka.ts';
import { createPartitionQueue } from './partition-queue.ts';

export interface FetcherParts {
  readonly clock: Clock;
  readonly config: Pick<KafkaConfig, 'fetchWaitMs' | 'readAheadBytesMax' | 'requestTimeoutMs'>;
  readonly openCluster: () => Cluster;
}

export interface Fetcher {
  openReader(topic: string, partition: number, offset: Offset): PartitionReader;
  /** Closes all readers, and ends what is under way. */
  close(): Promise<void>;
}

export function createFetcher({ clock, config, openCluster }: FetcherParts): Fetcher {
  const connections = createConnections(openCluster);
  const fetching = createFetching({ clock, config, connections });
  const { queues, closing, stir } = fetching;
  let seeing: Promise<void> | undefined;

  return {
    openReader(topic, partition, offset) {
      const queue = createPartitionQueue({
        topic,
        partition,
        offset,
        bytesMax: config.readAheadBytesMax,
        stir,
        closed: () => {
          queues.delete(queue);
          stir();
        },
      });
      if (closing.signal.aborted) {
        queue.reader.close();
      } else {
        queues.add(queue);
        seeing ??= seeToAll(fetching);
        stir();
      }
      return queue.reader;
    },
    async close() {
      closing.abort();
      for (const queue of queues) queue.reader.close();
      for (const timer of fetching.resting) timer.cancel();
      stir();
      await connections.close();
      await Promise.all([seeing, ...fetching.works]);
    },
  };
}
