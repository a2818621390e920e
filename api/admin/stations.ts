/** Which station is alive, late, silent or wrong, from the newest row of each of its series. */
import type { Datastream, Station } from '../../devices/model.ts';
import type { Registry } from '../../devices/registry.ts';
import type { StoreReader } from '../../ingest/store/store.ts';

export const stationStates = ['alive', 'late', 'silent', 'wrong'] as const;
type StationState = (typeof stationStates)[number];

export interface StationStatus {
  readonly station: string;
  /**
   * `silent`: nothing within ten intervals of any series. `late`: nothing within two. `wrong`: in
   * time, but the newest value of a series failed its tests. Else `alive`.
   */
  readonly state: StationState;
  /** End of the newest row, or null when there never was one. */
  readonly newestAt: number | null;
  readonly series: readonly SeriesStatus[];
}

interface SeriesStatus {
  readonly datastream: string;
  readonly newestAt: number | null;
  /** Age in intervals of the series; null when there never was a row. */
  readonly intervalsOld: number | null;
  readonly flag: number | null;
}

const lateIntervals = 2;
const silentIntervals = 10;

/** By id of the station. */
export function readStationStatuses(
  registry: Registry,
  store: Pick<StoreReader, 'latest'>,
  nowAt: number,
): readonly StationStatus[] {
  const byStation = new Map<string, Datastream[]>();
  for (const datastream of registry.datastreams.values()) {
    const found = byStation.get(datastream.station);
    if (found === undefined) byStation.set(datastream.station, [datastream]);
    else found.push(datastream);
  }
  return [...registry.stations.values()]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map((station) => statusOf(station, byStation.get(station.id) ?? [], { store, nowAt }));
}

function statusOf(
  station: Station,
  datastreams: readonly Datastream[],
  now: { readonly store: Pick<StoreReader, 'latest'>; readonly nowAt: number },
): StationStatus {
  const series = datastreams
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map((datastream) => seriesStatus(datastream, now));
  const ages = series.flatMap(({ intervalsOld }) => intervalsOld ?? []);
  const newest = series.flatMap(({ newestAt }) => newestAt ?? []);
  return {
    station: station.id,
    state: stateOf(ages.length === 0 ? Infinity : Math.min(...ages), series),
    newestAt: newest.length === 0 ? null : Math.max(...newest),
    series,
  };
}

function seriesStatus(
  { id, series, intervalMs }: Datastream,
  { store, nowAt }: { readonly store: Pick<StoreReader, 'latest'>; readonly nowAt: number },
): SeriesStatus {
  const row = store.latest(series);
  if (row === undefined) return { datastream: id, newestAt: null, intervalsOld: null, flag: null };
  return {
    datastream: id,
    newestAt: row.endAt,
    intervalsOld: Math.max(0, nowAt - row.endAt) / intervalMs,
    flag: row.verdict.flag,
  };
}

function stateOf(youngest: number, series: readonly SeriesStatus[]): StationState {
  if (youngest > silentIntervals) return 'silent';
  if (youngest > lateIntervals) return 'late';
  const isWrong = series.some(
    ({ flag, intervalsOld }) =>
      flag === 4 && intervalsOld !== null && intervalsOld <= lateIntervals,
  );
  return isWrong ? 'wrong' : 'alive';
}
