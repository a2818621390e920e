import type { Writable } from 'node:stream';

import type { Sink } from '../../ingest/feed/client.ts';

/** Counts what has not left yet by the callbacks of the writes. `given` is told how many changes went. */
export function createStreamSink(
  stream: Writable,
  given: (changes: number) => void,
): Pick<Sink, 'write' | 'pendingBytes' | 'onDrain'> {
  let pendingBytes = 0;
  let drained: (() => void) | null = null;
  return {
    get pendingBytes() {
      return pendingBytes;
    },
    write(chunk, changes) {
      if (changes > 0) given(changes);
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
