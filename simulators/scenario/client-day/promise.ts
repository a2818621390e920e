/** A promise of the product that was found broken, by its name, with what was found instead. */
export class BrokenPromise extends Error {
  readonly promise: string;
  readonly found: unknown;

  constructor(promise: string, found: unknown) {
    super(`${promise}: ${JSON.stringify(found)?.slice(0, 2_000)}`);
    this.promise = promise;
    this.found = found;
  }
}

/** Throws BrokenPromise; `found` is made only then. */
export function keep(promise: string, isKept: boolean, found: () => unknown): asserts isKept {
  if (!isKept) throw new BrokenPromise(promise, found());
}
