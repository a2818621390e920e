/** What the thread that makes files is told of one month of one dataset, as it crosses threads. */
import { noAccess } from '../../devices/access.ts';
import type { Licence } from '../../devices/licence.ts';
import type { Datastream, Name, ObservedProperty, Station } from '../../devices/model.ts';
import type { Registry } from '../../devices/registry.ts';
import type { NetworkDataset } from '../catalogue/datasets.ts';
import type { Month } from './months.ts';
import type { OpenNetwork } from './open-series.ts';

export interface MonthTask {
  readonly dataset: string;
  readonly month: Month;
  readonly title: Name;
  readonly description: Name;
  readonly owner: Name;
  readonly attribution: string | null;
  readonly licences: readonly Licence[];
  /** Address of the server, where it has one for all. */
  readonly baseUrl: string | null;
  /** Where the rows are true, and how clients go on from there. */
  readonly cursor: string;
  readonly madeAt: number;
  readonly registryVersion: number;
  /** By id: the order of the rows. */
  readonly datastreams: readonly Datastream[];
  readonly stations: readonly Station[];
  readonly properties: readonly ObservedProperty[];
  /** What the file's content calls each datastream, in the same order. */
  readonly entries: readonly string[];
}

export interface TaskMoment {
  readonly month: Month;
  readonly cursor: string;
  readonly madeAt: number;
  readonly baseUrl: string | null;
}

export function taskOf(
  network: OpenNetwork,
  dataset: NetworkDataset,
  moment: TaskMoment,
): MonthTask {
  const { id, title, description, owner, licences, datastreams, stations, properties } = dataset;
  const known = datastreams.filter((each) => network.byDatastream.has(each.id));
  return {
    ...moment,
    dataset: id,
    title,
    description,
    owner: owner.name,
    attribution: owner.attribution ?? null,
    licences,
    registryVersion: network.registryVersion,
    datastreams: known,
    stations,
    properties,
    entries: known.map((each) => network.byDatastream.get(each.id)?.entry ?? ''),
  };
}

/** As much of the registry as the rows of the task show. */
export function registryOf(task: MonthTask): Registry {
  const bySeries: (Datastream | undefined)[] = [];
  for (const datastream of task.datastreams) bySeries[datastream.series] = datastream;
  return {
    version: task.registryVersion,
    owners: new Map(),
    stations: byId(task.stations),
    datastreams: byId(task.datastreams),
    devices: new Map(),
    properties: byId(task.properties),
    deployments: [],
    bySeries,
    access: noAccess,
    channelsOf: () => undefined,
  };
}

function byId<Item extends { readonly id: string }>(
  items: readonly Item[],
): ReadonlyMap<string, Item> {
  return new Map(items.map((item) => [item.id, item]));
}
