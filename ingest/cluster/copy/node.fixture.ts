/** A node's copy over a folder of its own, as its thread opens it, and the view as others read it. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { sleep, type Clock } from '../../../devices/clock.ts';
import { devicesConfigSchema } from '../../../devices/config.ts';
import { createSeededRandom } from '../../../devices/random.ts';
import type { Telemetry } from '../../../devices/telemetry.ts';
import type { IngestConfig } from '../../config.ts';
import { logConfigSchema } from '../../log/config.ts';
import { createDurableEnd, durableEndBytes } from '../../log/durable-end.ts';
import { openNodeFileSystem } from '../../log/file-system-node.ts';
import type { Kafka } from '../../log/kafka/kafka.ts';
import type { LogReader, Position } from '../../log/log.ts';
import { openLogReader } from '../../log/segment-log.ts';
import { decodeBatch } from '../../observations/batch-codec.ts';
import { openStoreFollower } from '../../store/follower.ts';
import type { StoreFollower } from '../../store/store.ts';
import { clusterConfigSchema } from '../config.ts';
import type { Copy } from './copy.ts';
import { createLevels, levelsBytes, type Levels } from '../levels.ts';
import { openLocalCopy, type LocalCopyOptions } from './open.ts';
import type { Past } from '../past.ts';

export interface CopyNodeOptions {
  /** Holds the registry of the network. */
  readonly root: string;
  readonly kafka: Kafka;
  readonly partitions: number;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly config: IngestConfig;
  readonly folder: string;
  readonly past?: Past | undefined;
  readonly forgetEveryMs?: number;
  readonly fail: (error: unknown) => void;
}

export interface CopyNode {
  readonly folder: string;
  readonly copy: Copy;
  readonly view: StoreFollower;
  readonly levels: Levels;
  /** Resolves once it holds these batches of the partitions; rejects what `failure` says. */
  until(positions: readonly Position[], failure: () => unknown): Promise<void>;
  openReader(): Promise<LogReader>;
  /** Of each batch of a partition, in order, what it says it has consumed. */
  consumed(partition: number): Promise<number[]>;
  close(): Promise<void>;
}

const patienceMs = 60_000;

export const copyFolder = (root: string): string => mkdtempSync(join(root, 'copy-'));

export async function openCopyNode(options: CopyNodeOptions): Promise<CopyNode> {
  const { folder, root, partitions, config } = options;
  const ends = {
    observations: new SharedArrayBuffer(durableEndBytes),
    levels: new SharedArrayBuffer(levelsBytes(partitions)),
  };
  const paths = {
    observations: join(folder, 'observations'),
    view: join(folder, 'view.db'),
    registry: join(root, 'registry.db'),
  };
  const { copy, close } = await openCopyOver(options, paths, ends);
  const view = openStoreFollower({
    path: paths.view,
    config: config.store,
    isCircular: () => false,
  });
  const end = createDurableEnd(ends.observations);
  const openReader = () =>
    openLogReader({
      fileSystem: openNodeFileSystem(),
      directory: paths.observations,
      durableEnd: end,
    });
  return {
    folder,
    copy,
    view,
    levels: createLevels(ends.levels),
    async until(positions, failure) {
      const isThere = (): boolean =>
        end.get() > 0 && positions.every((position, at) => copy.positions[at] === position);
      const startMs = performance.now();
      while (!isThere()) {
        if (performance.now() - startMs > patienceMs) throw failure() ?? new Error('not level');
        await sleep(options.clock, 5);
      }
    },
    openReader,
    async consumed(partition) {
      const reader = await openReader();
      const consumed: number[] = [];
      for (let records = await reader.read(65_536); records.length > 0;) {
        for (const { position, body } of records) {
          const batch = decodeBatch(position, body);
          if (batch.place?.partition === partition) consumed.push(batch.consumed);
        }
        records = await reader.read(65_536);
      }
      await reader.close();
      return consumed;
    },
    async close() {
      view.close();
      await close();
    },
  };
}

/** With nothing left open where it rejects. */
async function openCopyOver(
  options: CopyNodeOptions,
  paths: LocalCopyOptions['paths'],
  ends: LocalCopyOptions['ends'],
): Promise<{ readonly copy: Copy; readonly close: () => Promise<void> }> {
  const own: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const each of own.splice(0).reverse()) await each();
  };
  const opening = openLocalCopy(
    {
      ...options,
      storeId: 'copy',
      cluster: clusterConfigSchema.parse({
        node: 1,
        partitions: options.partitions,
        horizonDays: 4,
        kafka: { brokers: ['127.0.0.1:1'], topicPrefix: '' },
      }),
      ingest: options.config,
      devices: devicesConfigSchema.parse({}),
      log: logConfigSchema.parse({ segmentBytesMax: 4_096 }),
      forgetEveryMs: options.forgetEveryMs ?? 1e9,
      paths,
      ends,
      random: createSeededRandom(1),
      openPast: () => options.past,
      signal: new AbortController().signal,
    },
    own,
  );
  const copy = await opening.catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return { copy: copy!, close };
}
