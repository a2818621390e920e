/**
 * One partition of the network: the whole of ingest over `readings` p and `observations` p, with a
 * view of its own in this node's data folder. The order of opening is what keeps two workers apart:
 * fence whoever wrote before, read to the end of what was committed, go on at the position found
 * there.
 */
import { sleep, type Clock } from '../../devices/clock.ts';
import type { RegistryReader } from '../../devices/registry.ts';
import type { Telemetry } from '../../devices/telemetry.ts';
import type { IngestConfig } from '../config.ts';
import { markedVersion } from '../decisions.ts';
import type { FileSystem } from '../log/file-system.ts';
import { kafkaError } from '../log/kafka/errors.ts';
import type { Kafka, KafkaRecord } from '../log/kafka/kafka.ts';
import type { LogRecord, Position } from '../log/log.ts';
import { openIngest, type Ingest, type PartitionWork } from '../main.ts';
import { decodeBatch } from '../observations/batch-codec.ts';
import { readingSize, writeReading } from '../reading-codec.ts';
import type { StoreWriter } from '../store/store.ts';
import {
  batchPositionOf,
  offsetOfBatch,
  type BatchPlaceInTopic,
  type TopicPartition,
} from './batches.ts';
import { openBatchWriter, type BatchWriter } from './batch-writer.ts';
import type { PartitionEvents } from './partition-events.ts';
import { followPartition, lookUpPartition } from './partition-log.ts';
import { partitionOf } from './partition-of.ts';
import { keepToHorizon, openPartitionView, type PartitionHorizon } from './partition-view.ts';
import { recordToReading } from './reading-record.ts';
import { offsetFrom, offsetOfPlace, readingPlace } from './route.ts';

export interface PartitionWorkerOptions {
  readonly kafka: Kafka;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly events: PartitionEvents;
  readonly registry: RegistryReader;
  /** Undefined where this node's copy of the registry holds the version already. */
  readonly untilRegistry: (version: number) => Promise<void> | undefined;
  readonly config: IngestConfig;
  readonly partition: number;
  readonly partitions: number;
  readonly topics: { readonly readings: string; readonly observations: string };
  readonly transactionalId: string;
  /** As of the batch writer. */
  readonly settleMs: number;
  readonly storeId: string;
  readonly fileSystem: FileSystem;
  /** Folder of this partition: its view and the note of careful mode. */
  readonly directory: string;
  readonly isCircular: (series: number) => boolean;
  /** Absent: the view holds everything. */
  readonly horizon?: PartitionHorizon | undefined;
  /** Ends an opening that nobody waits for any more; once it is open, `close` ends it. */
  readonly signal: AbortSignal;
  /** It has ended by itself, for this reason. */
  readonly onEnded: (error: unknown) => void;
}

export interface PartitionWorker {
  readonly ingest: Ingest;
  close(): Promise<void>;
}

const retryMs = 250;
/** How long a commit under way may hold up a partition that another worker waits for. */
const closeMsMax = 1_500;

/**
 * Rejects, with nothing left open, where Kafka does not answer, the partition cannot be followed, or
 * the signal aborts before it is open.
 */
export async function openPartition(options: PartitionWorkerOptions): Promise<PartitionWorker> {
  const { clock, events, partition, signal } = options;
  const startedMs = clock.monotonicMs();
  const giveUp = new AbortController();
  const closers: (() => unknown)[] = [];
  const abandon = (): void => giveUp.abort();
  signal.addEventListener('abort', abandon);
  try {
    signal.throwIfAborted();
    const writer = await openBatchWriter({ ...options, retryMs });
    closers.push(() => writer.close());
    const store = await openPartitionView(options, writer.found);
    closers.push(() => store.close());
    const batches = writer.durableEnd.get() - store.position;
    const readers = await openReaders({ options, writer, store, signal: giveUp.signal });
    closers.push(() => readers.close());
    const { readings, originals, ownObservations } = readers;
    const work = workOf(options, () => readings.behind, giveUp.signal);
    await work.untilRegistry(versionIn(writer.found));
    const { end = 0 } = (await options.kafka.ends(options.topics.readings))[partition] ?? {};
    const endAtOpening = readingPlace(end - 1, partition);
    const ingest = await openIngest({
      config: options.config,
      clock,
      telemetry: options.telemetry,
      registry: options.registry,
      readings: readings.reader,
      originals,
      readingsEnd: {
        get: () => Math.max(readings.end.get(), endAtOpening),
        waitBeyond: (position, stopped) => readings.end.waitBeyond(position, stopped),
      },
      observations: writer,
      ownObservations,
      store,
      fileSystem: options.fileSystem,
      directory: options.directory,
      partition: work,
      onFailed: options.onEnded,
    });
    const forgetting = keepToHorizon(options, store);
    closers.push(() => forgetting.close());
    const { consumed } = ingest.stats;
    events.opened({ partition, consumed, batches, tookMs: clock.monotonicMs() - startedMs });
    return {
      ingest,
      async close() {
        const closing = ingest.close().catch((error: unknown) => {
          events.ended({ partition, error });
        });
        await Promise.race([closing, sleep(clock, closeMsMax)]);
        // What is not committed by now is given up: whoever opens the partition next decides it.
        const closed = writer.close();
        giveUp.abort();
        await closed;
        await closing;
        await closeAll(closers);
        events.closed(partition);
      },
    };
  } catch (error) {
    giveUp.abort();
    await closeAll(closers);
    throw error;
  } finally {
    signal.removeEventListener('abort', abandon);
  }
}

/** The last opened first; all of them, whichever fails. */
async function closeAll(closers: (() => unknown)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const close of closers.splice(0).reverse()) {
    try {
      await close();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

interface ReadersParts {
  readonly options: PartitionWorkerOptions;
  readonly writer: BatchWriter;
  readonly store: StoreWriter;
  readonly signal: AbortSignal;
}

/** Of `readings` one that follows and one that looks up, and one of the batches not in the view yet. */
async function openReaders(parts: ReadersParts) {
  const { options, store, signal } = parts;
  const { kafka, clock, topics, partition } = options;
  const places = {
    toRecord: recordMaker(partition),
    placeOf: (offset: number) => readingPlace(offset, partition),
    offsetOf: (position: Position) => offsetFrom(position, partition),
    open: (offset: number) => kafka.openReader(topics.readings, partition, offset),
  };
  const readings = followPartition(places);
  const originals = lookUpPartition({
    ...places,
    clock,
    signal,
    endOf: async () => (await kafka.ends(topics.readings))[partition]?.end ?? 0,
    from: store.consumed + 1,
  });
  const ownObservations = await openOwnObservations(parts);
  return {
    readings,
    originals,
    ownObservations,
    async close() {
      for (const reader of [readings.reader, originals, ownObservations]) await reader.close();
    },
  };
}

/** The batches that the view does not hold yet. */
async function openOwnObservations({ options, writer, store, signal }: ReadersParts) {
  const { kafka, clock, topics, partition } = options;
  const place: TopicPartition = { kafka, topic: topics.observations, partition };
  const { found } = writer;
  const from = await offsetOfBatch(place, store.position + 1, found);
  return lookUpPartition({
    clock,
    signal,
    toRecord: (record) => ({
      position: batchPositionOf(record),
      body: record.value ?? Buffer.alloc(0),
      rewritten: false,
    }),
    // Ingest seeks once, behind what its view holds: the offset of that is known already.
    placeOf: (offset) => offset + 1,
    offsetOf: () => from,
    open: (offset) => kafka.openReader(topics.observations, partition, offset),
    endOf: async () => (found?.offset ?? -1) + 1,
    from: store.position + 1,
  });
}

interface PartitionRecord extends LogRecord {
  /** The registry version without which it cannot be settled; 0 where any does. */
  readonly needsRegistry: number;
}

/** A record of the topic as a record of the log: its body is made here, so it may be kept. */
function recordMaker(partition: number): (record: KafkaRecord) => PartitionRecord {
  return (record) => {
    const position = readingPlace(record.offset, partition);
    const reading = recordToReading(record, position);
    const body = Buffer.allocUnsafe(readingSize(reading));
    writeReading(reading, body, 0);
    const marked =
      reading.kind === 'registry' ? markedVersion(Buffer.from(reading.payload).toString()) : 0;
    const needsRegistry = reading.passed?.registryVersion ?? marked ?? 0;
    return { position, body, rewritten: false, needsRegistry };
  };
}

/** What a view can be opened under: the registry that was in force behind its last batch. */
function versionIn(found: BatchPlaceInTopic | undefined): number {
  return found === undefined ? 0 : decodeBatch(found.position, found.value).registryVersion;
}

interface OwnWork extends PartitionWork {
  readonly untilRegistry: (version: number) => Promise<void> | undefined;
}

function workOf(
  options: PartitionWorkerOptions,
  inFlight: () => number,
  signal: AbortSignal,
): OwnWork {
  const owners = new Map<string, number>();
  const untilRegistry = (version: number): Promise<void> | undefined => {
    const arrival = version === 0 ? undefined : options.untilRegistry(version);
    return arrival && orGivenUp(arrival, signal);
  };
  return {
    untilRegistry,
    own: options.partition,
    ownerOf(stationId) {
      let owner = owners.get(stationId);
      if (owner === undefined) {
        owner = partitionOf(stationId, options.partitions);
        owners.set(stationId, owner);
      }
      return owner;
    },
    gapOf(first, last) {
      const [from, to] = [offsetOfPlace(first), offsetOfPlace(last)];
      const detail = `topic ${options.topics.readings}, partition ${options.partition}, offsets ${from} to ${to}`;
      return { detail, offsets: to - from + 1 };
    },
    inFlight,
    oldRows: options.horizon?.oldRows,
    prepare: (record) => untilRegistry((record as PartitionRecord).needsRegistry),
  };
}

/** Of what comes many times in the life of a partition nothing is left behind at the signal. */
async function orGivenUp(arrival: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const giveUp = (): void =>
    reject(kafkaError('KAFKA_FENCED', { reason: 'the partition was given up' }));
  if (signal.aborted) giveUp();
  signal.addEventListener('abort', giveUp);
  try {
    await Promise.race([arrival, promise]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}
