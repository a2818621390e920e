/** Where a follower's bytes go, for tests: what it has been told, and when it takes. */
import type { Sink } from './client.ts';

/** A sink whose client takes bytes only when it is told to. */
export interface TestSink extends Sink {
  readonly text: () => string;
  readonly state: () => 'open' | 'ended' | 'destroyed';
  /** The client takes everything that waits. */
  take(): void;
  /** Takes everything at once from here on. */
  flow(): void;
}

export function createTestSink(): TestSink {
  let pendingBytes = 0;
  let text = '';
  let state: 'open' | 'ended' | 'destroyed' = 'open';
  let drained: (() => void) | null = null;
  let isFlowing = false;
  const take = () => {
    pendingBytes = 0;
    const run = drained;
    drained = null;
    run?.();
  };
  return {
    get pendingBytes() {
      return pendingBytes;
    },
    write(chunk) {
      text += chunk.toString();
      pendingBytes += chunk.length;
      if (isFlowing) take();
      return pendingBytes === 0;
    },
    onDrain(run) {
      drained = run;
    },
    end() {
      state = 'ended';
    },
    destroy() {
      state = 'destroyed';
    },
    text: () => text,
    state: () => state,
    take,
    flow() {
      isFlowing = true;
      take();
    },
  };
}
