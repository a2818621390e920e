/**
 * A worker's thread: decides the partitions that the group gives it, each with a view of its own in
 * the data folder, and carries observations into InfluxDB.
 */
import { mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DevicesConfig } from '../../devices/config.ts';
import type { RegistryReader } from '../../devices/registry.ts';
import { openRegistryReader } from '../../devices/registry-sqlite-reader.ts';
import { runRoom, type RoomData, type RoomSurroundings } from '../../room-thread.ts';
import type { IngestConfig } from '../config.ts';
import { openNodeFileSystem } from '../log/file-system-node.ts';
import type { Kafka } from '../log/kafka/kafka.ts';
import { registryWaiter } from './await-registry.ts';
import type { ClusterConfig } from './config.ts';
import { connectKafka } from './connect.ts';
import { metricsOnce } from './metrics-once.ts';
import { namesOf } from './names.ts';
import { openRegistryDuty, type RegistryDuty } from './node-registry.ts';
import { createOldRows } from './old-rows.ts';
import { openPartitionEvents } from './partition-events.ts';
import { openPartition } from './partition-worker.ts';
import type { PartitionHorizon } from './partition-view.ts';
import { openPast, type Past } from './past.ts';
import { tellJoined, untilIdentity, untilJoined } from './node-joined.ts';
import type { ClusterIdentity } from './registry/identity.ts';
import { openSinkDuty } from './sink-duty.ts';
import { balanceText } from './workers-balance.ts';
import { openWorkers, type Workers } from './workers.ts';

export interface DecideRoomData extends RoomData {
  readonly room: 'decide';
  readonly paths: {
    readonly path: string;
    readonly registry: string;
    readonly identity: { readonly storeId: string };
  };
  readonly devices: DevicesConfig;
  readonly ingest: IngestConfig;
  readonly cluster: ClusterConfig;
  readonly joined: SharedArrayBuffer;
  /** No api in this process: this thread keeps the copy of the registry. */
  readonly keepsRegistry: boolean;
}

type Surroundings = RoomSurroundings<DecideRoomData>;

const foldersName = 'partitions';

async function openDecideRoom(room: Surroundings) {
  const { data, clock } = room;
  const telemetry = { ...room.telemetry, metrics: metricsOnce(room.telemetry.metrics) };
  const readText = (path: string): string => readFileSync(path, 'utf8');
  const clientId = `node-${data.cluster.node}-ingest`;
  const { kafka: config } = data.cluster;
  const kafka = connectKafka({ config, clock, telemetry, clientId, readText });
  const duty = data.keepsRegistry ? openDuty(room, kafka) : undefined;
  const closers: (() => Promise<unknown>)[] = [];
  const stopping = new AbortController();
  let workers: Workers | undefined;

  async function work(): Promise<void> {
    const { busyTimeoutMs } = data.devices;
    const { signal } = stopping;
    await untilJoined(data.joined, clock, signal);
    const registryFile = { path: data.paths.registry, busyTimeoutMs };
    const identity = await untilIdentity(registryFile, clock, signal);
    if (identity === undefined) return;
    const registry = openRegistryReader(data.paths.registry, { clock, config: data.devices });
    closers.push(async () => registry.close());
    const { influx } = data.cluster;
    const past =
      influx === undefined
        ? undefined
        : openPast({ kafka, registry, clock, influx, readText, cluster: data.cluster });
    closers.push(async () => past?.close());
    const working = await openOwnWorkers({ room, kafka, identity, registry, telemetry, past });
    workers = working;
    closers.push(() => working.close());
    if (influx === undefined) return;
    const sink = await openSinkDuty({
      kafka,
      registry,
      clock,
      random: room.random,
      telemetry,
      influx,
      readText,
      cluster: data.cluster,
      failed: room.fail,
    });
    closers.push(() => sink.close());
  }
  const metrics = async (): Promise<string> => (await room.telemetry.text()) + balanceText(workers);
  const working = work().catch(room.fail);
  const health = () => ({
    room: 'ingest',
    isReady: workers !== undefined,
    reasons: workers === undefined ? ['the cluster is not reached yet'] : [],
    partitions: workers?.assigned ?? [],
  });

  return {
    ready: {},
    calls: { health, metrics },
    rooms: { api: { health, metrics } },
    async close() {
      stopping.abort();
      await duty?.close();
      await Promise.race([
        working,
        new Promise((resolve) => void clock.schedule(1_000, () => resolve(undefined))),
      ]);
      for (const close of closers.splice(0).reverse()) await close();
      await kafka.close();
    },
  };
}

function openDuty(room: Surroundings, kafka: Kafka): RegistryDuty {
  const { data, clock, random, telemetry } = room;
  const duty = openRegistryDuty({
    kafka,
    cluster: data.cluster,
    devices: data.devices,
    clock,
    random,
    telemetry,
    path: data.paths.registry,
    logId: data.paths.identity.storeId,
    onVersion: () => undefined,
    onFailed: room.fail,
  });
  duty.joined.then(() => tellJoined(data.joined), room.fail);
  return duty;
}

interface WorkersParts {
  readonly room: Surroundings;
  readonly kafka: Kafka;
  readonly identity: ClusterIdentity;
  readonly registry: RegistryReader;
  readonly telemetry: Surroundings['telemetry'];
  /** Absent: every view holds everything. */
  readonly past: Past | undefined;
}

function openOwnWorkers(parts: WorkersParts): Promise<Workers> {
  const { room, kafka, identity, registry, telemetry, past } = parts;
  const { data, clock } = room;
  const { cluster, paths } = data;
  const names = namesOf(cluster.kafka.topicPrefix);
  const events = openPartitionEvents(telemetry);
  const folder = join(paths.path, foldersName);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const config = configOfPartition(data.ingest, cluster);
  const untilRegistry = registryWaiter(registry, clock);
  const isCircular = (series: number): boolean => {
    const { bySeries, properties } = registry.current();
    return properties.get(bySeries[series]?.property ?? '')?.circular === true;
  };
  return openWorkers({
    kafka,
    clock,
    events,
    node: cluster.node,
    group: names.groups.ingest,
    topic: names.topics.readings,
    held: () => partitionsIn(folder),
    open: async (partition, onEnded, signal) => {
      const directory = join(folder, String(partition));
      mkdirSync(directory, {
        recursive: true,
        mode: 448,
      });
      return openPartition({
        kafka,
        clock,
        settleMs: cluster.settleMs,
        telemetry,
        events,
        registry,
        untilRegistry,
        config,
        isCircular,
        horizon: past && horizonOf(past, cluster, partition),
        partition,
        partitions: cluster.partitions,
        topics: names.topics,
        directory,
        onEnded,
        signal,
        transactionalId: names.batchWriterOf(partition),
        storeId: identity.storeId,
        fileSystem: openNodeFileSystem(),
      });
    },
  });
}

/** By their folders, the one last worked on first. */
function partitionsIn(folder: string): number[] {
  const changedAt = (partition: number): number =>
    statSync(join(folder, String(partition))).mtimeMs;
  return readdirSync(folder)
    .map(Number)
    .filter(Number.isInteger)
    .toSorted((a, b) => changedAt(b) - changedAt(a));
}

const tailBytesMin = 4_194_304;
const windowsBytesMin = 8_388_608;

/** Bounds of the whole thread, shared by as many partitions as it may have to decide. */
function configOfPartition(ingest: IngestConfig, cluster: ClusterConfig): IngestConfig {
  const share = (bytes: number, least: number): number =>
    Math.min(bytes, Math.max(least, Math.floor(bytes / cluster.partitions)));
  return {
    ...ingest,
    stretch: { ...ingest.stretch, commitIntervalMs: cluster.commitIntervalMs },
    windows: { ...ingest.windows, bytesMax: share(ingest.windows.bytesMax, windowsBytesMin) },
    store: { ...ingest.store, tailBytesMax: share(ingest.store.tailBytesMax, tailBytesMin) },
  };
}

const dayMs = 86_400_000;

/** What a partition's worker asks of the past. */
function horizonOf(past: Past, cluster: ClusterConfig, partition: number): PartitionHorizon {
  const notedPosition = async (): Promise<number> => (await past.noted()).get(partition) ?? 0;
  const { history } = past;
  return {
    lengthMs: cluster.horizonDays * dayMs,
    notedPosition,
    oldRows: createOldRows({ history, notedPosition, waitMs: cluster.historyWaitMs }),
  };
}

await runRoom(openDecideRoom);
