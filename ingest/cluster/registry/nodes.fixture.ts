/** Nodes of a cluster as its registry has them, each with a folder of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSystemClock } from '../../../devices/clock-system.ts';
import { sleep, type Clock } from '../../../devices/clock.ts';
import { defaultDevicesConfig } from '../../../devices/config.ts';
import { createSeededRandom } from '../../../devices/random.ts';
import { openRegistryCopy, type RegistryCopy } from '../../../devices/registry-copy.ts';
import { openRegistryTrial, type RegistryTrial } from '../../../devices/registry-trial.ts';
import type { NodeUnderTest } from '../../../devices/registry/changes.contract.ts';
import {
  createRecordedTelemetry,
  type RecordedTelemetry,
} from '../../../devices/telemetry-silent.ts';
import type { Kafka } from '../../log/kafka/kafka.ts';
import { registryMarkers } from './markers.ts';
import { openNodeRegistry, type NodeRegistry, type NodeRegistryOptions } from './open.ts';

export const partitions = 3;

/** The least there is, so that a version may easily be larger. */
export const messageBytesMax = 1_048_576;

/** What one cluster is called in Kafka: a test on a real server has names of its own. */
export interface ClusterNames {
  readonly registry: string;
  readonly readings: string;
  readonly transactionalId: string;
}

export const plainNames: ClusterNames = {
  registry: 'registry',
  readings: 'readings',
  transactionalId: 'quantrac-registry',
};

export function ensureTopics(kafka: Kafka, names: ClusterNames): Promise<void> {
  const common = {
    replicationFactor: 1,
    minInsyncReplicas: 1,
    retentionMs: -1,
    messageBytesMax,
  };
  return kafka.ensureTopics([
    { ...common, topic: names.registry, partitions: 1, cleanupPolicy: 'compact' },
    { ...common, topic: names.readings, partitions, cleanupPolicy: 'delete' },
  ]);
}

export interface TestNode extends NodeUnderTest {
  readonly registry: RegistryTrial;
  readonly node: NodeRegistry;
  readonly copy: RegistryCopy;
  readonly telemetry: RecordedTelemetry;
  /** Versions that the node was told of. */
  readonly told: readonly number[];
  /** Why it stopped following. */
  readonly failures: readonly unknown[];
  close(): Promise<void>;
}

export interface TestNodeOptions extends Partial<
  Pick<NodeRegistryOptions, 'claim' | 'proposed' | 'random'>
> {
  readonly number: number;
  /** Folder of the node: the same one is the same node again. */
  readonly folder: string;
  readonly clock?: Clock;
}

export async function openTestNode(
  kafka: Kafka,
  names: ClusterNames,
  options: TestNodeOptions,
): Promise<TestNode> {
  const { number, folder, clock = openSystemClock() } = options;
  const random = options.random ?? createSeededRandom(number);
  const telemetry = createRecordedTelemetry();
  const path = join(folder, 'registry.db');
  const copy = openRegistryCopy(path, defaultDevicesConfig());
  const trial = openRegistryTrial(path, { clock, random });
  const waiting = openSystemClock();
  const told: number[] = [];
  const failures: unknown[] = [];
  const closeFiles = (): void => {
    trial.close();
    copy.close();
  };
  try {
    const node = await openNodeRegistry({
      kafka,
      topic: names.registry,
      transactionalId: names.transactionalId,
      copy,
      clock,
      random,
      telemetry,
      claim: options.claim ?? { node: number, logId: `log-${number}`, session: 's', host: 'here' },
      proposed: options.proposed ?? { storeId: `store-${number}`, partitions },
      onVersion(version) {
        told.push(version);
        trial.refresh();
      },
      onFailed: (error) => void failures.push(error),
    });
    const markers = { topic: names.readings, partitions };
    return {
      node,
      copy,
      registry: trial,
      telemetry,
      told,
      failures,
      changes: node.changesOn(trial, (marker) => registryMarkers(markers, marker)),
      async holds(version) {
        for (let left = 6_000; copy.version < version; left -= 1) {
          if (left === 0) throw new Error(`version ${version} did not come`);
          await sleep(waiting, 10);
        }
        trial.refresh();
      },
      async close() {
        await node.close();
        closeFiles();
      },
    };
  } catch (error) {
    closeFiles();
    throw error;
  }
}

/** A folder of folders, removed by `remove`. */
export function createFolders(): { folder(name: string): string; remove(): void } {
  const root = mkdtempSync(join(tmpdir(), 'quantrac-nodes-'));
  const made = new Map<string, string>();
  return {
    folder(name) {
      const known = made.get(name) ?? mkdtempSync(join(root, `${name}-`));
      made.set(name, known);
      return known;
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
