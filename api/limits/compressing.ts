/**
 * Compresses what is whole before it is sent. A compressor that works as its reader takes holds a
 * megabyte or more until the last byte has gone: 600 readers that took nothing held 1 to 2 GB. So
 * whole bodies are compressed at once, one after the other, and only so many streams as there may be
 * long answers have a compressor of their own; what is beyond goes as it is.
 */
import { finished } from 'node:stream';

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import { chooseEncoding, createEncoder } from './encoding.ts';

/** What is smaller is compressed in the turn in which it is sent: a tenth of a millisecond. */
export const compressedInTurnBytesMax = 8_192;
/** What is greater is as a stream: alone it would hold up the others. */
const wholeBytesMax = 8 * 1_048_576;
/** Bodies that wait for their turn; beyond, they go as they are. */
const waitingBytesMax = 16 * 1_048_576;

const compressible =
  /^text\/(?!event-stream)|[+/](x-nd)?json(;|$)|[+/]xml(;|$)|javascript|vector-tile/i;

/** Before the compressor of streams is registered, and before the routes. */
export function compressWhole(app: FastifyInstance, streamsMax: number): void {
  const encoder = createEncoder();
  let waitingBytes = 0;
  let streams = 0;

  async function encode(request: FastifyRequest, reply: FastifyReply, body: string | Buffer) {
    const bytes = Buffer.from(body as string);
    const encoding = chooseEncoding(request.headers['accept-encoding']);
    if (encoding === undefined) return body;
    const hasRoom = waitingBytes + bytes.length <= waitingBytesMax;
    if (!hasRoom || !isCompressible(reply)) return asItIs(request, body);
    waitingBytes += bytes.length;
    try {
      const encoded = await encoder.encode(bytes, encoding);
      reply.header('content-encoding', encoding).removeHeader('content-length');
      varyByEncoding(reply);
      return encoded;
    } finally {
      waitingBytes -= bytes.length;
    }
  }

  /** The compressor of streams comes behind this. */
  function admitStream(request: FastifyRequest, reply: FastifyReply, payload: unknown): unknown {
    if (chooseEncoding(request.headers['accept-encoding']) === undefined) return payload;
    if (streams >= streamsMax || !isCompressible(reply)) return asItIs(request, payload);
    streams += 1;
    // Told also of a client that has gone before its stream begins.
    finished(reply.raw, () => (streams -= 1));
    return payload;
  }

  app.addHook('onSend', async (request, reply, payload: unknown) => {
    if (payload === null || payload === undefined || reply.hasHeader('content-encoding')) {
      return payload;
    }
    const isWhole = typeof payload === 'string' || Buffer.isBuffer(payload);
    if (!isWhole) return admitStream(request, reply, payload);
    const bytes = Buffer.byteLength(payload);
    if (bytes <= compressedInTurnBytesMax) return payload;
    if (bytes > wholeBytesMax) return admitStream(request, reply, payload);
    return encode(request, reply, payload);
  });
}

function isCompressible(reply: FastifyReply): boolean {
  const type = String(reply.getHeader('content-type') ?? 'application/json');
  return compressible.test(type) && reply.statusCode !== 206 && !reply.hasHeader('content-range');
}

/** The compressor lets through what asks for it. */
function asItIs<Payload>({ headers }: FastifyRequest, payload: Payload): Payload {
  headers['x-no-compression'] = '1';
  return payload;
}

function varyByEncoding(reply: FastifyReply): void {
  const vary = String(reply.getHeader('vary') ?? '');
  if (/accept-encoding/i.test(vary)) return;
  reply.header('vary', vary === '' ? 'accept-encoding' : `${vary}, accept-encoding`);
}
