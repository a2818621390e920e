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
  /** What belongs to this key: made now, or a little ago, or being made for somebody else. */
  get(key: string, make: () => Promise<Value>): Promise<Value>;
}

/** Beyond `entriesMax` the oldest is forgotten; a value is used again for `keptMs`. */
export function createMadeOnce<Value>(options: {
  readonly clock: Clock;
  readonly keptMs: number;
  readonly entriesMax: number;
}): MadeOnce<Value> {
  const { clock, keptMs, entriesMax } = options;
  const making = createSlots(makingMax);
  const made = new Map<string, { readonly atMs: number; readonly value: Promise<Value> }>();
  return {
    get(key, make) {
      const known = made.get(key);
      if (known !== undefined && clock.monotonicMs() - known.atMs < keptMs) return known.value;
      const value = inTurn(making, make);
      made.delete(key);
      made.set(key, { atMs: clock.monotonicMs(), value });
      const [oldest] = made.keys();
      if (made.size > entriesMax && oldest !== undefined) made.delete(oldest);
      value.catch(() => {
        if (made.get(key)?.value === value) made.delete(key);
      });
      return value;
    },
  };
}
