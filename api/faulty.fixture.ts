/** A store that fails when a test says so. */
import type { StoreFollower } from '../ingest/store/store.ts';
import type { Reading } from '../ingest/reading.ts';

export interface Faults {
  readonly appended: Reading[];
  error: Error | null;
  /** Reads of a page of rows until one fails. */
  rangesLeft: number;
}

/** The same store, one of whose reads fails when it is told to. */
export function withFaults(store: StoreFollower, faults: Faults): StoreFollower {
  const range: StoreFollower['range'] = (query) => {
    // Who looks for the ends of a series asks for one row, at times of their own.
    if (query.limit > 1) faults.rangesLeft -= 1;
    if (query.limit > 1 && faults.rangesLeft === 0) throw new Error('the disk cannot be read');
    return store.range(query);
  };
  return Object.create(store, { range: { value: range } }) as StoreFollower;
}
