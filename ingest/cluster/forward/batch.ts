/**
 * From records of a node's own log to records of the topic: each reading with its origin, its route,
 * and its number among what this node sent to that partition. What cannot be read, or must not be
 * any more, goes too, as a fault that ingest quarantines: no position of the log is passed over.
 */
import { CodedError } from '../../../devices/coded-error.ts';
import type { OutgoingRecord } from '../../log/kafka/kafka.ts';
import type { LogRecord, Position } from '../../log/log.ts';
import { decodeReading } from '../../reading-codec.ts';
import type { Reading, ReadingFault } from '../../reading.ts';
import { readingToRecord } from '../reading-record.ts';
import type { Route, Router } from '../route.ts';
import type { ForwardConfig } from './config.ts';

export interface Batch {
  readonly records: readonly OutgoingRecord[];
  /** Position of the last reading in it. */
  readonly last: Position;
  /** Records of the log that it took. */
  readonly taken: number;
  /** Readings of it that nobody can read. */
  readonly unreadable: number;
}

export interface BatchBuilder {
  /** From `records[from]` on as many as a send may have. Payloads are views of the records' bodies. */
  build(records: readonly LogRecord[], from: number, router: Router): Batch;
  /** Positions up to `last` that cannot be read. */
  buildUnreadable(last: Position, router: Router): Batch;
  /** By partition, the last sequence given. */
  readonly sequences: readonly number[];
}

export interface BatchOptions {
  readonly node: number;
  readonly topic: string;
  readonly config: Pick<ForwardConfig, 'batchBytesMax' | 'batchRecordsMax'>;
  readonly clock: { now(): number };
  /** Where the first batch goes on. */
  readonly position: Position;
  readonly sequences: readonly number[];
}

/** About what Kafka's record and the headers add to payload, device and topic. */
const recordBytes = 160;

export function createBatchBuilder(options: BatchOptions): BatchBuilder {
  const { node, topic, config, clock } = options;
  const sequences = [...options.sequences];
  let position = options.position;
  let outgoing: OutgoingRecord[] = [];
  let bytes = 0;
  let unreadable = 0;

  function begin(): void {
    outgoing = [];
    bytes = 0;
    unreadable = 0;
  }

  /** `last`: position of the reading, of which `readings` are one. */
  function add(reading: Reading, route: Route, last: Position): void {
    const { kind, door, receivedAt, device, payload, fault } = reading;
    const { key, partition } = route;
    const sequence = (sequences[partition] ?? 0) + (fault?.readings ?? 1);
    sequences[partition] = sequence;
    position = last;
    const origin = { node, position: last, sequence };
    const base = { kind, door, receivedAt, device, topic: reading.topic, payload, origin };
    const sent = fault === undefined ? base : { ...base, fault };
    outgoing.push(readingToRecord(sent, { topic, partition, key }));
    bytes += payload.length + device.length + reading.topic.length + recordBytes;
  }

  function addUnreadable(last: Position, router: Router): void {
    const first = position + 1;
    const detail = `node ${node}, positions ${first} to ${last}`;
    const readings = last - position;
    const fault: ReadingFault = { code: 'INGEST_READING_UNREADABLE', detail, readings };
    add({ ...nobody(clock.now(), noBytes), fault }, router.ofNode, last);
    unreadable += readings;
  }

  const built = (taken: number): Batch => ({
    records: outgoing,
    last: position,
    taken,
    unreadable,
  });

  return {
    sequences,
    build(records, from, router) {
      begin();
      let next = from;
      for (; next < records.length && outgoing.length < config.batchRecordsMax; next++) {
        const record = records[next]!;
        const isFull = bytes + record.body.length + recordBytes > config.batchBytesMax;
        if (outgoing.length > 0 && isFull) break;
        if (record.position > position + 1) addUnreadable(record.position - 1, router);
        const reading = readingOf(record);
        const { fault } = reading;
        add(
          reading,
          fault === undefined ? router.routeOf(reading) : router.ofNode,
          record.position,
        );
      }
      return built(next - from);
    },
    buildUnreadable(last, router) {
      begin();
      if (last > position) addUnreadable(last, router);
      return built(0);
    },
  };
}

const noBytes = new Uint8Array(0);

function nobody(receivedAt: number, payload: Uint8Array): Reading {
  return { kind: 'message', door: 'internal', receivedAt, device: '', topic: '', payload };
}

function readingOf(record: LogRecord): Reading {
  const { position, body, rewritten } = record;
  let reading: Reading;
  try {
    reading = decodeReading(position, body);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return { ...nobody(0, body), fault: { code: error.code, detail: String(error), readings: 1 } };
  }
  if (rewritten) {
    const fault: ReadingFault = { code: 'INGEST_READING_ERASED', detail: 'erased', readings: 1 };
    return { ...nobody(reading.receivedAt, noBytes), fault };
  }
  // In the cluster a version comes into force by its own way: an old marker of one machine's log
  // is only told.
  return reading.kind === 'registry' ? { ...reading, kind: 'control' } : reading;
}
