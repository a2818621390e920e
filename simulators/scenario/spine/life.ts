/**
 * One life of the server on the simulated disk and clock: both logs, ingest, the view, and a broker
 * that does what every door does: append, and acknowledge once the log says that it is kept.
 */
import type { Clock } from '../../../devices/clock.ts';
import {
  createRecordedTelemetry,
  type RecordedTelemetry,
} from '../../../devices/telemetry-silent.ts';
import type { IngestConfig } from '../../../ingest/config.ts';
import { openIngest, type Ingest } from '../../../ingest/main.ts';
import { logConfigSchema, type LogConfig } from '../../../ingest/log/config.ts';
import type { SharedDurableEnd } from '../../../ingest/log/durable-end.ts';
import type { FileSystem } from '../../../ingest/log/file-system.ts';
import type { Position } from '../../../ingest/log/log.ts';
import { openLogReader, openLogWriter } from '../../../ingest/log/segment-log.ts';
import type { SegmentLogWriter } from '../../../ingest/log/segment-writer.ts';
import { appendReading } from '../../../ingest/reading-codec.ts';
import type { StoreWriter } from '../../../ingest/store/store.ts';
import { openStoreWriter } from '../../../ingest/store/writer.ts';
import { createLocalDurableEnd } from './durable-end.ts';
import type { Message } from './message.ts';
import {
  createMortalClock,
  createMortalDisk,
  createMortality,
  type Death,
  type Life,
} from './mortal.ts';
import type { World } from './world.ts';

export const readingsFolder = '/readings';
export const observationsFolder = '/observations';
const notesFolder = '/data';

export interface ServerLife {
  readonly number: number;
  readonly life: Life;
  /** `ended`: it gave up by itself, with `error`, or closed; the next one may begin. */
  readonly status: 'opening' | 'open' | 'dead' | 'ended';
  readonly error: unknown;
  readonly telemetry: RecordedTelemetry;
  /** Of an open one. */
  readonly parts: Parts | null;
  /** Takes a message as a door does. */
  receive(message: Message, onAnswer: (isKept: boolean) => void): void;
  /** An orderly stop; resolves when it is over. */
  close(): Promise<void>;
  /** Lets go of what a dead process leaves to the system. */
  bury(): void;
}

export interface Ends {
  readonly readings: SharedDurableEnd;
  readonly observations: SharedDurableEnd;
}

export interface Parts {
  readonly ends: Ends;
  readonly readings: SegmentLogWriter;
  readonly observations: SegmentLogWriter;
  readonly store: StoreWriter;
  readonly ingest: Ingest;
}

export interface LifeOptions {
  readonly world: World;
  readonly number: number;
  readonly config: IngestConfig;
  /** Planned from the beginning: it may come while the life is opening. */
  readonly death: Death | null;
  /** What the disk does to a look at the clock, ms at most. */
  readonly lookMsMax: number;
}

export const spineLogConfig: LogConfig = {
  ...logConfigSchema.parse({ segmentBytesMax: 65_536, resumeFreeBytesMin: 4_096 }),
};

const storeId = 'spine';

export function startLife(options: LifeOptions): ServerLife {
  const { world, number } = options;
  const { trace, streams, ledger } = world;
  const telemetry = createRecordedTelemetry();
  const life = createMortality(() => trace.add(`death of ${number}`));
  if (options.death !== null) life.plan(options.death);
  const clock = createMortalClock(world.clock, life, {
    random: streams.process,
    lookMsMax: options.lookMsMax,
  });
  let parts: Parts | null = null;
  let store: StoreWriter | null = null;
  let ended: { readonly error: unknown } | null = null;
  const viewPath = world.view.place();
  trace.add(`start ${number}`);

  function end(error: unknown): void {
    if (life.isDead) return;
    trace.add(`end ${number} ${String(error)}`);
    ended = { error };
    life.die();
  }

  const surroundings: Surroundings = {
    world,
    clock,
    telemetry,
    viewPath,
    config: options.config,
    disk: createMortalDisk(world.faultyDisk, life, trace),
    onEnd: end,
    onStore: (opened) => void (store = opened),
    onParts: (opened) => void (parts = opened),
  };
  open(surroundings).catch(end);

  return {
    number,
    life,
    telemetry,
    get status() {
      if (ended !== null) return 'ended';
      if (life.isDead) return 'dead';
      return parts === null ? 'opening' : 'open';
    },
    get error() {
      return ended?.error;
    },
    get parts() {
      return parts;
    },
    receive(message, onAnswer) {
      if (parts === null || parts.readings.saturated) return onAnswer(false);
      const receivedAt = clock.now();
      const door = message.kind === 'registry' ? 'internal' : 'mqtt';
      appendReading(parts.readings, { ...message, door, receivedAt }, (error, position) => {
        if (life.isDead) return;
        trace.add(`append ${position} ${message.kind} ${message.device} ${error === null}`);
        if (error === null) ledger.acknowledge(position, { message, receivedAt });
        onAnswer(error === null);
      });
    },
    async close() {
      if (parts === null) return;
      try {
        await parts.ingest.close();
        await parts.readings.close();
        await parts.observations.close();
        end('closed');
      } catch (error) {
        end(error);
      }
    },
    bury() {
      if (store !== null) buryStore(store);
    },
  };
}

/** The system closes the files of a dead process; a closed ingest may have done it itself. */
function buryStore(store: StoreWriter): void {
  try {
    store.close();
  } catch (error) {
    if (!(error instanceof Error && /not open/.test(error.message))) throw error;
  }
}

export interface Surroundings {
  readonly world: World;
  readonly clock: Clock;
  readonly telemetry: RecordedTelemetry;
  readonly viewPath: string;
  readonly config: IngestConfig;
  readonly disk: FileSystem;
  readonly onEnd: (error: unknown) => void;
  readonly onStore: (store: StoreWriter) => void;
  readonly onParts: (parts: Parts) => void;
}

async function open(around: Surroundings): Promise<void> {
  const { world, clock, telemetry, config } = around;
  const ends: Ends = { readings: createLocalDurableEnd(), observations: createLocalDurableEnd() };
  const writerOf = (
    name: 'readings' | 'observations',
    directory: string,
    durableEnd: SharedDurableEnd,
  ) =>
    openLogWriter({
      fileSystem: around.disk,
      directory,
      name,
      config: spineLogConfig,
      clock,
      random: world.streams.process,
      telemetry,
      durableEnd,
      lock: null,
    });
  const readings = await writerOf('readings', readingsFolder, ends.readings);
  const observations = await writerOf('observations', observationsFolder, ends.observations);
  const logEnd: Position = observations.durableEnd.get();
  const { viewPath } = around;
  const store = world.view.recorded(
    viewPath,
    openStoreWriter({
      path: viewPath,
      config: config.store,
      clock,
      telemetry,
      isCircular: (series) => isCircular(world, series),
      storeId,
      logEnd,
    }),
  );
  around.onStore(store);
  const fileSystem = around.disk;
  const readerOf = (directory: string, durableEnd: SharedDurableEnd) =>
    openLogReader({ fileSystem, directory, durableEnd });
  await fileSystem.makeDirectory(notesFolder);
  const ingest = await openIngest({
    config,
    clock,
    telemetry,
    registry: world.network.registry,
    readings: await readerOf(readingsFolder, ends.readings),
    originals: await readerOf(readingsFolder, ends.readings),
    readingsEnd: ends.readings,
    observations,
    ownObservations: await readerOf(observationsFolder, ends.observations),
    store,
    fileSystem,
    directory: notesFolder,
    onFailed: around.onEnd,
  });
  around.onParts({ ends, readings, observations, store, ingest });
}

function isCircular({ network }: World, series: number): boolean {
  const registry = network.registry.at(network.registry.current().version);
  const property = registry.bySeries[series]?.property;
  return property !== undefined && registry.properties.get(property)?.circular === true;
}
