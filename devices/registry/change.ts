import type { Clock } from '../clock.ts';
import { transaction } from '../database.ts';
import type { HistoryRow } from '../registry.ts';
import type { RegistryCore } from './core.ts';
import type { History } from './history.ts';

/** A version in the making. Whatever it records becomes visible all at once, or not at all. */
export interface Draft {
  /** The number it will have, should anything be recorded. */
  readonly version: number;
  /** When it is made, ms UTC: the same for every row of it. */
  readonly at: number;
  /** Up to when the rules of time are followed in it; not behind `at`. */
  readonly ruledAt: number;
  /** One row of the history; `before` and `after` as the registry file writes them. */
  record(change: Pick<HistoryRow, 'kind' | 'id' | 'before' | 'after'>): void;
}

/**
 * Runs `work` on the newest version, in one transaction that is on stable storage when this
 * returns. When `work` throws, or records nothing, there is no new version.
 */
export type Change = <Result>(actor: string, work: (draft: Draft) => Result) => Result;

/** How a change ends: it runs `work` in a transaction, which is then kept or taken back. */
export type Settle = <Result>(core: RegistryCore, work: () => Result) => Result;

/** Keeps it: the version is in force here at once. */
export const keepChange: Settle = (core, work) => {
  const result = transaction(core.database, work);
  core.refresh();
  return result;
};

export function createChange(
  core: RegistryCore,
  history: History,
  {
    clock,
    judgedNow = () => clock.now(),
    settle,
  }: { readonly clock: Clock; readonly judgedNow?: () => number; readonly settle: Settle },
): Change {
  return (actor, work) =>
    settle(core, () => {
      const version = core.refresh().version + 1;
      const at = clock.now();
      return work({
        version,
        at,
        ruledAt: Math.min(at, judgedNow()),
        record: (change) => history.append({ ...change, version, at, actor }),
      });
    });
}
