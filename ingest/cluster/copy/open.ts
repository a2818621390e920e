/** A node's copy of the observations, over the log and the view in its folder. */
import type { Clock } from '../../../devices/clock.ts';
import type { DevicesConfig } from '../../../devices/config.ts';
import type { Random } from '../../../devices/random.ts';
import { openRegistryReader } from '../../../devices/registry-sqlite-reader.ts';
import type { RegistryReader } from '../../../devices/registry.ts';
import type { Telemetry } from '../../../devices/telemetry.ts';
import type { IngestConfig } from '../../config.ts';
import type { LogConfig } from '../../log/config.ts';
import { createDurableEnd } from '../../log/durable-end.ts';
import type { Kafka } from '../../log/kafka/kafka.ts';
import type { Position } from '../../log/log.ts';
import { openStoreWriter } from '../../store/writer.ts';
import { registryWaiter } from '../await-registry.ts';
import type { ClusterConfig } from '../config.ts';
import { openCopy, type Copy } from './copy.ts';
import { openCopyEvents } from './events.ts';
import { prepareFolder } from './folder.ts';
import { openCopyLog, openCopyReader } from './log.ts';
import { repeatForgetting } from '../forgetting.ts';
import { createLevels } from '../levels.ts';
import { namesOf } from '../names.ts';
import type { Past } from '../past.ts';
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
  const begin = await prepareFolder(options, past, events);
  if (signal.aborted) return undefined;
  const durableEnd = createDurableEnd(options.ends.observations);
  const observations = await openCopyLog(options, durableEnd);
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
    openReader: () => openCopyReader(options, durableEnd),
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
