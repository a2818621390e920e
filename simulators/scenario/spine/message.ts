/** What stations say, and what of it is known outside: the measure of everything the spine decides. */
import type { ReadingKind } from '../../../ingest/reading.ts';

/** One value as its device means it, before anything is understood. */
export interface Tell {
  readonly channel: string;
  /** In the channel's unit; null where the device sends none, or its code for none. */
  readonly value: number | null;
  /** NaN where the message carries no time. */
  readonly endAt: number;
  /** NaN where the message names none. */
  readonly startAt: number;
  readonly resultAt: number;
  /** NaN where it has none of its own. */
  readonly heightMm: number;
  /** No number at all: this channel alone goes to quarantine. */
  readonly isGarbled: boolean;
}

export interface Message {
  readonly kind: ReadingKind;
  readonly device: string;
  readonly topic: string;
  readonly payload: Buffer;
  /** Null: nothing can be understood of it, or it tells no measurement. */
  readonly tells: readonly Tell[] | null;
}

/** Two messages with one key are the same to everyone. */
export function messageKey(
  message: Pick<Message, 'kind' | 'device' | 'topic'> & { readonly payload: Uint8Array },
): string {
  const { kind, device, topic, payload } = message;
  return `${kind} ${device} ${topic} ${Buffer.from(payload).toString('latin1')}`;
}

/** A marker: from here on this registry version is in force. */
export function markerOf(version: number): Message {
  const payload = Buffer.from(JSON.stringify({ version }));
  return { kind: 'registry', device: '', topic: '', payload, tells: null };
}
