import type { StationEntry } from './feed.ts';
import { isStale, type Network } from './network.ts';
import { say, sayNumber, sayUnit, type Language } from '../page-words.ts';

export interface StationsProps {
  readonly network: Network;
  readonly stations: readonly StationEntry[];
  readonly language: Language;
  readonly chosen: string | null;
  readonly onChoose: (id: string) => void;
}

/** Worst flag among a station's newest rows, for its mark in list and map; 0 while all are stale. */
export function worstFlag(network: Network, stationId: string): number {
  let worst = 0;
  for (const row of network.latest.get(stationId)?.values() ?? []) {
    if (isStale(network, row)) continue;
    const weight = row.flag === 9 ? 3 : row.flag;
    if (weight > worst) worst = weight;
  }
  return worst;
}

export function StationList({ network, stations, language, chosen, onChoose }: StationsProps) {
  if (network.state === 'failed') return <p role="alert">{say(language, 'failed')}</p>;
  if (stations.length === 0 && network.state === 'ready') {
    return (
      <p className="hint">{say(language, network.stations.length === 0 ? 'none' : 'noMatch')}</p>
    );
  }
  return (
    <ul className="stations">
      {stations.map((station) => (
        <li key={station.id}>
          <button
            type="button"
            data-station={station.id}
            aria-pressed={station.id === chosen}
            onClick={() => onChoose(station.id)}
          >
            <span className={`mark flag${worstFlag(network, station.id)}`} aria-hidden="true" />
            <span className="name">{station.name[language]}</span>
            <span className="glance">{glance(network, station.id, language)}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

/** Properties that say most about a station, in order; the first one it has is shown in the list. */
const telling = ['pm2.5', 'water-level', 'air-temperature', 'no2', 'water-temperature'];

function glance(network: Network, stationId: string, language: Language): string {
  const rows = [...(network.latest.get(stationId)?.values() ?? [])];
  const row =
    telling.map((id) => rows.find(({ property }) => property === id)).find((found) => found) ??
    rows[0];
  if (row === undefined) return '';
  if (rows.every((each) => isStale(network, each))) return say(language, 'stale');
  if (row.result === null) return say(language, 'noValue');
  return `${sayNumber(language, row.result)} ${sayUnit(row.unit)}`;
}
