/** Answers with a text made for them: tagged by its bytes, made once for all who ask at a time. */
import { createHash } from 'node:crypto';

import type { FastifyReply, FastifyRequest } from 'fastify';

import type { Clock } from '../../devices/clock.ts';
import { createSlots, type Slots } from '../../ingest/feed/slots.ts';
import type { ApiContext } from '../context.ts';
import { isTagNamed } from '../validator.ts';
import type { Viewer } from '../viewer.ts';

export interface TextAnswer {
  readonly viewer: Viewer;
  readonly mediaType: string;
  readonly text: string;
  /** Links beside it (RFC 8288), as the header has them. */
  readonly link?: string;
}

/** 304 where the client has these very bytes. */
export function answerText(
  context: Pick<ApiContext, 'config'>,
  request: FastifyRequest,
  reply: FastifyReply,
  { viewer, mediaType, text, link }: TextAnswer,
): FastifyReply {
  const isPublic = viewer.principal === 'anonymous';
  const tag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 27)}"`;
  reply.headers({
    'content-type': mediaType.includes('charset') ? mediaType : `${mediaType}; charset=utf-8`,
    'cache-control': `${isPublic ? 'public' : 'private'}, max-age=${context.config.cacheSecondsMax}`,
    vary: 'accept, accept-encoding, authorization',
    etag: tag,
    ...(link === undefined ? {} : { link }),
  });
  if (isTagNamed(request.headers['if-none-match'], tag)) {
    return reply.code(304).removeHeader('content-type').send();
  }
  return reply.send(text);
}

/** Texts of some ten megabytes are made by so many at once; the others wait their turn. */
const makingMax = 2;
async function inTurn<Value>(slots: Slots, make: () => Promise<Value>): Promise<Value> {
  await slots.take();
  try {
    return await make();
  } finally {
    slots.release();
  }
}

export interface MadeOnce<Value> {
  /**
   * What belongs to this key: made now, or a little ago, or being made for somebody else. `admit` is
   * asked before it is made, may refuse, and returns what is to be called once it is made.
   */
  get(key: string, make: () => Promise<Value>, admit: () => () => void): Promise<Value>;
  /** Of what is kept, with the keys. */
  readonly bytes: number;
}

export interface MadeOnceOptions<Value> {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** A value is used again for so long. */
  readonly keptMs: number;
  /** Beyond, the oldest is forgotten; what alone is greater is given and not kept. */
  readonly bytesMax: number;
  readonly entriesMax: number;
  readonly bytesOf: (value: Value) => number;
}

interface Made<Value> {
  readonly atMs: number;
  readonly value: Promise<Value>;
  bytes: number;
}

export function createMadeOnce<Value>(options: MadeOnceOptions<Value>): MadeOnce<Value> {
  const { clock, keptMs, bytesMax, entriesMax, bytesOf } = options;
  const making = createSlots(makingMax);
  const made = new Map<string, Made<Value>>();
  let bytes = 0;

  function drop(key: string, entry: Made<Value>): void {
    if (made.get(key) !== entry) return;
    made.delete(key);
    bytes -= entry.bytes;
    entry.bytes = 0;
  }

  function grow(key: string, entry: Made<Value>, added: number): void {
    if (made.get(key) !== entry) return;
    entry.bytes += added;
    bytes += added;
    if (entry.bytes > bytesMax) drop(key, entry);
    for (const [oldestKey, oldest] of made) {
      if (bytes <= bytesMax && made.size <= entriesMax) return;
      drop(oldestKey, oldest);
    }
  }

  /** What is as old cannot be given again, and takes room. */
  function dropOld(nowMs: number): void {
    for (const [key, entry] of made) {
      if (nowMs - entry.atMs < keptMs) return;
      drop(key, entry);
    }
  }

  async function makeNow(make: () => Promise<Value>, done: () => void): Promise<Value> {
    try {
      return await inTurn(making, make);
    } finally {
      done();
    }
  }

  return {
    async get(key, make, admit) {
      const nowMs = clock.monotonicMs();
      dropOld(nowMs);
      const known = made.get(key);
      if (known !== undefined) return known.value;
      const entry = { atMs: nowMs, value: makeNow(make, admit()), bytes: 0 };
      made.set(key, entry);
      grow(key, entry, 2 * key.length);
      try {
        const value = await entry.value;
        grow(key, entry, bytesOf(value));
        return value;
      } catch (error) {
        drop(key, entry);
        throw error;
      }
    },
    get bytes() {
      return bytes;
    },
  };
}

/** A text takes a place among the long answers while it is made, and is charged as rows would be. */
export function admitMaking(
  { streams, gate }: Pick<ApiContext, 'streams' | 'gate'>,
  request: FastifyRequest,
): () => () => void {
  return () => streams.take(gate.clientOf(request));
}

/** Characters of a row as JSON, about. */
const rowCharacters = 400;

export function chargeText(
  { gate }: Pick<ApiContext, 'gate'>,
  request: FastifyRequest,
  text: string,
): string {
  gate.countRows(request, text.length / rowCharacters);
  return text;
}
