/** Asks whoever has something going on what it has given, every so often and at the end. */
import type { Clock } from '../../devices/clock.ts';

/** Notes what was given since it was last asked. `isLast`: it is never asked again. */
type Source = (isLast: boolean) => void | Promise<void>;

export interface Rounds {
  readonly add: (source: Source) => void;
  /** Resolves when every source has noted what it has. */
  go(): Promise<void>;
  /** Goes round for the last time. */
  close(): Promise<void>;
}

export function createRounds(options: {
  readonly clock: Clock;
  readonly everyMs: number;
  /** What the source has stays with it for the next round. */
  readonly failed: (error: unknown) => void;
}): Rounds {
  const { clock, everyMs, failed } = options;
  const sources: Source[] = [];
  let going: Promise<void> = Promise.resolve();
  let next = clock.schedule(everyMs, again);

  function again(): void {
    void askAll(false);
    next = clock.schedule(everyMs, again);
  }

  /** One round after the other: what a source has is noted once. */
  function askAll(isLast: boolean): Promise<void> {
    going = going.then(async () => {
      for (const source of sources) {
        try {
          await source(isLast);
        } catch (error) {
          failed(error);
        }
      }
    });
    return going;
  }

  return {
    add: (source) => void sources.push(source),
    go: () => askAll(false),
    close() {
      next.cancel();
      return askAll(true);
    },
  };
}
