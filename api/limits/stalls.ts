/** Streams that are cut, so without their end, when their reader takes nothing. */
import { Readable } from 'node:stream';

import type { ApiContext } from '../context.ts';
import type { Chunk } from '../formats/table.ts';

export interface WatchedStream {
  readonly stream: Readable;
  /** Told as why the stream was cut. */
  readonly cut: (end: 'stalled' | 'shed', message: string) => void;
}

export interface WatchedOptions {
  readonly chunks: AsyncIterable<Chunk>;
  /** What is read, for the log. */
  readonly of: string;
  /** It is the server that others wait for, not the reader. */
  readonly isWaiting?: () => boolean;
}

/** Cut when nothing of it is taken for `streamStallMs`. An empty chunk is progress, and is not sent. */
export function watchStream(
  { clock, config, events }: Pick<ApiContext, 'clock' | 'config' | 'events'>,
  { chunks, of, isWaiting = () => false }: WatchedOptions,
): WatchedStream {
  let taken = 0;
  let seen = -1;
  async function* counted(): AsyncGenerator<Chunk> {
    try {
      for await (const chunk of chunks) {
        taken += 1;
        if (chunk.length > 0) yield chunk;
      }
    } catch (error) {
      // Whoever cut it has told why; a reader that went away cut it too.
      if (!stream.destroyed) events.streamCut('failed', error);
      throw error;
    }
  }
  const stream = Readable.from(counted(), { objectMode: false, highWaterMark: 65_536 });
  const cut: WatchedStream['cut'] = (end, message) => {
    if (stream.destroyed) return;
    const error = new Error(message);
    events.streamCut(end, error);
    stream.destroy(error);
  };
  const watch = (): void => {
    if (taken === seen && !isWaiting()) {
      cut('stalled', `the reader of ${of} took nothing`);
      return;
    }
    seen = taken;
    watching = clock.schedule(config.streamStallMs, watch);
  };
  let watching = clock.schedule(config.streamStallMs, watch);
  stream.once('close', () => watching.cancel());
  return { stream, cut };
}
