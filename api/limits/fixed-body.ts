/**
 * Bodies that never change while the server runs: the page's files, the description of the API. Each
 * is held and compressed once for all readers, so that whoever asks again and again, or takes nothing,
 * costs no more than a small answer, and whoever has it already is told so by its tag.
 */
import { createHash } from 'node:crypto';

import type { FastifyInstance, FastifyReply } from 'fastify';

import { isTagNamed } from '../validator.ts';
import { chooseEncoding, createEncoder, type Encoding } from './encoding.ts';

interface FixedBody {
  readonly type: string;
  /** Strong, of the bytes as they are. */
  readonly tag: string;
  readonly body: Buffer;
  readonly encoded: (encoding: Encoding) => Promise<Buffer>;
}

/** What is no longer is sent as it is. */
const plainBytesMax = 1_024;
const compressible = /^text\/|json|svg/;

export function createFixedBody(body: Buffer, type: string): FixedBody {
  const encoder = createEncoder();
  const made = new Map<Encoding, Promise<Buffer>>();
  return {
    type,
    tag: `"${createHash('sha256').update(body).digest('base64url')}"`,
    body,
    encoded: (encoding) => {
      const found = made.get(encoding) ?? encoder.encode(body, encoding);
      made.set(encoding, found);
      return found;
    },
  };
}

export interface FixedDescription {
  readonly path: string;
  readonly type: string;
  /** Called for the first who asks: a start needs none. */
  readonly make: () => object;
}

/** A description for programs, as JSON. */
export function addFixedBody(app: FastifyInstance, { path, type, make }: FixedDescription): void {
  let fixed: FixedBody | undefined;
  app.get(path, { schema: { hide: true } }, (_request, reply) => {
    fixed ??= createFixedBody(Buffer.from(JSON.stringify(make())), type);
    return sendFixedBody(reply.header('cache-control', 'public, max-age=300'), fixed);
  });
}

/** Whole, or 304 where the client has it; further headers are the caller's. */
export async function sendFixedBody(
  reply: FastifyReply,
  { type, tag, body, encoded }: FixedBody,
): Promise<FastifyReply> {
  const { headers } = reply.request;
  reply.headers({ vary: 'accept-encoding', etag: tag });
  if (isTagNamed(headers['if-none-match'], tag)) return reply.code(304).send();
  reply.header('content-type', type);
  const encoding = chooseEncoding(headers['accept-encoding']);
  const isEncoded =
    encoding !== undefined && body.length > plainBytesMax && compressible.test(type);
  if (!isEncoded) return reply.send(body);
  return reply.header('content-encoding', encoding).send(await encoded(encoding));
}
