/**
 * From when to when series have rows, for estimates; where the view lacks what is old, from their
 * first deployment. Of many series only some are looked at, evenly spread, each for as many as it
 * stands for; looking costs two blocks. Tells also when the first of them was published.
 */
import type { Clock } from '../../devices/clock.ts';
import type { Datastream } from '../../devices/model.ts';
import type { Registry } from '../../devices/registry.ts';
import type { StoreFollower } from '../../ingest/store/store.ts';
import type { SeriesSpan } from './query-cost.ts';
import { everFromAt } from '../instant.ts';

export interface Extents {
  of(datastreams: readonly Datastream[]): readonly SeriesSpan[];
}

export interface ExtentsOptions {
  readonly store: Pick<StoreFollower, 'range' | 'latest' | 'horizon'>;
  readonly registry: { current(): Registry };
  readonly clock: Clock;
}

const sampleMax = 200;
/** Rows come in meanwhile, late ones before the first one known: spans are looked up anew after so long. */
const keptMs = 600_000;

interface Span {
  readonly firstAt: number;
  readonly lastAt: number;
  readonly publishedAt?: number;
  readonly untilMs: number;
}

export function createExtents({ store, registry, clock }: ExtentsOptions): Extents {
  const known: (Span | undefined)[] = [];
  let deployed: {
    readonly registry: Registry;
    readonly fromAt: ReadonlyMap<string, number>;
  } | null = null;

  function deployedFrom(id: string): number {
    const current = registry.current();
    if (deployed?.registry !== current) {
      deployed = { registry: current, fromAt: deploymentStarts(current) };
    }
    return deployed.fromAt.get(id) ?? everFromAt;
  }

  function spanOf({ id, series }: Datastream): Span {
    const nowMs = clock.monotonicMs();
    const found = known[series];
    if (found !== undefined && nowMs < found.untilMs) return found;
    const ask = (order: 'asc' | 'desc') => {
      const toAt = Number.MAX_SAFE_INTEGER;
      return store.range({ series, fromAt: everFromAt, toAt, order, limit: 1 })[0];
    };
    const isWhole = store.horizon.knownFromAt < everFromAt;
    const first = isWhole ? ask('asc') : undefined;
    const firstAt = isWhole ? (first?.endAt ?? Infinity) : deployedFrom(id);
    const lastAt = (ask('desc')?.endAt ?? -Infinity) + keptMs;
    const published = first === undefined ? {} : { publishedAt: first.publishedAt };
    const span = { firstAt, lastAt, ...published, untilMs: nowMs + keptMs };
    // A series without rows may have some soon, and costs next to nothing to ask again.
    if (lastAt > everFromAt) known[series] = span;
    return span;
  }

  return {
    of(datastreams) {
      const count = Math.min(sampleMax, datastreams.length);
      const weight = datastreams.length / Math.max(1, count);
      return Array.from({ length: count }, (_, index) => {
        const datastream = datastreams[Math.floor(index * weight)]!;
        const { intervalMs } = datastream;
        const { untilMs: _untilMs, ...span } = spanOf(datastream);
        return { intervalMs, ...span, weight };
      });
    },
  };
}

function deploymentStarts({ deployments }: Registry): ReadonlyMap<string, number> {
  const starts = new Map<string, number>();
  for (const { datastream, fromAt } of deployments) {
    starts.set(datastream, Math.min(fromAt, starts.get(datastream) ?? Infinity));
  }
  return starts;
}
