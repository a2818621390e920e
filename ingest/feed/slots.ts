/** A bounded number of things under way at once; who comes later waits its turn, in order. */
export interface Slots {
  /** Takes a slot at once, or says that none is free. */
  tryTake(): boolean;
  /** Resolves when the slot is taken. */
  take(): Promise<void>;
  release(): void;
  readonly taken: number;
}

export function createSlots(slotsMax: number): Slots {
  const queue: (() => void)[] = [];
  let taken = 0;
  return {
    get taken() {
      return taken;
    },
    tryTake() {
      if (taken >= slotsMax) return false;
      taken += 1;
      return true;
    },
    take() {
      if (taken < slotsMax) {
        taken += 1;
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        queue.push(resolve);
      });
    },
    release() {
      const next = queue.shift();
      if (next === undefined) taken -= 1;
      else next();
    },
  };
}
