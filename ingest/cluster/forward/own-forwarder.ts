/**
 * Sends the node's own log of readings to Kafka: once the node's number is this process's, and the log
 * reaches as far as Kafka knows it.
 */
import { readdirSync, statSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../devices/clock.ts';
import type { DevicesConfig } from '../../../devices/config.ts';
import { openRegistryReader } from '../../../devices/registry-sqlite-reader.ts';
import type { Telemetry } from '../../../devices/telemetry.ts';
import type { LogRetention } from '../../log/config.ts';
import { createDurableEnd } from '../../log/durable-end.ts';
import { openNodeFileSystem } from '../../log/file-system-node.ts';
import type { Kafka } from '../../log/kafka/kafka.ts';
import type { Position } from '../../log/log.ts';
import { openLogReader } from '../../log/segment-log.ts';
import type { ClusterConfig } from '../config.ts';
import { createForwardEvents, type ForwardEvents } from './events.ts';
import { openForwarder, type Forwarder } from './forwarder.ts';
import { tellRetention } from './retention.ts';
import { beginStart } from './start.ts';
import { untilJoined } from '../node-joined.ts';
import { namesOf } from '../names.ts';
import type { StartGate } from './start-gate.ts';

export interface OwnForwarderOptions {
  readonly kafka: Kafka;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly cluster: ClusterConfig;
  readonly devices: DevicesConfig;
  readonly ends: {
    readonly readings: SharedArrayBuffer;
    readonly forwarded: SharedArrayBuffer;
    readonly joined: SharedArrayBuffer;
  };
  readonly paths: { readonly path: string; readonly readings: string; readonly registry: string };
  readonly log: { readonly readings: LogRetention };
  readonly gate: StartGate;
  /** The owner of the log may delete what lies before: Kafka has it, and it is noted. */
  readonly consumed: (position: Position) => Promise<void>;
  readonly failed: (error: unknown) => void;
  /** The node is closed. */
  readonly signal: AbortSignal;
}

/** Undefined where it was closed before. What it opens is closed by `closers`, the last first. */
export async function openOwnForwarder(
  options: OwnForwarderOptions,
  closers: (() => Promise<unknown>)[],
): Promise<Forwarder | undefined> {
  const events = createForwardEvents(options.telemetry);
  const endAtStart = await proveStart(options, events);
  if (endAtStart === undefined) return undefined;
  const { kafka, clock, cluster, paths, log, ends, failed } = options;
  const fileSystem = openNodeFileSystem();
  const readingsEnd = createDurableEnd(ends.readings);
  const directory = paths.readings;
  const readings = await openLogReader({ fileSystem, directory, durableEnd: readingsEnd });
  closers.push(() => readings.close());
  const registry = openRegistryReader(paths.registry, { clock, config: options.devices });
  closers.push(async () => registry.close());
  const producer = await kafka.openProducer();
  closers.push(() => producer.close());
  const looking = repeatRefresh(clock, registry);
  closers.push(async () => looking.stop());
  const forwarder = await openForwarder({
    node: cluster.node,
    partitions: cluster.partitions,
    readings,
    readingsEnd,
    endAtStart,
    producer,
    registry,
    fileSystem,
    directory: paths.path,
    clock,
    config: cluster.forward,
    topic: namesOf(cluster.kafka.topicPrefix).topics.readings,
    events,
    forwardedEnd: createDurableEnd(ends.forwarded),
    noted: tellRetention({ ...options, events }),
    freeBytes: async () => freeBytesOf(directory, log.readings.totalBytesMax),
    failed,
  });
  closers.push(() => forwarder.close());
  return forwarder;
}

/** Where the log ended at this start, held against Kafka; undefined where it was closed before. */
async function proveStart(
  options: OwnForwarderOptions,
  events: ForwardEvents,
): Promise<Position | undefined> {
  const { cluster, paths, ends, clock, gate, signal } = options;
  const end = await gate.untilEnd(signal);
  if (end === undefined) return undefined;
  const start = await beginStart(
    {
      ...options,
      events,
      node: cluster.node,
      topics: namesOf(cluster.kafka.topicPrefix).topics,
      fileSystem: openNodeFileSystem(),
      directory: paths.path,
    },
    end,
  );
  await untilJoined(ends.joined, clock, signal);
  const endAtStart = signal.aborted ? undefined : await start.prove();
  if (endAtStart !== undefined) gate.tellProven();
  return endAtStart;
}

/** By how much a log may still grow: what its disk has left, and what its bound leaves. */
function freeBytesOf(directory: string, totalBytesMax: number | null): number {
  const { bavail, bsize } = statfsSync(directory);
  const disk = bavail * bsize;
  if (totalBytesMax === null) return disk;
  const used = readdirSync(directory)
    .map((name) => statSync(join(directory, name)).size)
    .reduce((sum, size) => sum + size, 0);
  return Math.max(0, Math.min(disk, totalBytesMax - used));
}

const refreshMs = 250;

/** Routing follows the registry without being told: a version is used once it was seen and noted. */
function repeatRefresh(
  clock: Clock,
  registry: { refresh(): unknown },
): { readonly stop: () => void } {
  let next = clock.schedule(refreshMs, round);
  function round(): void {
    registry.refresh();
    next = clock.schedule(refreshMs, round);
  }
  return { stop: () => next.cancel() };
}
