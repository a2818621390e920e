/**
 * Has the view adopt rows of days before its horizon. Whoever keeps them may be away: that is waited
 * for a while, then for a longer while nothing waits for it, so that what comes in live goes on.
 */
import type { Clock } from '../devices/clock.ts';
import type { Decider } from './decide/decider.ts';
import { ingestError } from './errors.ts';
import type { IngestEvents } from './events.ts';
import type { Position } from './log/log.ts';
import type { ObservationRow } from './observation.ts';
import type { SeriesDays, StoreHorizon } from './store/horizon.ts';

/** What lies before the horizon, wherever it is kept. */
export interface OldRows {
  /**
   * Every kept row of the days, of all batches up to `floor` at least. Rejects where it cannot be
   * had whole now.
   */
  rowsOf(days: SeriesDays, floor: Position): Promise<readonly ObservationRow[]>;
  /** How long a reading waits for it. */
  readonly waitMs: number;
}

/** False: it could not be had, and nothing was adopted of the days that were not there. */
export type Adopt = (days: readonly SeriesDays[]) => Promise<boolean>;

export interface AdoptParts {
  readonly oldRows: OldRows;
  readonly horizon: StoreHorizon;
  readonly decider: Pick<Decider, 'forget'>;
  readonly clock: Clock;
  readonly events: Pick<IngestEvents, 'historyAdopted' | 'historyAway'>;
  /** Aborted: it rejects, and what waited is not settled here. */
  readonly signal: AbortSignal;
}

const retryMs = 250;
/** So many times as long as was waited for in vain nothing is waited for. */
const restFactor = 4;

export function createAdopt(parts: AdoptParts): Adopt {
  const { oldRows, horizon, decider, clock, events, signal } = parts;
  let restUntilMs = Number.NEGATIVE_INFINITY;

  /** What the work gives; undefined when the time is over before. */
  function within<Result>(work: Promise<Result>, ms: number): Promise<Result | undefined> {
    return new Promise((resolve, reject) => {
      const timer = clock.schedule(Math.max(0, ms), () => leave(() => resolve(undefined)));
      const end = (): void => leave(() => reject(givenUp()));
      const leave = (settle: () => void): void => {
        timer.cancel();
        signal.removeEventListener('abort', end);
        settle();
      };
      if (signal.aborted) return end();
      signal.addEventListener('abort', end);
      work.then(
        (result) => leave(() => resolve(result)),
        (error: unknown) => leave(() => reject(error)),
      );
    });
  }

  /** Undefined where it did not come in time. */
  async function fetch(days: SeriesDays, untilMs: number) {
    const floor = Math.max(...horizon.floors);
    const leftMs = (): number => untilMs - clock.monotonicMs();
    while (leftMs() > 0) {
      try {
        return await within(oldRows.rowsOf(days, floor), leftMs());
      } catch (error) {
        if (signal.aborted) throw error;
        events.historyAway(error);
        await within(new Promise<void>(() => undefined), Math.min(retryMs, leftMs()));
      }
    }
    return undefined;
  }

  async function adopt(lacking: SeriesDays, untilMs: number): Promise<boolean> {
    const days = horizon.missing(lacking);
    if (days === undefined) return true;
    const startedMs = clock.monotonicMs();
    const rows = await fetch(days, untilMs);
    if (rows === undefined) return false;
    horizon.adopt({ ...days, rows });
    decider.forget(days.series);
    events.historyAdopted(rows.length, clock.monotonicMs() - startedMs);
    return true;
  }

  return async (all) => {
    const startedMs = clock.monotonicMs();
    if (startedMs < restUntilMs) return false;
    const untilMs = startedMs + oldRows.waitMs;
    for (const lacking of all) {
      if (await adopt(lacking, untilMs)) continue;
      restUntilMs = clock.monotonicMs() + restFactor * oldRows.waitMs;
      return false;
    }
    return true;
  };
}

function givenUp(): Error {
  return ingestError('INGEST_HISTORY_BEHIND', { reason: 'ingest ends' });
}
