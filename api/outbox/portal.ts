/** A portal that datasets are submitted to: the port, and what its adapters have to do with. */
import type { Entry } from '../catalogue/entry.ts';

export interface Submitted {
  /** What was done there. `unchanged`: it was there already, for an answer may get lost. */
  readonly action: 'created' | 'changed' | 'unchanged' | 'withdrawn';
  /** Its id there; null where it is not there and never was. */
  readonly remoteId: string | null;
  /** What the portal said last, as it said it, cut to a bound. */
  readonly answer: string;
}

export interface Description {
  readonly entry: Entry;
  /** Of everything that is submitted of it: equal hashes, nothing to do. */
  readonly hash: string;
}

/**
 * Each call may be made again at any time, also while the last one's answer is lost: it looks first
 * at what is there, and nothing is ever there twice. Rejects API_PORTAL_AWAY where trying again can
 * help, and API_PORTAL_REFUSED where the portal has understood and does not want it.
 */
export interface PortalAdapter {
  readonly kind: string;
  /** What is submitted of an entry, so that only what has changed is. */
  describe(entry: Entry): Description;
  put(description: Description): Promise<Submitted>;
  /** `dataset` is its id here. */
  withdraw(dataset: string): Promise<Submitted>;
}
