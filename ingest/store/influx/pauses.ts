import type { Clock } from '../../../devices/clock.ts';

/** Waits that end early when whoever waits is closed. */
export interface Pauses {
  /** Resolves after `delayMs`, or at once when ended. */
  pause(delayMs: number): Promise<void>;
  end(): void;
  readonly isEnded: boolean;
}

export function createPauses(clock: Clock): Pauses {
  const running = new Set<() => void>();
  let isEnded = false;
  return {
    pause(delayMs) {
      if (isEnded) return Promise.resolve();
      return new Promise((resolve) => {
        const finish = (): void => {
          running.delete(finish);
          due.cancel();
          resolve();
        };
        const due = clock.schedule(delayMs, finish);
        running.add(finish);
      });
    },
    end() {
      isEnded = true;
      for (const finish of running) finish();
    },
    get isEnded() {
      return isEnded;
    },
  };
}
