/** A node's copy of the observations, over the log and the view in its folder. */
import { rmSync } from 'node:fs';
import type { Clock } from '../../devices/clock.ts';
import type { DevicesConfig } from '../../devices/config.ts';
import type { Random } from '../../devices/random.ts';
import { openRegistryReader } from '../../devices/registry-sqlite-reader.ts';
import type { RegistryReader } from '../../devices/registry.ts';
import type { Telemetry } from '../../devices/telemetry.ts';
import type { IngestConfig } from '../config.ts';
import type { LogConfig } from '../log/config.ts';
import { createDurableEnd, type SharedDurableEnd } from '../log/durable-end.ts';
import { openNodeFileSystem } from '../log/file-system-node.ts';
import type { Kafka } from '../log/kafka/kafka.ts';
import type { Position } from '../log/log.ts';
import { takeOwnerLock } from '../log/owner-lock.ts';
import { openLogReader, openLogWriter } from '../log/segment-log.ts';
import { removeView } from '../store/schema.ts';
import { openStoreWriter, type ViewBeginning } from '../store/writer.ts';
import { registryWaiter } from './await-registry.ts';
import type { ClusterConfig } from './config.ts';
import { untilDone } from './connect.ts';
import {
  findCopyBeginning,
  isFurther,
  mayBeginAnew,
  mustBeginAnew,
  readHeldCopy,
} from './copy-beginning.ts';
import { openCopy, type Copy } from './copy.ts';
import { openCopyEvents, type CopyEvents } from './copy-events.ts';
import { repeatForgetting } from './forgetting.ts';
import { createLevels } from './levels.ts';
import { namesOf } from './names.ts';
import type { Past } from './past.ts';
import { seedLatest } from './seed-latest.ts';

export interface LocalCopyOptions {
  readonly kafka: Kafka;
  readonly storeId: string;
  readonly cluster: ClusterConfig;
  readonly ingest: IngestConfig;
  readonly devices: DevicesConfig;
  readonly log: LogConfig;
  readonly paths: {
    readonly observations: string;
    readonly view: string;
    readonly registry: string;
  };
  readonly ends: { readonly observations: SharedArrayBuffer; readonly levels: SharedArrayBuffer };
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  /** Who knows what lies before the horizon; undefined: the copy holds everything. */
  readonly openPast: (registry: RegistryReader) => Past | undefined;
  /** Between two rounds of forgetting; absent: the usual time. */
  readonly forgetEveryMs?: number;
  /** Nobody waits for it any more. */
  readonly signal: AbortSignal;
  readonly fail: (error: unknown) => void;
}

const dayMs = 86_400_000;

/** Undefined when the signal aborts before. What it opens goes to `closers`, the last one first. */
export async function openLocalCopy(
  options: LocalCopyOptions,
  closers: (() => Promise<unknown>)[],
): Promise<Copy | undefined> {
  const { kafka, cluster, ingest, paths, clock, telemetry, signal } = options;
  const registry = openRegistryReader(paths.registry, { clock, config: options.devices });
  closers.push(async () => registry.close());
  const events = openCopyEvents(telemetry);
  const past = options.openPast(registry);
  closers.push(async () => past?.close());
  const begin = past && (await prepareFolder(options, past, events));
  if (signal.aborted) return undefined;
  const durableEnd = createDurableEnd(options.ends.observations);
  const observations = await openLog(options, durableEnd);
  closers.push(() => observations.close());
  const store = openStoreWriter({
    path: paths.view,
    config: ingest.store,
    clock,
    telemetry,
    isCircular: (series) => {
      const { bySeries, properties } = registry.current();
      return properties.get(bySeries[series]?.property ?? '')?.circular === true;
    },
    storeId: options.storeId,
    logEnd: durableEnd.get(),
    begin,
  });
  closers.push(async () => store.close());
  const copy = await openCopy({
    kafka,
    partitions: cluster.partitions,
    observations,
    store,
    clock,
    config: ingest,
    topic: namesOf(cluster.kafka.topicPrefix).topics.observations,
    ownObservations: await openReader(options, durableEnd),
    events,
    untilRegistry: registryWaiter(registry, clock),
    levels: createLevels(options.ends.levels),
    onFailed: options.fail,
  });
  closers.push(() => copy.close());
  if (past !== undefined) {
    const seeding = seedLatest({ store, past, registry, clock, events });
    closers.push(() => seeding.close());
    const forgetting = repeatForgetting({
      store,
      clock,
      lengthMs: cluster.horizonDays * dayMs,
      sliceMs: ingest.store.flushSliceMs,
      noted: () => notedOfAll(past, cluster.partitions),
      trim: (before) => observations.trimBefore(before),
      events,
      ...(options.forgetEveryMs === undefined ? {} : { roundMs: options.forgetEveryMs }),
    });
    closers.push(() => forgetting.close());
  }
  return copy;
}

async function notedOfAll(past: Past, partitions: number): Promise<Position[]> {
  const noted = await past.noted();
  return Array.from({ length: partitions }, (_, partition) => noted.get(partition) ?? 0);
}

function openLog(
  { paths, log, clock, random, telemetry }: LocalCopyOptions,
  end: SharedDurableEnd,
) {
  return openLogWriter({
    fileSystem: openNodeFileSystem(),
    directory: paths.observations,
    name: 'observations',
    config: log,
    clock,
    random,
    telemetry,
    durableEnd: end,
    lock: takeOwnerLock,
  });
}

function openReader({ paths }: LocalCopyOptions, durableEnd: SharedDurableEnd) {
  const fileSystem = openNodeFileSystem();
  return openLogReader({ fileSystem, directory: paths.observations, durableEnd });
}

/** Where the copy begins, with nothing in the folder then; undefined: it goes on as it stands. */
async function prepareFolder(
  options: LocalCopyOptions,
  past: Past,
  events: CopyEvents,
): Promise<ViewBeginning | undefined> {
  const { kafka, cluster, ingest, paths, clock } = options;
  const held = await readHeld(options);
  const lengthMs = cluster.horizonDays * dayMs;
  const sinceAt = clock.now() - lengthMs;
  if (!mayBeginAnew(held, { viewPath: paths.view, sinceAt })) return undefined;
  const begin = await untilDone(options, () =>
    findCopyBeginning({
      kafka,
      topic: namesOf(cluster.kafka.topicPrefix).topics.observations,
      partitions: cluster.partitions,
      clock,
      lengthMs,
      rules: { futureMsMax: ingest.normalise.futureMaxMs },
      noted: () => past.noted(),
    }),
  );
  const isLost = held !== undefined && mustBeginAnew(held, paths.view);
  if (held !== undefined && !isLost && (begin === undefined || !isFurther(begin, held))) {
    return undefined;
  }
  if (options.signal.aborted) return undefined;
  rmSync(paths.observations, { recursive: true, force: true });
  removeView(paths.view);
  if (begin !== undefined) events.begun(begin.horizon);
  return begin;
}

/** With an end of its own: other threads learn of the log when it is known to stay. */
async function readHeld(options: LocalCopyOptions) {
  const end = createDurableEnd();
  const log = await openLog(options, end);
  const reader = await openReader(options, end);
  try {
    return await readHeldCopy(reader, end.get());
  } finally {
    await reader.close();
    await log.close();
  }
}
