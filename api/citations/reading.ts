/**
 * Gives out the bytes of citations as they come from the disk: few at once, never more of them in
 * memory than a piece, and no longer than their reader goes on taking.
 */
import { Readable } from 'node:stream';

import type { FastifyRequest } from 'fastify';

import type { ApiContext } from '../context.ts';
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
    const stream = watched(context, blobs.stream(sha256, stored, span));
    stream.once('close', release);
    return stream;
  };
}

/** Cut when its reader takes nothing for `streamStallMs`. */
function watched({ clock, config, events }: ApiContext, source: Readable): Readable {
  let taken = 0;
  let seen = -1;
  async function* counted(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of source) {
        taken += 1;
        yield chunk as Uint8Array;
      }
    } catch (error) {
      events.streamCut('failed', error);
      throw error;
    } finally {
      source.destroy();
    }
  }
  const stream = Readable.from(counted(), { objectMode: false, highWaterMark: 65_536 });
  const watch = (): void => {
    if (taken === seen) {
      const error = new Error('the reader of a citation took nothing');
      events.streamCut('stalled', error);
      stream.destroy(error);
      return;
    }
    seen = taken;
    watching = clock.schedule(config.streamStallMs, watch);
  };
  let watching = clock.schedule(config.streamStallMs, watch);
  stream.once('close', () => {
    watching.cancel();
    source.destroy();
  });
  return stream;
}
