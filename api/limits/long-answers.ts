/**
 * Long answers: each has a place among few from before its first step to its last byte, works when it
 * is its turn, goes at the pace of its reader, and is cut, so without its end, when the reader takes
 * nothing or its place is taken from it.
 */
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';

import type { FastifyRequest } from 'fastify';

import type { ApiContext } from '../context.ts';
import { apiError } from '../errors.ts';
import type { Chunk, ListWriter } from '../formats/table.ts';
import type { PagePlace } from '../page.ts';
import { turnMs } from './turns.ts';

/** Characters or bytes. */
const shortSizeMax = 262_144;
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
 * needs one of the few places for long answers.
 */
export async function takeShort<Item>(
  { clock }: ApiContext,
  writer: ListWriter<Item>,
  steps: CountedSteps<Item>,
  { end, place }: { readonly end: ListTail; readonly place: AnswerPlace },
): Promise<{ readonly chunks: readonly Chunk[]; readonly isWhole: boolean }> {
  const chunks: Chunk[] = [...writer.begin()];
  const untilMs = clock.monotonicMs() + shortMsMax;
  let size = 0;
  while (size < shortSizeMax && clock.monotonicMs() < untilMs) {
    place.requireHeld();
    const { done, value } = await steps.next();
    for (const chunk of done === true ? end.chunks(value) : writer.write(value)) {
      chunks.push(chunk);
      size += chunk.length;
      if (place.isPauseDue()) await place.pause();
    }
    if (done === true) return { chunks, isWhole: true };
    if (place.isPauseDue()) await place.pause();
  }
  place.requireHeld();
  return { chunks, isWhole: false };
}

export async function* streamOf<Item>(
  place: AnswerPlace,
  writer: ListWriter<Item>,
  steps: CountedSteps<Item>,
  around: { readonly start: Chunk; readonly end: ListTail; readonly atEnd: () => void },
): AsyncGenerator<Chunk> {
  yield around.start;
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
  { clock, config, events }: ApiContext,
  chunks: AsyncGenerator<Chunk>,
  place: AnswerPlace,
): Readable {
  let taken = 0;
  let seen = -1;
  async function* counted(): AsyncGenerator<Chunk> {
    try {
      for await (const chunk of chunks) {
        taken += 1;
        if (chunk.length > 0) yield chunk;
      }
    } catch (error) {
      events.streamCut('failed', error);
      throw error;
    }
  }
  const stream = Readable.from(counted(), { objectMode: false, highWaterMark: 65_536 });
  const cut = (end: 'stalled' | 'shed', message: string): void => {
    if (stream.destroyed) return;
    const error = new Error(message);
    events.streamCut(end, error);
    stream.destroy(error);
  };
  const watch = () => {
    if (taken === seen && !place.isWaiting) {
      cut('stalled', 'the reader of a long answer took nothing');
      return;
    }
    seen = taken;
    watching = clock.schedule(config.streamStallMs, watch);
  };
  let watching = clock.schedule(config.streamStallMs, watch);
  stream.once('close', () => {
    watching.cancel();
    place.release();
  });
  place.onCut(() => cut('shed', 'others have cost the server far less'));
  return stream;
}
