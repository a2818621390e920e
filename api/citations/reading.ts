/**
 * Gives out the bytes of citations as they come from the disk: few at once, never more of them in
 * memory than a piece, and no longer than their reader goes on taking.
 */
import type { Readable } from 'node:stream';

import type { FastifyRequest } from 'fastify';

import type { ApiContext } from '../context.ts';
import { openDiskStream } from '../limits/disk-stream.ts';
import { createShares } from '../limits/shares.ts';
import type { Blobs, ByteSpan } from './blobs.ts';
import type { CitationRecord } from './records.ts';

/** Throws API_TOO_MANY_STREAMS. */
export type ReadCited = (
  request: FastifyRequest,
  record: CitationRecord,
  span: ByteSpan,
) => Readable;

/** Unpacking so many is counted as reading a row. */
const bytesPerRow = 256;

export function createReading(context: ApiContext, blobs: Blobs): ReadCited {
  const { config } = context;
  const code = 'API_TOO_MANY_STREAMS';
  const places = createShares({ ...config, placesMax: config.citationReadsMax, code });
  return (request, { sha256, stored }, span) => {
    const release = places.take(context.gate.clientOf(request));
    // What stands before a range is unpacked too.
    const read = span.last + 1 - (stored === 'plain' ? span.first : 0);
    context.gate.countRows(request, Math.ceil(read / bytesPerRow));
    return openDiskStream(context, blobs.stream(sha256, stored, span), release);
  };
}
