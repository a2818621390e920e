/**
 * Long answers: each has a place among few from before its first step to its last byte, works when it
 * is its turn, goes at the pace of its reader, and is cut, so without its end, when the reader takes
 * nothing or its place is taken from it.
 */
import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';

import type { FastifyRequest } from 'fastify';

import type { ApiContext } from '../context.ts';
import { apiError } from '../errors.ts';
import type { Chunk, ListWriter } from '../formats/table.ts';
import type { PagePlace } from '../page.ts';
import { watchStream } from './stalls.ts';
import { turnMs } from './turns.ts';

const shortBytesMax = 262_144;
const shortMsMax = 250;

/** The place of one answer among the long ones, once it is taken. */
export interface AnswerPlace {
  /** Throws API_TOO_MANY_STREAMS; again is nothing. */
  take(): void;
  release(): void;
  /** Whether the place was taken away before the answer had begun: throws API_TOO_MANY_STREAMS. */
  requireHeld(): void;
  /** Called when the place is taken away, or at once where it has been. */
  onCut(cut: () => void): void;
  /** Lets others have their turn where this answer has had its own. */
  pause(): Promise<void>;
  isPauseDue(): boolean;
  /** It waits for its turn, not for its reader. */
  readonly isWaiting: boolean;
}

export function createPlace(context: ApiContext, request: FastifyRequest): AnswerPlace {
  const { clock, gate, streams, streamTurns } = context;
  const client = gate.clientOf(request);
  let release: (() => void) | undefined;
  let isCut = false;
  let isWaiting = false;
  let cutStream = (): void => undefined;
  let dueAtMs = clock.monotonicMs() + turnMs;
  const cut = (): void => {
    isCut = true;
    cutStream();
  };
  return {
    take: () => void (release ??= streams.take(client, cut)),
    release: () => release?.(),
    requireHeld() {
      if (isCut) throw apiError('API_TOO_MANY_STREAMS');
    },
    onCut(run) {
      cutStream = run;
      if (isCut) run();
    },
    async pause() {
      isWaiting = true;
      await (release === undefined ? setImmediate() : streamTurns.next(() => client.recentCost()));
      isWaiting = false;
      dueAtMs = clock.monotonicMs() + turnMs;
    },
    isPauseDue: () => clock.monotonicMs() >= dueAtMs,
    get isWaiting() {
      return isWaiting;
    },
  };
}

/** The end of the list; its `next` is known once its chunks were asked for. */
export interface ListTail {
  chunks(place: PagePlace | null): Iterable<Chunk>;
  next: string | null;
}

/** Steps of items; in the end the next page's place or null. */
type CountedSteps<Item> = AsyncGenerator<readonly Item[], PagePlace | null>;

/**
 * As much as makes a short answer, in size and in time, pausing for others meanwhile. What is longer
 * needs one of the few places for long answers. Text is kept as bytes: as the many small strings that
 * it was put together of, it would be copied among what is old by every collection that comes in a
 * pause (a day of one-minute rows: 3.7 MB each time, and the whole heap looked through every 60 answers).
 */
export async function takeShort<Item>(
  { clock }: Pick<ApiContext, 'clock'>,
  writer: ListWriter<Item>,
  steps: CountedSteps<Item>,
  { end, place }: { readonly end: ListTail; readonly place: AnswerPlace },
): Promise<{ readonly chunks: readonly Uint8Array[]; readonly isWhole: boolean }> {
  const chunks = [...writer.begin()].map(bytesOf);
  const untilMs = clock.monotonicMs() + shortMsMax;
  let bytes = 0;
  while (bytes < shortBytesMax && clock.monotonicMs() < untilMs) {
    place.requireHeld();
    const { done, value } = await steps.next();
    for (const chunk of done === true ? end.chunks(value) : writer.write(value)) {
      const encoded = bytesOf(chunk);
      chunks.push(encoded);
      bytes += encoded.length;
      if (place.isPauseDue()) await place.pause();
    }
    if (done === true) return { chunks, isWhole: true };
    if (place.isPauseDue()) await place.pause();
  }
  place.requireHeld();
  return { chunks, isWhole: false };
}

function bytesOf(chunk: Chunk): Uint8Array {
  return typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}

export async function* streamOf<Item>(
  place: AnswerPlace,
  writer: ListWriter<Item>,
  steps: CountedSteps<Item>,
  around: {
    readonly start: readonly Uint8Array[];
    readonly end: ListTail;
    readonly atEnd: () => void;
  },
): AsyncGenerator<Chunk> {
  yield* around.start;
  for (;;) {
    await place.pause();
    const { done, value } = await steps.next();
    for (const chunk of done === true ? around.end.chunks(value) : writer.write(value)) {
      if (place.isPauseDue()) await place.pause();
      yield chunk;
    }
    // A step without rows to show is progress too.
    yield '';
    if (done !== true) continue;
    around.atEnd();
    return;
  }
}

/** A stream that holds its place until it ends, and is cut when nothing moves. */
export function openStream(
  context: ApiContext,
  chunks: AsyncGenerator<Chunk>,
  place: AnswerPlace,
): Readable {
  const isWaiting = () => place.isWaiting;
  const { stream, cut } = watchStream(context, { chunks, of: 'a long answer', isWaiting });
  stream.once('close', () => place.release());
  place.onCut(() => cut('shed', 'others have cost the server far less'));
  return stream;
}
