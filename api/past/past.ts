/** What lies before the horizon of this node, as far as the API is told of it. */
import type { Clock } from '../../devices/clock.ts';
import type { Registry } from '../../devices/registry.ts';
import { partitionOf } from '../../ingest/cluster/partition-of.ts';
import type { Position } from '../../ingest/log/log.ts';
import type { ObservationRow } from '../../ingest/observation.ts';
import type { HistoryReader } from '../../ingest/store/history.ts';
import type { ViewHorizon } from '../../ingest/store/horizon.ts';
import { apiError } from '../errors.ts';
import type { CopiedNetwork } from '../../ingest/feed/places/copy-parts.ts';
import type { Pins } from '../../ingest/feed/places/places.ts';
import { shareNoted, type NotedPositions } from './noted.ts';

export interface PastOptions {
  /** Answers of batches up to those that `noted` last told of. */
  readonly history: HistoryReader;
  /** By partition, the last batch that is wholly in there, as of now. */
  readonly noted: () => Promise<NotedPositions>;
  /** Of a partition the last batch up to `upTo` that was published by then; 0 where none was. */
  readonly publishedBy: (at: number, partition: number, upTo: Position) => Promise<Position>;
}

export interface PastParts extends PastOptions {
  readonly partitions: number;
  readonly horizon: () => ViewHorizon;
  readonly registry: { current(): Pick<Registry, 'bySeries'> };
  readonly clock: Clock;
}

/** A question about a series as it goes to the past. */
export interface PastPlace {
  readonly history: HistoryReader;
  /** The last batch that may be in the answer. */
  readonly asOf: Position;
  /** The view may hold rows of the series before the horizon that the answer lacks. */
  readonly isHeldToo: boolean;
}

export interface Past {
  /** Asks, and says API_HISTORY_AWAY where what is told is not whole. */
  ask<Answer>(
    series: number,
    pins: Pins,
    question: (place: PastPlace) => Promise<Answer>,
  ): Promise<Answer>;
  /** `newest` of each series that has any, of all batches that are in there. */
  askNewest(series: readonly number[]): Promise<ReadonlyMap<number, ObservationRow>>;
  /** As `publishedBy`, of batches before the first one that this node holds. */
  publishedBefore(at: number, partition: number): Promise<Position>;
}

/** What a node knows of the network whose `observations` it copies. */
export interface CopyOptions extends CopiedNetwork {
  /** Where the node need not hold everything: who knows what lies before. */
  readonly past?: PastOptions | undefined;
}

/** So old may be what is known, before a question, of how far InfluxDB has come. */
const notedMsMax = 1_000;

export function createPast(parts: PastParts): Past {
  const { history, clock, horizon, registry, partitions } = parts;
  const noted = shareNoted(parts.noted, clock);

  async function notedSince(atMs: number, partition: number): Promise<Position> {
    const last = (await noted.since(atMs)).get(partition) ?? 0;
    const floor = horizon().floors[partition] ?? 0;
    if (last < floor) throw apiError('API_HISTORY_AWAY');
    return last;
  }

  /** It only ever comes further, unless it is built anew: which the look behind the answer shows. */
  const notedBefore = (partition: number): Promise<Position> =>
    notedSince(clock.monotonicMs() - notedMsMax, partition);
  const notedBehind = (partition: number): Promise<Position> =>
    notedSince(clock.monotonicMs(), partition);

  function partitionOfSeries(series: number): number {
    const station = registry.current().bySeries[series]?.station;
    return station === undefined ? 0 : partitionOf(station, partitions);
  }

  return {
    async ask(series, pins, question) {
      const partition = partitionOfSeries(series);
      try {
        const last = await notedBefore(partition);
        const shown = pins.batchOf?.(series) ?? Number.POSITIVE_INFINITY;
        const isHeldToo = shown > (horizon().floors[partition] ?? 0);
        const answer = await question({ history, asOf: Math.min(last, shown), isHeldToo });
        await notedBehind(partition);
        return answer;
      } catch (error) {
        throw asAway(error);
      }
    },
    async askNewest(series) {
      const touched = [...new Set(series.map(partitionOfSeries))];
      try {
        for (const partition of touched) await notedBefore(partition);
        const newest = await history.newest(series);
        for (const partition of touched) await notedBehind(partition);
        return newest;
      } catch (error) {
        throw asAway(error);
      }
    },
    async publishedBefore(at, partition) {
      const floor = horizon().floors[partition] ?? 0;
      if (floor === 0) return 0;
      try {
        return await parts.publishedBy(at, partition, floor);
      } catch (error) {
        throw asAway(error);
      }
    },
  };
}

/** What went wrong on the way is told the operator by metrics and logs, a client that it may come again. */
function asAway(error: unknown): Error {
  const { code } = error as { readonly code?: unknown };
  const isOfServers = typeof code === 'string' && /^(INFLUX|KAFKA|STORE_POSITION)_/.test(code);
  return isOfServers ? apiError('API_HISTORY_AWAY', {}, error) : (error as Error);
}
