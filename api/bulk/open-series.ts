/**
 * The series whose rows may be in files: what anonymous sees of the datasets of networks. A file
 * says of which series it is made, and under which terms of showing them; as soon as one of these is
 * shown no more, or otherwise, the file is not given out any more, whatever is still on the disk.
 */
import { licenceOf } from '../../devices/licence.ts';
import type { Datastream } from '../../devices/model.ts';
import type { LocalTime } from '../../ingest/observations/local-time.ts';
import { datasetsOf, type NetworkDataset } from '../catalogue/datasets.ts';
import type { ApiContext } from '../context.ts';
import type { NetworkView } from '../network.ts';
import { viewerOf } from '../viewer.ts';

export interface OpenSeries {
  readonly dataset: NetworkDataset;
  readonly datastream: Datastream;
  readonly time: LocalTime;
  /**
   * The series as a file's content names it. With the zone, which says in which month a row is, and
   * the precision to which its places may be known.
   */
  readonly entry: string;
  /** All that its rows show of the registry: where it differs, files are made anew. */
  readonly shape: string;
}

export interface OpenNetwork {
  readonly view: NetworkView;
  readonly registryVersion: number;
  /** By internal number. */
  readonly bySeries: ReadonlyMap<number, OpenSeries>;
  readonly byDatastream: ReadonlyMap<string, OpenSeries>;
  readonly datasets: ReadonlyMap<string, NetworkDataset>;
  /** Whether all that a file of the dataset is made of may still be shown so. */
  isOpen(dataset: string, entries: readonly string[]): boolean;
}

/** Zones of the series of a content by datastream: lists are shared by the files, so each is read once. */
const zones = new WeakMap<readonly string[], ReadonlyMap<string, string>>();

export function zonesOf(content: readonly string[]): ReadonlyMap<string, string> {
  let found = zones.get(content);
  if (found === undefined) {
    found = new Map(content.map((entry) => JSON.parse(entry) as readonly [string, string]));
    zones.set(content, found);
  }
  return found;
}

const made = new WeakMap<NetworkView, OpenNetwork>();

/** Of the newest version of the registry. */
export function openNetworkOf(context: Pick<ApiContext, 'registry' | 'networks'>): OpenNetwork {
  const view = context.networks.viewOf(viewerOf(context.registry, undefined));
  let network = made.get(view);
  if (network === undefined) {
    network = makeNetwork(view);
    made.set(view, network);
  }
  return network;
}

function makeNetwork(view: NetworkView): OpenNetwork {
  const bySeries = new Map<number, OpenSeries>();
  const byDatastream = new Map<string, OpenSeries>();
  const datasets = new Map<string, NetworkDataset>();
  for (const dataset of datasetsOf(view).networks) {
    datasets.set(dataset.id, dataset);
    for (const datastream of dataset.datastreams) {
      const series = seriesOf(view, dataset, datastream);
      if (series === undefined) continue;
      bySeries.set(datastream.series, series);
      byDatastream.set(datastream.id, series);
    }
  }
  const datasetOf = new Map(
    [...byDatastream.values()].map((each) => [each.entry, each.dataset.id]),
  );
  // Lists are shared by the files of many months, and are one object each: `records.ts`.
  const verdicts = new WeakMap<readonly string[], string | null>();
  const openDataset = (entries: readonly string[]): string | null => {
    const known = verdicts.get(entries);
    if (known !== undefined) return known;
    const dataset = datasetOf.get(entries[0] ?? '') ?? null;
    const isWhole = entries.every((entry) => datasetOf.get(entry) === dataset);
    const verdict = isWhole ? dataset : null;
    verdicts.set(entries, verdict);
    return verdict;
  };
  return {
    view,
    registryVersion: view.registry.version,
    bySeries,
    byDatastream,
    datasets,
    isOpen: (dataset, entries) => openDataset(entries) === dataset,
  };
}

function seriesOf(
  view: NetworkView,
  dataset: NetworkDataset,
  datastream: Datastream,
): OpenSeries | undefined {
  const context = view.rows.context(datastream.series);
  if (context === undefined) return undefined;
  const { station, unit, time } = context;
  const { id, slug, property } = datastream;
  const entry = JSON.stringify([id, station.timeZone, station.publicPrecisionMetres ?? null]);
  const licence = licenceOf(view.registry, datastream).id;
  const shape = JSON.stringify([entry, dataset.id, station.id, slug, property, unit, licence]);
  return { dataset, datastream, time, entry, shape };
}
