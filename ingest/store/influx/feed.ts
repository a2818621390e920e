/**
 * One partition of `observations` on its way to InfluxDB: reads its batches in order and makes lines
 * of them. What cannot be read or understood holds the partition, and it alone: it is tried again
 * after a while, and nothing is passed over.
 */
import type { Clock } from '../../../devices/clock.ts';
import { CodedError } from '../../../devices/coded-error.ts';
import type { Kafka, KafkaRecord, Offset, PartitionReader } from '../../log/kafka/kafka.ts';
import type { Position } from '../../log/log.ts';
import { pause } from '../../pause.ts';
import { decodeBatch } from '../../observations/batch-codec.ts';
import type { InfluxConfig } from './config.ts';
import { influxError } from './errors.ts';
import type { Reading } from './lag.ts';
import type { InfluxEvents } from './events.ts';
import type { LineBuilder } from './lines.ts';

/** What is to be stored and noted together. */
export interface Load {
  readonly lines: string[];
  bytes: number;
  /** Of each partition in it: where the sink goes on once the lines are stored. */
  readonly marks: Map<number, Mark>;
  /** Those with lines, in the order of their lines. */
  readonly batches: LoadedBatch[];
  /** Of a partition, the first batch that Kafka no longer had. */
  readonly missing: Map<number, Position>;
}

export interface LoadedBatch {
  readonly partition: number;
  readonly position: Position;
  /** Place in the load behind its last line. */
  readonly end: number;
}

export function emptyLoad(): Load {
  return { lines: [], bytes: 0, marks: new Map(), batches: [], missing: new Map() };
}

function addLines(
  load: Load,
  batch: Omit<LoadedBatch, 'end'> & { readonly lines: readonly string[] },
): void {
  const { partition, position, lines } = batch;
  if (lines.length === 0) return;
  for (const line of lines) {
    load.lines.push(line);
    load.bytes += line.length + 1;
  }
  load.batches.push({ partition, position, end: load.lines.length });
}

/** Of each partition the first batch of the load that is not wholly stored: a line of it is refused. */
export function firstHoles(
  { batches, missing }: Load,
  refused: readonly { readonly place: number }[],
): Map<number, Position> {
  const holes = new Map(missing);
  for (const { place } of refused) {
    const batch = batches.find(({ end }) => place < end);
    if (batch === undefined) throw new RangeError(`line ${place} is of no batch`);
    const { partition, position } = batch;
    holes.set(partition, Math.min(holes.get(partition) ?? position, position));
  }
  return holes;
}

export interface Mark {
  readonly offset: Offset;
  /** Position of the last batch that was written. */
  readonly position: Position;
}

export interface FeedOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly config: InfluxConfig;
  readonly lines: LineBuilder;
  readonly clock: Clock;
  readonly events: InfluxEvents;
}

export interface Feed {
  readonly partition: number;
  /** Adds batches until the load is full or there are no more to be had now; never rejects. */
  take(load: Load): Promise<void>;
  /** Resolves once `take` may have something. */
  wait(signal: AbortSignal): Promise<void>;
  readonly reading: Reading;
  close(): void;
}

export function isFull(load: Load, { linesMax, bytesMax }: InfluxConfig): boolean {
  return load.lines.length >= linesMax || load.bytes >= bytesMax;
}

/** Goes on at the mark. */
export function openFeed(options: FeedOptions, partition: number, mark: Mark): Feed {
  const { kafka, topic, config, clock, events } = options;
  const reader: PartitionReader = kafka.openReader(topic, partition, mark.offset);
  let { position, offset: taken } = mark;
  let records: readonly KafkaRecord[] = [];
  let at = 0;
  let heldUntilMs = 0;
  let failures = 0;

  async function refill(): Promise<void> {
    if (at < records.length) return;
    at = 0;
    records = [];
    records = await reader.read(config.readBytesMax);
  }

  function addRecord(load: Load, record: KafkaRecord): void {
    const made = linesOf(options.lines, partition, record);
    if (made.position > position + 1) {
      events.batchesMissing({ partition, from: position + 1, to: made.position - 1 });
      if (!load.missing.has(partition)) load.missing.set(partition, position + 1);
    }
    position = Math.max(position, made.position);
    addLines(load, { partition, ...made });
    taken = record.offset + 1;
    load.marks.set(partition, { offset: taken, position });
    failures = 0;
  }

  async function hold(error: unknown): Promise<void> {
    const waitMs = Math.min(config.backoffMaxMs, config.backoffMinMs * 2 ** failures);
    heldUntilMs = clock.monotonicMs() + waitMs;
    failures += 1;
    events.partitionHeld({ partition, error });
    if (!(error instanceof CodedError) || error.code !== 'KAFKA_OFFSET_GONE') return;
    try {
      const ends = await kafka.ends(topic);
      reader.seek(ends[partition]?.start ?? 0);
      heldUntilMs = 0;
    } catch (again) {
      events.partitionHeld({ partition, error: again });
    }
  }

  return {
    partition,
    async take(load) {
      if (clock.monotonicMs() < heldUntilMs) return;
      try {
        for (await refill(); at < records.length; await refill()) {
          if (isFull(load, config)) return;
          addRecord(load, records[at]!);
          at += 1;
        }
      } catch (error) {
        await hold(error);
      }
    },
    async wait(signal) {
      const heldMs = heldUntilMs - clock.monotonicMs();
      if (heldMs > 0) return pause(clock, heldMs, signal);
      if (at < records.length) return;
      await reader.wait(signal);
    },
    get reading() {
      const passed = at >= records.length ? reader.next : undefined;
      return { end: reader.end, taken, passed };
    },
    close: () => reader.close(),
  };
}

/** All lines of one record, or none: it throws before anything of it is in a load. */
function linesOf(
  builder: LineBuilder,
  partition: number,
  { value, headers, offset }: KafkaRecord,
): { readonly position: Position; readonly lines: readonly string[] } {
  const position = Number(headers['position']?.toString());
  if (value === null || !Number.isInteger(position) || position < 1) {
    throw influxError('INFLUX_RECORD', { partition, offset });
  }
  const { rows, registryVersion } = decodeBatch(position, value);
  const origin = { partition, batch: position, registryVersion };
  return { position, lines: rows.map((row, place) => builder.lineOf(row, { ...origin, place })) };
}
