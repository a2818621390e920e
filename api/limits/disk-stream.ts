/**
 * What comes from the disk piece by piece, at the pace of its reader: each holds a descriptor and some
 * pieces in memory, so it has a place among few, and keeps it only while its reader goes on taking.
 */
import type { Readable } from 'node:stream';

import type { ApiContext } from '../context.ts';
import { watchStream } from './stalls.ts';

/** Cut when its reader takes nothing for `streamStallMs`; `release` gives its place back. */
export function openDiskStream(
  context: Pick<ApiContext, 'clock' | 'config' | 'events'>,
  source: Readable,
  release: () => void,
): Readable {
  const { stream } = watchStream(context, { chunks: source, of: 'a file' });
  stream.once('close', () => {
    // The file is closed at once, whatever it was about to give.
    source.destroy();
    release();
  });
  return stream;
}
