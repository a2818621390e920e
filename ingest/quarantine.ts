import type { QuarantineEntry } from './observations/batch.ts';
import type { LoggedReading } from './reading-codec.ts';

/** Why a reading, or one channel of it, is set aside. */
export interface Fault {
  readonly code: string;
  /** Null: the whole message. */
  readonly channel: string | null;
  /** Byte offset in the (decompressed) payload, or -1. */
  readonly offset: number;
  readonly detail: string;
}

/** Longer details are cut: they explain, the bytes are kept. */
const detailCharactersMax = 500;

/** An open entry. `payload` is a copy: the reading's own is a view of the log's buffer. */
export function openEntry(
  reading: LoggedReading,
  fault: Fault,
  payload: Uint8Array,
): QuarantineEntry {
  return {
    position: reading.position,
    receivedAt: reading.receivedAt,
    device: reading.device,
    topic: reading.topic,
    channel: fault.channel,
    code: fault.code,
    offset: fault.offset,
    detail: fault.detail.slice(0, detailCharactersMax),
    state: 'open',
    payload,
  };
}

/** The end of an entry, by a replay or a person's decision. */
export function endedEntry(
  open: QuarantineEntry,
  state: 'replayed' | 'dismissed',
  detail: string,
): QuarantineEntry {
  return { ...open, detail: detail.slice(0, detailCharactersMax), state, payload: null };
}

/**
 * The entries of one reading that are still open: the last word on each channel counts. `entries`
 * come oldest first.
 */
export function stillOpen(entries: readonly QuarantineEntry[]): QuarantineEntry[] {
  const byChannel = new Map<string | null, QuarantineEntry>();
  for (const entry of entries) byChannel.set(entry.channel, entry);
  return [...byChannel.values()].filter((entry) => entry.state === 'open');
}
