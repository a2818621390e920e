import { crc32 } from 'node:zlib';
import type { Candidate } from '../normalise/measurement.ts';
import type { ChangeCause, ObservationRow, Rank, Verdict } from '../observation.ts';
import type { Reading } from '../reading.ts';

/** What all values of one message share. */
export interface Sender {
  readonly device: string;
  readonly receivedAt: number;
  /** In the log of the node that took the reading in. */
  readonly position: number;
  /** 0 on one machine, which has one log. */
  readonly node: number;
  readonly payload: Uint8Array;
  /** Made when first asked for: -1 until then. */
  payloadHash: number;
  /** Of a value without a result time of its own, shared by the rows of the message. */
  usualRank: Rank | undefined;
}

/** `position`: of a reading without an origin, its place in the log. */
export function createSender(
  reading: Pick<Reading, 'device' | 'receivedAt' | 'payload' | 'origin'>,
  position: number,
): Sender {
  const { origin } = reading;
  return {
    device: reading.device,
    receivedAt: reading.receivedAt,
    position: origin === undefined ? position : origin.position,
    node: origin === undefined ? 0 : origin.node,
    payload: reading.payload,
    payloadHash: -1,
    usualRank: undefined,
  };
}

/** 32 bits of the payload: only values that carry no time are known by it (promise 3). */
export function payloadHashOf(sender: Sender): number {
  if (sender.payloadHash === -1) sender.payloadHash = crc32(sender.payload);
  return sender.payloadHash;
}

/** Rank of a value: a null without its own result time never outranks a value (design.md §6). */
export function rankOf(sender: Sender, candidate: Candidate): Rank {
  const { receivedAt, position, node } = sender;
  const hasResultAt = !Number.isNaN(candidate.resultAt);
  if (candidate.result !== null && !hasResultAt) {
    sender.usualRank ??= { klass: 1, at: receivedAt, node, position };
    return sender.usualRank;
  }
  const at = hasResultAt ? candidate.resultAt : receivedAt;
  return { klass: hasResultAt ? 1 : 0, at, node, position };
}

/** What a row says beside its candidate. */
export interface RowPlace {
  readonly revision: number;
  readonly current: boolean;
  readonly type: ObservationRow['type'];
  readonly verdict: Verdict;
}

/** The row of a newly decided value; `publishedAt` is set when its batch is sealed. */
export function rowOf(candidate: Candidate, sender: Sender, place: RowPlace): ObservationRow {
  const isTimeless = candidate.timeSource === 'receive';
  return {
    series: candidate.series,
    endAt: candidate.endAt,
    startAt: candidate.startAt,
    heightMm: candidate.heightMm,
    revision: place.revision,
    current: place.current,
    type: place.type,
    cause: 'value',
    result: candidate.result,
    verdict: place.verdict,
    resultAt: candidate.resultAt,
    receivedAt: sender.receivedAt,
    publishedAt: sender.receivedAt,
    rank: rankOf(sender, candidate),
    device: sender.device,
    raw: candidate.raw,
    payloadHash: isTimeless ? payloadHashOf(sender) : -1,
    latitude: candidate.latitude,
    longitude: candidate.longitude,
  };
}

/** The same value, judged otherwise: the next revision of its key. */
export function correctionOf(
  row: ObservationRow,
  verdict: Verdict,
  cause: ChangeCause,
): ObservationRow {
  return {
    series: row.series,
    endAt: row.endAt,
    startAt: row.startAt,
    heightMm: row.heightMm,
    revision: row.revision + 1,
    current: true,
    type: 'correction',
    cause,
    result: row.result,
    verdict,
    resultAt: row.resultAt,
    receivedAt: row.receivedAt,
    publishedAt: row.publishedAt,
    rank: row.rank,
    device: row.device,
    raw: row.raw,
    payloadHash: row.payloadHash,
    latitude: row.latitude,
    longitude: row.longitude,
  };
}
