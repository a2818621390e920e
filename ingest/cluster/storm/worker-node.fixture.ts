/** A process that decides partitions: can be killed, frozen, lose its views, and be given partitions. */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../devices/clock.ts';
import type { Registry, RegistryReader } from '../../../devices/registry.ts';
import { createRecordedTelemetry } from '../../../devices/telemetry-silent.ts';
import { ingestConfigSchema } from '../../config.ts';
import { createMemoryFileSystem } from '../../log/file-system-memory.ts';
import type { FileSystem } from '../../log/file-system.ts';
import type { Kafka, MembershipOptions } from '../../log/kafka/kafka.ts';
import { registryWaiter } from '../await-registry.ts';
import { metricsOnce } from '../metrics-once.ts';
import { openPartitionEvents } from '../partition-events.ts';
import { openPartition } from '../partition-worker.ts';
import { openWorkers, type Workers } from '../workers.ts';
import { createFate, mortalClock, mortalKafka, type Fate, type Lies } from './lies.fixture.ts';
import { partitions } from './network.fixture.ts';

/** Small bounds: many batches, views that are flushed, series that are loaded again. */
export const stormConfig = ingestConfigSchema.parse({
  stretch: { readBytesMax: 2_048, rowsMax: 24, commitIntervalMs: 2 },
  windows: { bytesMax: 65_536, points: 16, lookBackPointsMax: 16 },
  store: { tailAgeMsMax: 1_000 },
});

export interface ClusterNames {
  readonly topics: { readonly readings: string; readonly observations: string };
  readonly transactionalId: (partition: number) => string;
}

export interface WorkerNodeOptions {
  readonly number: number;
  /** In which the node makes its own folder. */
  readonly root: string;
  readonly clock: Clock;
  readonly connect: () => Kafka;
  readonly names: ClusterNames;
  readonly registry: RegistryReader;
  readonly lies: Lies;
}

export interface WorkerNode {
  readonly number: number;
  /** Partitions that its group says are its own. */
  readonly assigned: readonly number[];
  /** The version of the registry that has come to this node. */
  registryVersion: number;
  /** Of partitions that ended by themselves or could not be opened, by code; all its lives. */
  readonly endings: ReadonlyMap<string, number>;
  readonly openings: number;
  /** Has nothing open. */
  readonly isIdle: boolean;
  /** The view of a partition; the file may not be there. */
  readonly viewOf: (partition: number) => string;
  assign(partitions: readonly number[]): void;
  freeze(): void;
  thaw(): void;
  /** As by `kill -9`, then started again. `forgets`: its folder is lost. */
  kill(forgets: boolean): Promise<void>;
  close(): Promise<void>;
  /** Ends what was left lying by kills. */
  bury(): Promise<void>;
}

interface Life {
  readonly fate: Fate;
  readonly kafka: Kafka;
  readonly workers: Workers;
  readonly membership: MembershipOptions;
}

export async function openWorkerNode(options: WorkerNodeOptions): Promise<WorkerNode> {
  const { number, root } = options;
  const state = { registryVersion: 0 };
  const endings = new Map<string, number>();
  const graves: Life[] = [];
  let openings = 0;
  let home = openHome(root);
  let life = await live(home);

  function live({ folder, fileSystem }: Home): Promise<Life> {
    return openLife(options, {
      folder,
      fileSystem,
      registry: registryAsSeen(options.registry, state),
      ended: (code) => void endings.set(code, (endings.get(code) ?? 0) + 1),
      opening: () => void openings++,
    });
  }

  return {
    number,
    endings,
    get assigned() {
      return life.workers.assigned;
    },
    get isIdle() {
      return life.workers.partitions.size === 0;
    },
    get openings() {
      return openings;
    },
    get registryVersion() {
      return state.registryVersion;
    },
    set registryVersion(version) {
      state.registryVersion = version;
    },
    viewOf: (partition) => join(home.folder, String(partition), 'view.db'),
    assign: (own) => life.membership.assigned(own),
    freeze: () => life.fate.freeze(),
    thaw: () => life.fate.thaw(),
    async kill(forgets) {
      life.fate.die();
      graves.push(life);
      if (forgets) home = openHome(root);
      life = await live(home);
    },
    async close() {
      life.fate.thaw();
      await life.workers.close();
      await life.kafka.close();
    },
    async bury() {
      await Promise.all(
        graves.splice(0).map(async ({ fate, workers, kafka }) => {
          fate.bury();
          await workers.close();
          await kafka.close();
        }),
      );
    },
  };
}

interface Home {
  readonly folder: string;
  readonly fileSystem: FileSystem;
}

function openHome(root: string): Home {
  return { folder: mkdtempSync(join(root, 'node-')), fileSystem: createMemoryFileSystem() };
}

/** A node's own copy holds the versions that have come to it, and no other. */
function registryAsSeen(
  registry: RegistryReader,
  state: { readonly registryVersion: number },
): RegistryReader {
  const seen = (): Registry => registry.at(state.registryVersion);
  return {
    ...registry,
    current: seen,
    refresh: seen,
    at(version) {
      if (version > state.registryVersion) throw new Error(`version ${version} has not come yet`);
      return registry.at(version);
    },
  };
}

interface LifeParts extends Home {
  readonly registry: RegistryReader;
  readonly ended: (code: string) => void;
  readonly opening: () => void;
}

async function openLife(options: WorkerNodeOptions, parts: LifeParts): Promise<Life> {
  const fate = createFate();
  const clock = mortalClock(options.clock, fate);
  let membership: MembershipOptions | undefined;
  const inner = options.connect();
  const kafka = mortalKafka(inner, fate, options.lies, (joined) => (membership = joined));
  const recorded = createRecordedTelemetry();
  const telemetry = { ...recorded, metrics: metricsOnce(recorded.metrics) };
  const noted = openPartitionEvents(telemetry);
  const note = ({ error }: { readonly error: unknown }): void => parts.ended(codeOf(error));
  const events = { ...noted, ended: note, openFailed: note, viewDropped: note };
  const { registry, folder, fileSystem } = parts;
  const workers = await openWorkers({
    kafka,
    clock,
    events,
    group: 'ingest',
    topic: options.names.topics.readings,
    node: options.number,
    held: () => [],
    open: async (partition, onEnded, signal) => {
      parts.opening();
      const directory = join(folder, String(partition));
      mkdirSync(directory, { recursive: true });
      await fileSystem.makeDirectory(directory);
      return openPartition({
        kafka,
        clock,
        settleMs: 5_000,
        telemetry,
        events,
        registry,
        untilRegistry: registryWaiter(registry, clock),
        config: stormConfig,
        partition,
        partitions,
        topics: options.names.topics,
        transactionalId: options.names.transactionalId(partition),
        storeId: 'storm',
        fileSystem,
        directory,
        isCircular: () => false,
        signal,
        onEnded,
      });
    },
  });
  return { fate, kafka: inner, workers, membership: membership! };
}

function codeOf(error: unknown): string {
  return (error as { readonly code?: string }).code ?? String(error);
}
