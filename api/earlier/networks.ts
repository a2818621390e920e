/**
 * The registry as of a moment, for the lists of it: the version that was the newest then, and what
 * this viewer is shown of it. Made in slices beside other requests, and kept for whoever asks again.
 */
import type { Clock } from '../../devices/clock.ts';
import type { RegistryPast } from '../../devices/registry.ts';
import { inSlices } from '../../devices/slices.ts';
import type { NetworkView } from '../network.ts';
import type { Viewer } from '../viewer.ts';
import { earlierView } from './view.ts';

/** Microseconds of one core, measured with 10,000 stations of five series each (docs/decisions/0020). */
const costs = { row: 5, entry: 2 } as const;

/** What is asked: the past of what this viewer sees today. */
export interface Earlier {
  readonly viewer: Viewer;
  readonly today: NetworkView;
  readonly version: number;
}

type Worked = (ms: number) => void;

export interface EarlierNetworks extends Pick<RegistryPast, 'versionAt' | 'entriesChangedAt'> {
  /** So long after a moment its versions may still be on their way to this node. */
  readonly settleMs: number;
  /** Microseconds that making the view takes at most; 0 where it is at hand. */
  costOf(asked: Earlier): number;
  /** Since when versions cost no more than this, ms UTC; undefined where none does. */
  sinceWithin(asked: Earlier, cost: number): number | undefined;
  viewOf(asked: Earlier, worked: Worked): Promise<NetworkView>;
}

interface Kept {
  readonly today: NetworkView;
  readonly view: Promise<NetworkView>;
}

export interface EarlierOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly viewsMax: number;
  readonly settleMs: number;
}

export function createEarlierNetworks(
  past: RegistryPast,
  { clock, viewsMax, settleMs }: EarlierOptions,
): EarlierNetworks {
  const views = new Map<string, Kept>();
  const keyOf = ({ viewer, version }: Earlier): string => `${version} ${viewer.key}`;
  const entriesOf = ({ registry }: NetworkView): number =>
    registry.datastreams.size + registry.stations.size + registry.deployments.length;

  /** Of today's view alone: a right that was taken away since ends it. */
  function find(asked: Earlier): Kept | undefined {
    const kept = views.get(keyOf(asked));
    return kept?.today === asked.today ? kept : undefined;
  }

  function keep(asked: Earlier, view: Promise<NetworkView>): Kept {
    const [key, kept] = [keyOf(asked), { today: asked.today, view }];
    views.delete(key);
    views.set(key, kept);
    for (const oldest of views.keys()) {
      if (views.size <= viewsMax) break;
      views.delete(oldest);
    }
    return kept;
  }

  async function make({ viewer, today, version }: Earlier, worked: Worked): Promise<NetworkView> {
    const registry = await past.at(version, worked);
    return inSlices(earlierView({ viewer, today, past: registry }), clock, worked);
  }

  return {
    settleMs,
    versionAt: (at, worked) => past.versionAt(at, worked),
    entriesChangedAt: (version) => past.entriesChangedAt(version),
    costOf(asked) {
      if (find(asked) !== undefined) return 0;
      return past.rowsTo(asked.version) * costs.row + entriesOf(asked.today) * costs.entry;
    },
    sinceWithin(asked, cost) {
      const rows = Math.floor((cost - entriesOf(asked.today) * costs.entry) / costs.row);
      return rows < 0 ? undefined : past.sinceWithin(rows);
    },
    async viewOf(asked, worked) {
      const found = find(asked);
      if (found !== undefined) return keep(asked, found.view).view;
      const kept = keep(asked, make(asked, worked));
      try {
        return await kept.view;
      } catch (error) {
        if (find(asked) === kept) views.delete(keyOf(asked));
        throw error;
      }
    },
  };
}
