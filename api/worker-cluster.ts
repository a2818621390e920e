/**
 * The API's thread on a node of a cluster: it keeps the copy of the registry, and changes go through
 * Kafka. Loaded there alone.
 */
import { readFileSync } from 'node:fs';
import type { Clock } from '../devices/clock.ts';
import type { DevicesConfig } from '../devices/config.ts';
import type { Random } from '../devices/random.ts';
import { openRegistryTrial } from '../devices/registry-trial.ts';
import type { RegistryWriterOptions } from '../devices/registry-sqlite.ts';
import type { RegistryChanges } from '../devices/registry/changes.ts';
import type { Telemetry } from '../devices/telemetry.ts';
import type { ClusterConfig } from '../ingest/cluster/config.ts';
import { lastBatchBefore } from '../ingest/cluster/beginning.ts';
import { connectKafka } from '../ingest/cluster/connect.ts';
import { tellJoined } from '../ingest/cluster/node-joined.ts';
import { createLevels } from '../ingest/cluster/levels.ts';
import { namesOf } from '../ingest/cluster/names.ts';
import { openRegistryDuty } from '../ingest/cluster/node-registry.ts';
import { openPast, type Past as NodePast } from '../ingest/cluster/past.ts';
import { registryMarkers } from '../ingest/cluster/registry/markers.ts';
import type { NodeRegistry } from '../ingest/cluster/registry/open.ts';
import type { Kafka } from '../ingest/log/kafka/kafka.ts';
import { apiError } from './errors.ts';
import type { PastOptions } from './past/past.ts';

export interface ApiClusterData {
  readonly cluster: ClusterConfig;
  readonly levels: SharedArrayBuffer;
  readonly joined: SharedArrayBuffer;
  readonly startGate: SharedArrayBuffer;
}

export interface ClusterRegistryOptions extends RegistryWriterOptions, ApiClusterData {
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly devices: DevicesConfig;
  readonly paths: { readonly registry: string; readonly identity: { readonly storeId: string } };
  /** The doors of this process look at the registry again. */
  readonly tell: () => Promise<void>;
  readonly fail: (error: unknown) => void;
}

/** Resolves once it is known which cluster this is: from the folder, or when Kafka answers. */
export async function openClusterRegistry(options: ClusterRegistryOptions) {
  const { cluster, clock, random, telemetry, paths, devices } = options;
  const names = namesOf(cluster.kafka.topicPrefix);
  const kafka = connectKafka({
    config: cluster.kafka,
    clock,
    telemetry,
    clientId: `node-${cluster.node}-api`,
    readText: readTextFile,
  });
  const duty = openRegistryDuty({
    kafka,
    cluster,
    devices,
    clock,
    random,
    telemetry,
    path: paths.registry,
    logId: paths.identity.storeId,
    onVersion: () => {
      registry.refresh();
      return options.tell();
    },
    onFailed: options.fail,
  });
  duty.joined.then(() => tellJoined(options.joined), options.fail);
  const registry = openRegistryTrial(paths.registry, options);
  const identity = duty.known ?? (await duty.joined)?.identity;
  if (identity === undefined) throw apiError('API_CLUSTER_AWAY');
  const marks = { topic: names.topics.readings, partitions: identity.partitions };
  const levels = createLevels(options.levels);
  const { influx } = cluster;
  const past =
    influx && openPast({ kafka, registry, clock, influx, cluster, readText: readTextFile });
  return {
    registry,
    changes: lateChanges(duty.joined, (joined) =>
      joined.changesOn(registry, (marker) => registryMarkers(marks, marker)),
    ),
    marking: 'within' as const,
    storeIdentity: { storeId: identity.storeId, earlier: [] },
    copy: {
      partitions: identity.partitions,
      levelAt: (partition: number) => levels.get(partition),
      settleMs: cluster.settleMs,
      past: past && pastOf(past, { kafka, topic: names.topics.observations }),
    },
    async close() {
      past?.close();
      await duty.close();
      await kafka.close();
    },
  };
}

const readTextFile = (path: string): string => readFileSync(path, 'utf8');

/** What lies before the horizon: rows are in InfluxDB, and when batches were published is in Kafka. */
function pastOf(
  past: NodePast,
  { kafka, topic }: { readonly kafka: Kafka; readonly topic: string },
): PastOptions {
  return {
    history: past.history,
    noted: () => past.noted(),
    async publishedBy(at, partition, upTo) {
      const found = await lastBatchBefore({ kafka, topic, partition }, { at: at + 1, upTo });
      return found?.position ?? 0;
    },
  };
}

/** Until the node has joined nothing can be changed: the operator is told so at once. */
function lateChanges(
  joined: Promise<NodeRegistry | undefined>,
  changesOf: (joined: NodeRegistry) => RegistryChanges,
): RegistryChanges {
  let changes: RegistryChanges | undefined;
  void joined.then(
    (registry) => {
      if (registry !== undefined) changes = changesOf(registry);
    },
    // The failure ends the node and is told there.
    () => undefined,
  );
  return {
    async change(work) {
      if (changes === undefined) throw apiError('API_CLUSTER_AWAY');
      return changes.change(work);
    },
  };
}
