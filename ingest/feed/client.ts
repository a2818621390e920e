/**
 * One client of the live stream. It is `live` while the hub hands it every batch, and `behind` while
 * it reads the log itself: at first when it resumes from an older cursor, and again whenever its
 * unsent bytes reach the bound. So a slow client costs a bounded buffer and a place in the log, and
 * loses nothing; one that takes nothing at all is cut by the hub.
 */
import type { FeedPlace } from './places/places.ts';
import type { ListenerEnd } from './events.ts';
import type { Chunk, Framing } from './framing.ts';
import type { ChangeReader } from './reading.ts';

/** Where the bytes go: the response of a request, or a double of it. */
export interface Sink<Written extends Chunk = Buffer> {
  /** False when its buffer is full; `onDrain` calls back once it is empty again. `changes` are in the chunk. */
  write(chunk: Written, changes: number): boolean;
  /** Bytes given to `write` that have not left this process. */
  readonly pendingBytes: number;
  onDrain(run: () => void): void;
  /** Ends behind what was written, and says why where the door can. */
  end(reason: ListenerEnd): void;
  /** Ends at once, without waiting for what is pending. */
  destroy(): void;
}

export interface Client<Written extends Chunk> {
  readonly group: string;
  readonly sink: Sink<Written>;
  readonly framing: Framing<Written>;
  state: 'behind' | 'live' | 'closed';
  /** Everything before it was written to the sink. */
  place: FeedPlace;
  /** Of the log, while the client is behind. */
  reader: ChangeReader | null;
  /** The reader is in use: it is closed by who uses it. */
  isReading: boolean;
  /** Bytes written in all, and how many of them had left at the last look that saw progress. */
  writtenBytes: number;
  takenBytes: number;
  takenAtMs: number;
  wroteAtMs: number;
  /** Whether a token still opens what it opened; always for anonymous clients. */
  readonly isAllowed: () => boolean;
}

export function openClient<Written extends Chunk>(options: {
  readonly group: string;
  readonly sink: Sink<Written>;
  readonly framing: Framing<Written>;
  readonly place: FeedPlace;
  readonly nowMs: number;
  readonly isAllowed: () => boolean;
}): Client<Written> {
  const { group, sink, framing, place, nowMs, isAllowed } = options;
  return {
    group,
    sink,
    framing,
    state: 'behind',
    place,
    reader: null,
    isReading: false,
    writtenBytes: 0,
    takenBytes: 0,
    takenAtMs: nowMs,
    wroteAtMs: nowMs,
    isAllowed,
  };
}

export function writeTo<Written extends Chunk>(
  client: Client<Written>,
  { chunk, changes }: { readonly chunk: Written; readonly changes: number },
  nowMs: number,
): boolean {
  // A client that had taken everything starts its time anew: only waiting bytes make it frozen.
  if (client.sink.pendingBytes === 0) client.takenAtMs = nowMs;
  client.writtenBytes += chunk.length;
  client.wroteAtMs = nowMs;
  return client.sink.write(chunk, changes);
}

/** Time in which the server itself stood still: no client could have taken anything then. */
export function excuse<Written extends Chunk>(
  client: Client<Written>,
  nowMs: number,
  stoodMs: number,
): void {
  client.takenAtMs = Math.min(nowMs, client.takenAtMs + stoodMs);
}

/** True when bytes have been waiting for `frozenMs` and not one of them was taken. */
export function isFrozen<Written extends Chunk>(
  client: Client<Written>,
  nowMs: number,
  frozenMs: number,
): boolean {
  const pending = client.sink.pendingBytes;
  const takenBytes = client.writtenBytes - pending;
  if (pending === 0 || takenBytes > client.takenBytes) {
    client.takenBytes = takenBytes;
    client.takenAtMs = nowMs;
    return false;
  }
  return nowMs - client.takenAtMs >= frozenMs;
}
