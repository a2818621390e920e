import { useEffect, useState } from 'react';
import {
  endOf,
  fetchDatastreams,
  fetchLatest,
  fetchProperties,
  fetchStations,
  followChanges,
  type PropertyEntry,
  type Row,
  type StationEntry,
} from './feed.ts';

/** The network as the page shows it: stations, and the newest row of each datastream. */
export interface Network {
  readonly state: 'loading' | 'ready' | 'failed';
  readonly connected: boolean;
  readonly stations: readonly StationEntry[];
  readonly properties: ReadonlyMap<string, PropertyEntry>;
  /** Newest row by datastream id, of one station. */
  readonly latest: ReadonlyMap<string, ReadonlyMap<string, Row>>;
  /** Reporting interval by datastream id, ms. */
  readonly intervals: ReadonlyMap<string, number>;
  /** When the page last looked at the clock, for what has become stale. */
  readonly nowAt: number;
}

/** As `stale` of the API says it: older than two intervals. */
export function isStale({ intervals, nowAt }: Network, row: Row): boolean {
  const intervalMs = intervals.get(row.datastream);
  return intervalMs === undefined ? row.stale === true : nowAt - endOf(row) > 2 * intervalMs;
}

const empty: Network = {
  state: 'loading',
  connected: false,
  stations: [],
  properties: new Map(),
  latest: new Map(),
  intervals: new Map(),
  nowAt: 0,
};

/** Changes gather for this long before the page is drawn again. */
const redrawMs = 250;
const reloadMs = 15_000;
const lookMs = 5_000;

export function useNetwork(): Network {
  const [network, setNetwork] = useState(empty);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let stop = () => {};
    let ended = false;
    let retry: ReturnType<typeof setTimeout> | undefined;
    const again = () => setAttempt((count) => count + 1);
    const later = () => {
      retry ??= setTimeout(again, reloadMs);
    };
    Promise.all([fetchStations(), fetchProperties(), fetchDatastreams(), fetchLatest()]).then(
      ([stations, properties, datastreams, latest]) => {
        if (ended) return;
        const known = new Set(stations.items.map(({ id }) => id));
        setNetwork({
          state: 'ready',
          connected: false,
          stations: stations.items,
          properties: new Map(properties.items.map((each) => [each.id, each])),
          latest: groupRows(new Map(), latest.items),
          intervals: new Map(datastreams.items.map(({ id, intervalMs }) => [id, intervalMs])),
          nowAt: Date.now(),
        });
        stop = follow(latest.cursor, known, { update: setNetwork, reload: again, later });
      },
      () => {
        if (ended) return;
        setNetwork((before) =>
          before.state === 'ready' ? before : { ...before, state: 'failed' },
        );
        later();
      },
    );
    return () => {
      ended = true;
      clearTimeout(retry);
      stop();
    };
  }, [attempt]);
  useEffect(() => {
    const looking = setInterval(
      () => setNetwork((before) => ({ ...before, nowAt: Date.now() })),
      lookMs,
    );
    return () => clearInterval(looking);
  }, []);
  return network;
}

interface Drawing {
  readonly update: (change: (before: Network) => Network) => void;
  readonly reload: () => void;
  /** Reloads after a while, once. */
  readonly later: () => void;
}

function follow(cursor: string, known: ReadonlySet<string>, drawing: Drawing): () => void {
  let waiting: Row[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const draw = () => {
    timer = undefined;
    const rows = waiting;
    waiting = [];
    if (rows.some((row) => !known.has(row.station))) drawing.reload();
    drawing.update((before) => ({ ...before, latest: groupRows(before.latest, rows) }));
  };
  const close = followChanges(cursor, {
    onRow(row) {
      waiting.push(row);
      timer ??= setTimeout(draw, redrawMs);
    },
    onState: (connected) => drawing.update((before) => ({ ...before, connected })),
    onOther: drawing.later,
  });
  return () => {
    clearTimeout(timer);
    close();
  };
}

/** The same map with newer rows put in; a backfilled row never becomes the newest. */
export function groupRows(
  before: Network['latest'],
  rows: readonly Row[],
): ReadonlyMap<string, ReadonlyMap<string, Row>> {
  const grouped = new Map(before);
  for (const row of rows) {
    if (row.qualifiers.includes('BACKFILL')) continue;
    const station = new Map(grouped.get(row.station));
    const held = station.get(row.datastream);
    if (
      held !== undefined &&
      (endOf(held) > endOf(row) || (held.id === row.id && held.revision > row.revision))
    )
      continue;
    station.set(row.datastream, row);
    grouped.set(row.station, station);
  }
  return grouped;
}
