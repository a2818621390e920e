/**
 * A thread's duty to keep this node's copy of the registry: the topics are seen to, the copy follows,
 * and the node's number is claimed. Until Kafka answers, readers have what the folder holds.
 */
import { hostname } from 'node:os';
import type { Clock } from '../../devices/clock.ts';
import type { DevicesConfig } from '../../devices/config.ts';
import type { Random } from '../../devices/random.ts';
import { openRegistryCopy } from '../../devices/registry-copy.ts';
import type { Telemetry } from '../../devices/telemetry.ts';
import type { Kafka } from '../log/kafka/kafka.ts';
import type { ClusterConfig } from './config.ts';
import { topicsReady, untilDone } from './connect.ts';
import { namesOf, topicsOf } from './names.ts';
import { readIdentity, type ClusterIdentity } from './registry/identity.ts';
import { openNodeRegistry, type NodeRegistry } from './registry/open.ts';

export interface RegistryDutyOptions {
  readonly kafka: Kafka;
  readonly cluster: ClusterConfig;
  readonly devices: DevicesConfig;
  readonly path: string;
  /** Of the data folder: the log that the node's number belongs to. */
  readonly logId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly onVersion: (version: number) => void | Promise<void>;
  readonly onFailed: (error: unknown) => void;
}

export interface RegistryDuty {
  /** What the folder knows of the cluster, whether Kafka answers or not; undefined before it joined. */
  readonly known: ClusterIdentity | undefined;
  /** Resolves once the node is part of the cluster; undefined when it was closed before. */
  readonly joined: Promise<NodeRegistry | undefined>;
  close(): Promise<void>;
}

const sessionBytes = 12;

/** Makes the copy where there is none; everything that needs Kafka goes on in the background. */
export function openRegistryDuty(options: RegistryDutyOptions): RegistryDuty {
  const { kafka, cluster, clock, random, telemetry, logId } = options;
  const names = namesOf(cluster.kafka.topicPrefix);
  const copy = openRegistryCopy(options.path, { busyTimeoutMs: options.devices.busyTimeoutMs });
  const stopping = new AbortController();
  const patience = { clock, telemetry, signal: stopping.signal };
  const session = Buffer.from(random.bytes(sessionBytes)).toString('base64url');
  const proposed: ClusterIdentity = {
    storeId: Buffer.from(random.bytes(sessionBytes)).toString('base64url'),
    partitions: cluster.partitions,
  };
  const join = async (): Promise<NodeRegistry | undefined> => {
    if ((await topicsReady(patience, kafka, topicsOf(cluster))) === undefined) return undefined;
    return untilDone(patience, () =>
      openNodeRegistry({
        kafka,
        copy,
        clock,
        random,
        telemetry,
        proposed,
        topic: names.topics.registry,
        transactionalId: names.registryWriter,
        claim: {
          node: cluster.node,
          logId,
          session,
          host: hostname(),
        },
        onVersion: options.onVersion,
        onFailed: options.onFailed,
      }),
    );
  };
  const joined = join();
  return {
    get known() {
      return readIdentity(copy);
    },
    joined,
    async close() {
      stopping.abort();
      // Why joining failed was told where it is waited for.
      const registry = await joined.catch(() => undefined);
      await registry?.close();
      copy.close();
    },
  };
}
