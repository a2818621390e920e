import type { Clock } from '../../../devices/clock.ts';
import { clusterRegistryError } from './errors.ts';

/** Those who wait for the copy to come to a place. */
export interface Waiters {
  readonly size: number;
  /** Rejects CLUSTER_REGISTRY_AWAY after `waitMs`. */
  until(isReached: (next: number) => boolean, waitMs: number): Promise<void>;
  /** The topic was read up to `next`. */
  tell(next: number): void;
  reject(error: Error): void;
}

interface Waiter {
  readonly isReached: (next: number) => boolean;
  readonly done: (error?: Error) => void;
}

export function createWaiters(clock: Clock): Waiters {
  const waiting = new Set<Waiter>();
  return {
    get size() {
      return waiting.size;
    },
    until: (isReached, waitMs) =>
      new Promise((resolve, reject) => {
        const late = clock.schedule(waitMs, () =>
          waiter.done(clusterRegistryError('CLUSTER_REGISTRY_AWAY', { waitMs })),
        );
        const waiter: Waiter = {
          isReached,
          done(error) {
            waiting.delete(waiter);
            late.cancel();
            if (error === undefined) resolve();
            else reject(error);
          },
        };
        waiting.add(waiter);
      }),
    tell(next) {
      for (const waiter of waiting) if (waiter.isReached(next)) waiter.done();
    },
    reject(error) {
      for (const waiter of waiting) waiter.done(error);
    },
  };
}
