/** Followers of the changes that go from api to api, with the cursor they have. */
import { sleep, type Clock } from '../../../devices/clock.ts';
import type { Random } from '../../../devices/random.ts';
import { readAnswer } from '../../load/answer.ts';
import { createChangeBook, type Change, type ChangeBook } from './change-book.ts';
import { readLive } from './live-events.ts';

export interface Follower {
  readonly book: ChangeBook;
  /** How often it went to another api, or the same one, anew. */
  readonly hops: number;
  /** Requests that were answered with no page, or a stream that broke by itself. */
  readonly failures: number;
  stop(): Promise<void>;
}

interface FollowOptions {
  readonly apis: readonly string[];
  /** The cursor to begin behind. */
  readonly after: string;
  readonly clock: Clock;
  readonly random: Random;
}

interface Page {
  readonly changes: readonly Change[];
  readonly next: string;
  readonly atEnd: boolean;
}

const pageLimit = 1_000;
const restMs = 100;
/** How long a stream is followed before the next hop: at least, and spread over. */
const streamMsMin = 200;
const streamMsSpread = 2_000;

/** `/changes`, each page from one of the apis at random. */
export function followPages({ apis, after, clock, random }: FollowOptions): Follower {
  const book = createChangeBook();
  const state = { hops: 0, failures: 0 };
  let isOpen = true;
  let cursor = after;
  const run = async (): Promise<void> => {
    while (isOpen) {
      const page = await readPage(oneOf(apis, random), cursor).catch(() => undefined);
      state.hops += 1;
      if (page === undefined) state.failures += 1;
      for (const change of page?.changes ?? []) book.take(change);
      cursor = page?.next ?? cursor;
      if (page?.changes.length !== pageLimit) await sleep(clock, restMs);
    }
  };
  const ended = run();
  return Object.assign(state, {
    book,
    async stop() {
      isOpen = false;
      await ended;
    },
  });
}

/** `/live`, each stream from one of the apis at random and for a while, resumed by Last-Event-ID. */
export function followStreams({ apis, after, clock, random }: FollowOptions): Follower {
  const book = createChangeBook();
  const state = { hops: 0, failures: 0 };
  const stopping = new AbortController();
  let cursor = after;
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const hop = new AbortController();
      const end = (): void => hop.abort();
      stopping.signal.addEventListener('abort', end);
      const timer = clock.schedule(streamMsMin + random.next() * streamMsSpread, end);
      const { signal } = hop;
      try {
        await readLive(oneOf(apis, random), { after: cursor, signal }, ({ id, data }) => {
          // What is still on its way when the follower leaves is not taken: it comes again.
          if (signal.aborted) return;
          if (data !== '') book.take(JSON.parse(data) as Change);
          cursor = id;
        });
      } catch {
        if (!signal.aborted) state.failures += 1;
      }
      state.hops += 1;
      timer.cancel();
      stopping.signal.removeEventListener('abort', end);
      if (!signal.aborted) await sleep(clock, restMs);
    }
  };
  const ended = run();
  return Object.assign(state, {
    book,
    async stop() {
      stopping.abort();
      await ended;
    },
  });
}

/** All changes behind the cursor, from one api. */
export async function readAll(api: string, after: string): Promise<ChangeBook> {
  const book = createChangeBook();
  let cursor = after;
  for (;;) {
    const { changes, next, atEnd } = await readPage(api, cursor);
    for (const change of changes) book.take(change);
    cursor = next;
    if (atEnd) return book;
  }
}

/** Where the changes end now. */
export async function endCursor(api: string): Promise<string> {
  return (await readPage(api, 'now')).next;
}

async function readPage(api: string, after: string): Promise<Page> {
  const path = `/api/v1/changes?after=${encodeURIComponent(after)}&limit=${pageLimit}`;
  return JSON.parse(await readAnswer(api, path)) as Page;
}

function oneOf(apis: readonly string[], random: Random): string {
  return apis[Math.floor(random.next() * apis.length)] ?? '';
}
