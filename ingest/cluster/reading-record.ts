/**
 * A reading as a record of the topic `readings`: the value is the payload untouched, the key what
 * routed it (`route.ts`), the headers are texts:
 *
 *   kind door device topic receivedAt     as in `Reading`; receivedAt in ms UTC, decimal
 *   node position sequence                the origin; decimal
 *   from registry                         of one that another partition's worker passed on
 *   fault detail readings                 of what the node could not read, or must not
 *
 * Whoever may write into the topic can write anything there, so a record is read with suspicion: what
 * is no record of this form becomes a reading that ingest quarantines as INGEST_RECORD_FOREIGN with
 * its bytes, and stops nobody.
 */
import { CodedError } from '../../devices/coded-error.ts';
import { ingestError } from '../errors.ts';
import type { KafkaRecord, OutgoingRecord } from '../log/kafka/kafka.ts';
import type { Position } from '../log/log.ts';
import type { LoggedReading } from '../reading-codec.ts';
import {
  doors,
  readingKinds,
  type Door,
  type Reading,
  type ReadingFault,
  type ReadingKind,
  type ReadingOrigin,
  type ReadingPassage,
} from '../reading.ts';

/** Where a record goes. */
export interface RecordPlace {
  readonly topic: string;
  readonly partition: number;
  readonly key: string | null;
}

const foreignCode = 'INGEST_RECORD_FOREIGN';
const nodeMax = 65_535;
const partitionMax = 1_023;
/** What the codec of readings can carry. */
const countMax = 2 ** 49 - 1;
const receivedAtMax = 2 ** 48 - 1;
const codePattern = /^[A-Z][A-Z_]{2,63}$/;

/** The payload is not copied: it must stay as it is until the record is sent. */
export function readingToRecord(reading: Reading, place: RecordPlace): OutgoingRecord {
  const { payload, origin, passed, fault } = reading;
  const headers: Record<string, string> = {
    kind: reading.kind,
    door: reading.door,
    device: reading.device,
    topic: reading.topic,
    receivedAt: String(reading.receivedAt),
  };
  if (origin !== undefined) {
    headers['node'] = String(origin.node);
    headers['position'] = String(origin.position);
    headers['sequence'] = String(origin.sequence);
  }
  if (passed !== undefined) {
    headers['from'] = String(passed.from);
    headers['registry'] = String(passed.registryVersion);
  }
  if (fault !== undefined) {
    headers['fault'] = fault.code;
    headers['detail'] = fault.detail;
    headers['readings'] = String(fault.readings);
  }
  return {
    topic: place.topic,
    partition: place.partition,
    key: place.key,
    value: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
    headers,
  };
}

/** `place`: the reading's number in the network. The payload is the record's value, not a copy. */
export function recordToReading(record: KafkaRecord, place: Position): LoggedReading {
  try {
    return read(record, place);
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== foreignCode) throw error;
    return foreignReading(record, place, String(error.fields['detail']));
  }
}

function foreign(detail: string): CodedError {
  return ingestError(foreignCode, { detail });
}

type Headers = KafkaRecord['headers'];

function read({ value, headers }: KafkaRecord, position: Position): LoggedReading {
  if (value === null) throw foreign('the record has no value');
  const reading = {
    position,
    kind: oneOf<ReadingKind>(headers, 'kind', readingKinds),
    door: oneOf<Door>(headers, 'door', doors),
    receivedAt: count(headers, 'receivedAt', { min: 0, max: receivedAtMax }),
    device: text(headers, 'device'),
    topic: text(headers, 'topic'),
    payload: value,
    origin: originOf(headers),
  };
  const passed = passageOf(headers);
  const fault = faultOf(headers, reading.origin.sequence);
  if (passed === undefined && fault === undefined) return reading;
  const isMessage = reading.kind === 'message' || reading.kind === 'backfill';
  if (passed !== undefined && (!isMessage || fault !== undefined)) {
    throw foreign('only messages are passed on');
  }
  return {
    ...reading,
    ...(passed === undefined ? {} : { passed }),
    ...(fault === undefined ? {} : { fault }),
  };
}

function originOf(headers: Headers): ReadingOrigin {
  return {
    node: count(headers, 'node', { min: 0, max: nodeMax }),
    position: count(headers, 'position', { min: 1, max: countMax }),
    sequence: count(headers, 'sequence', { min: 1, max: countMax }),
  };
}

function passageOf(headers: Headers): ReadingPassage | undefined {
  if (headers['from'] === undefined) return undefined;
  return {
    from: count(headers, 'from', { min: 0, max: partitionMax }),
    registryVersion: count(headers, 'registry', { min: 0, max: countMax }),
  };
}

/** It cannot stand for more readings than its node has sent. */
function faultOf(headers: Headers, sequence: number): ReadingFault | undefined {
  if (headers['fault'] === undefined) return undefined;
  const code = text(headers, 'fault');
  if (!codePattern.test(code)) throw foreign('the header fault is no code');
  const readings = count(headers, 'readings', { min: 1, max: sequence });
  return { code, detail: text(headers, 'detail'), readings };
}

function text(headers: Headers, name: string): string {
  const bytes = headers[name];
  // A header that comes twice arrives as a list.
  if (!Buffer.isBuffer(bytes)) throw foreign(`the header ${name} is missing or comes twice`);
  return bytes.toString('utf8');
}

function oneOf<Name extends string>(headers: Headers, name: string, names: readonly Name[]): Name {
  const given = text(headers, name);
  const known = names.find((candidate) => candidate === given);
  if (known === undefined) throw foreign(`the header ${name} is none of ${names.join(', ')}`);
  return known;
}

interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** Decimal digits alone: `Number` would take '', '1e3' and '0x10' too. */
function count(headers: Headers, name: string, { min, max }: Bounds): number {
  const digits = text(headers, name);
  const value = /^\d{1,15}$/.test(digits) ? Number(digits) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw foreign(`the header ${name} is no number from ${min} to ${max}`);
}

function foreignReading(record: KafkaRecord, position: Position, detail: string): LoggedReading {
  return {
    position,
    kind: 'message',
    door: 'internal',
    receivedAt: 0,
    device: '',
    topic: '',
    payload: record.value ?? new Uint8Array(0),
    fault: { code: foreignCode, detail, readings: 1 },
  };
}
