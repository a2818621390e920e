/**
 * The catalogue of a viewer: entries of what they see, one after another. Everything is taken from
 * the viewer's view of the network, so what they may not see is in no entry, count or date.
 */
import { setImmediate } from 'node:timers/promises';

import type { ApiContext } from '../context.ts';
import type { NetworkView } from '../network.ts';
import { createChronicle, type Chronicle, type ChronicleSource } from './chronicle.ts';
import { datasetsOf, type Dataset, type Domain } from './datasets.ts';
import { distributionsOf } from './distributions.ts';
import { entryOf, plannedEntry, type Entry } from './entry.ts';
import type { FileSource } from './files.ts';
import { createFirstRows, type FirstRows } from './first-rows.ts';

/** What is described, before it is. */
export type Item =
  | { readonly id: string; readonly dataset: Dataset }
  | { readonly id: string; readonly domain: Domain; readonly planned: number };

export type Kind = 'network' | 'series' | 'planned';

export interface Catalogue {
  /** By id, of these kinds. */
  items(view: NetworkView, kinds: readonly Kind[]): readonly Item[];
  find(view: NetworkView, id: string): Item | undefined;
  /** To be awaited before `modifiedAt` or `describe`. */
  follow(): Promise<void>;
  /** Undefined of what is planned. */
  modifiedAt(item: Item): number | undefined;
  describe(view: NetworkView, item: Item, base: string): Promise<Entry>;
}

/** Days of provinces are those of Viet Nam, which has no summer time. */
const vietNamOffsetMs = 7 * 3_600_000;

export function createCatalogue(
  context: Pick<ApiContext, 'config' | 'clock' | 'store'>,
  source: ChronicleSource,
  files: FileSource,
): Catalogue {
  const { clock, store } = context;
  const config = context.config.catalogue;
  const chronicle = createChronicle(source);
  const firstRows = createFirstRows({ store, clock, keptMs: config.firstRowsMs });
  const parts = { config, clock, chronicle, firstRows, files };
  return {
    items: (view, kinds) => itemsOf(parts, view, kinds),
    find(view, id) {
      const dataset = datasetsOf(view).find(id);
      if (dataset !== undefined) return { id, dataset };
      return plannedItems(parts, view).find((item) => item.id === id);
    },
    follow: () => chronicle.follow(),
    modifiedAt: (item) => ('dataset' in item ? timesOf(parts, item.dataset).modifiedAt : undefined),
    describe: (view, item, base) => describe(parts, view, { item, base }),
  };
}

interface Parts {
  readonly config: ApiContext['config']['catalogue'];
  readonly clock: ApiContext['clock'];
  readonly chronicle: Chronicle;
  readonly firstRows: FirstRows;
  readonly files: FileSource;
}

function itemsOf(parts: Parts, view: NetworkView, kinds: readonly Kind[]): readonly Item[] {
  const { networks, series } = datasetsOf(view);
  const of = (datasets: readonly Dataset[]) =>
    datasets.map((dataset): Item => ({ id: dataset.id, dataset }));
  const items = [
    ...(kinds.includes('network') ? of(networks) : []),
    ...(kinds.includes('series') ? of(series) : []),
    ...(kinds.includes('planned') ? plannedItems(parts, view) : []),
  ];
  return items.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Of an owner that the viewer does not see there is no plan for them. */
function plannedItems({ config }: Parts, view: NetworkView): readonly Item[] {
  return config.plannedDatasets.flatMap(({ id, owner, domain }, index) =>
    owner === undefined || view.seesOwner(owner)
      ? [{ id: `planned~${id}`, domain, planned: index } as const]
      : [],
  );
}

function timesOf({ chronicle, files }: Parts, dataset: Dataset) {
  const { issuedAt, modifiedAt } = chronicle.timesOf(dataset);
  return { issuedAt, modifiedAt: Math.max(modifiedAt, files.changedAt(dataset.id) ?? 0) };
}

async function describe(
  parts: Parts,
  view: NetworkView,
  { item, base }: { readonly item: Item; readonly base: string },
): Promise<Entry> {
  const { config, clock, firstRows, files } = parts;
  if (!('dataset' in item)) {
    const plan = config.plannedDatasets[item.planned];
    if (plan === undefined) throw new Error('no such plan');
    return plannedEntry(plan, view.registry.owners.get(plan.owner ?? ''), base);
  }
  const { dataset } = item;
  const today = new Date(clock.now() + vietNamOffsetMs);
  const made = files.filesOf(dataset.id, base, config.filesPerDatasetMax);
  return entryOf(view, dataset, {
    base,
    today: today.toISOString().slice(0, 10),
    startAt: await firstRows.firstOf(dataset.datastreams.map(({ series }) => series)),
    ...timesOf(parts, dataset),
    distributions: distributionsOf(base, dataset, made),
  });
}

/** Entries one after another, with turns for others between. */
export async function* describeEach(
  catalogue: Catalogue,
  view: NetworkView,
  { items, base }: { readonly items: readonly Item[]; readonly base: string },
): AsyncGenerator<Entry> {
  for (const item of items) {
    yield await catalogue.describe(view, item, base);
    await setImmediate();
  }
}
