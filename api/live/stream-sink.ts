import type { Writable } from 'node:stream';

import type { Sink } from '../../ingest/feed/client.ts';

/** Counts what has not left yet by the callbacks of the writes. */
export function createStreamSink(
  stream: Writable,
): Pick<Sink, 'write' | 'pendingBytes' | 'onDrain'> {
  let pendingBytes = 0;
  let drained: (() => void) | null = null;
  return {
    get pendingBytes() {
      return pendingBytes;
    },
    write(chunk) {
      pendingBytes += chunk.length;
      return stream.write(chunk, () => {
        pendingBytes -= chunk.length;
        if (pendingBytes > 0) return;
        const run = drained;
        drained = null;
        run?.();
      });
    },
    onDrain(run) {
      drained = run;
    },
  };
}
