/** What an answer is about: which series, in which span, whose, under which terms. */
import { licenceOf, type Licence } from '../../devices/licence.ts';
import type { Datastream, Name } from '../../devices/model.ts';
import { decodeObservationId } from '../../ingest/observations/observation-id.ts';
import { datasetsOf } from '../catalogue/datasets.ts';
import { readFilter, selectDatastreams, type FilterQuery } from '../filter.ts';
import { everFromAt, everToAt, readOptionalInstant } from '../instant.ts';
import type { NetworkView } from '../network.ts';
import type { Question } from './ask.ts';

/** A series of what was cited, and how well its bytes may tell where the station is. */
export interface CitedSeries {
  /** Of the datastream. */
  readonly id: string;
  /** To so many metres; null: exactly. */
  readonly precisionMetres: number | null;
}

export interface Subject {
  /** By id. */
  readonly series: readonly CitedSeries[];
  readonly fromAt: number;
  readonly toAt: number;
  readonly title: Name;
  readonly publishers: readonly Name[];
  readonly licences: readonly Licence[];
}

const always = { fromAt: everFromAt, toAt: everToAt };
const titlesMax = 3;

/**
 * All series that the question asks for, whatever its answer shows of them: what an answer holds is
 * not known by its text, which is another in each format.
 */
export function subjectOf(view: NetworkView, answer: Question, valuesMax: number): Subject {
  const one = /\/observations\/([^/]+)$/.exec(answer.path)?.[1];
  if (one !== undefined) return subjectOfOne(view, decodeURIComponent(one));
  const filter = Object.fromEntries(answer.query) as FilterQuery;
  const asked = selectDatastreams(view, readFilter(filter, valuesMax));
  return { ...describe(view, asked), ...spanOf(answer.query) };
}

/** The same of what a file is made of. */
export function subjectOfSeries(
  view: NetworkView,
  series: readonly CitedSeries[],
  span: { readonly fromAt: number; readonly toAt: number },
): Subject {
  const about = series.flatMap(({ id }) => view.registry.datastreams.get(id) ?? []);
  return { ...describe(view, about), series, ...span };
}

function subjectOfOne(view: NetworkView, id: string): Subject {
  const key = decodeObservationId(id, view.registry);
  const datastream = key === undefined ? undefined : view.registry.bySeries[key.series];
  const span = key === undefined ? always : { fromAt: key.endAt, toAt: key.endAt + 1 };
  return { ...describe(view, datastream === undefined ? [] : [datastream]), ...span };
}

/** Of aggregates too: what ends in a window of the span began before. */
function spanOf(query: URLSearchParams): { readonly fromAt: number; readonly toAt: number } {
  if (query.has('window')) return always;
  return {
    fromAt: readOptionalInstant(query.get('from') ?? undefined, 'from') ?? always.fromAt,
    toAt: readOptionalInstant(query.get('to') ?? undefined, 'to') ?? always.toAt,
  };
}

function describe(
  view: NetworkView,
  datastreams: readonly Datastream[],
): Omit<Subject, 'fromAt' | 'toAt'> {
  const licences = new Map<string, Licence>();
  const publishers = new Map<string, Name>();
  for (const datastream of datastreams) {
    const licence = licenceOf(view.registry, datastream);
    licences.set(licence.id, licence);
    const owner = view.registry.owners.get(
      view.registry.stations.get(datastream.station)?.owner ?? '',
    );
    if (owner === undefined) continue;
    const { attribution, name } = owner;
    publishers.set(
      owner.id,
      attribution === undefined ? name : { vi: attribution, en: attribution },
    );
  }
  return {
    series: [...datastreams]
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ id, station }) => ({ id, precisionMetres: precisionOf(view, station) })),
    title: titleOf(view, datastreams),
    publishers: [...publishers.values()],
    licences: [...licences.values()],
  };
}

/** As answers to this viewer show the station now. */
function precisionOf(view: NetworkView, stationId: string): number | null {
  const station = view.registry.stations.get(stationId);
  if (station === undefined || view.seesExactly(station)) return null;
  return station.publicPrecisionMetres ?? null;
}

/**
 * Whether the viewer may see what is of all these series, as it was cited: where a place is told
 * better than the station tells it now, only those who work with the station. Of no series nothing
 * is known, so nobody may.
 */
export function mayShow(view: NetworkView, series: readonly CitedSeries[]): boolean {
  return series.length > 0 && series.every((each) => mayShowOne(view, each));
}

function mayShowOne(view: NetworkView, { id, precisionMetres }: CitedSeries): boolean {
  const { registry } = view;
  const datastream = registry.datastreams.get(id);
  if (datastream === undefined || !view.sees(datastream.series)) return false;
  const station = registry.stations.get(datastream.station);
  if (station === undefined) return false;
  const { publicPrecisionMetres: nowMetres = 0 } = station;
  if (nowMetres <= 0 || view.seesExactly(station)) return true;
  return precisionMetres !== null && precisionMetres >= nowMetres;
}

function titleOf(view: NetworkView, datastreams: readonly Datastream[]): Name {
  const datasets = datasetsOf(view);
  const [first] = datastreams;
  if (datastreams.length === 1 && first !== undefined) {
    const found = datasets.find(`${first.station}~${first.property}`);
    if (found !== undefined) return found.title;
  }
  const titles = new Map<string, Name>();
  for (const datastream of datastreams) {
    const network = datasets.networkOf(datastream);
    if (network !== undefined) titles.set(network.id, network.title);
  }
  const shown = [...titles.values()].slice(0, titlesMax);
  const more = titles.size - shown.length;
  if (shown.length === 0) return { vi: 'Số liệu quan trắc', en: 'Observations' };
  return {
    vi: shown.map(({ vi }) => vi).join('; ') + (more === 0 ? '' : ` và ${more} bộ dữ liệu khác`),
    en: shown.map(({ en }) => en).join('; ') + (more === 0 ? '' : ` and ${more} more data sets`),
  };
}
