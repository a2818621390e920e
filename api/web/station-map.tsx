import { useEffect, useRef, useState } from 'react';
import * as maplibregl from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url';
import 'maplibre-gl/dist/maplibre-gl.css';
import type { StationEntry } from './feed.ts';
import { worstFlag, type StationsProps } from './station-list.tsx';
import { say } from '../page-words.ts';

maplibregl.setWorkerUrl(workerUrl);

/** Lines of longitude and latitude every five degrees: the map needs no outside server. */
function graticule() {
  const lines: [number, number][][] = [];
  for (let degree = -180; degree <= 180; degree += 5)
    lines.push([
      [degree, -85],
      [degree, 85],
    ]);
  for (let degree = -85; degree <= 85; degree += 5)
    lines.push([
      [-180, degree],
      [180, degree],
    ]);
  return { type: 'MultiLineString' as const, coordinates: lines };
}

function openMap(container: HTMLElement): maplibregl.Map {
  return new maplibregl.Map({
    container,
    attributionControl: false,
    center: [107, 16],
    zoom: 4.2,
    style: {
      version: 8,
      sources: { graticule: { type: 'geojson', data: graticule() } },
      layers: [
        { id: 'sea', type: 'background', paint: { 'background-color': '#dfe9ee' } },
        {
          id: 'graticule',
          type: 'line',
          source: 'graticule',
          paint: { 'line-color': '#b8c7d0', 'line-width': 1 },
        },
      ],
    },
  });
}

function boundsOf(stations: readonly StationEntry[]): maplibregl.LngLatBounds {
  const bounds = new maplibregl.LngLatBounds();
  for (const { longitude, latitude } of stations) bounds.extend([longitude, latitude]);
  return bounds;
}

/** Stations as buttons on a map, so that keyboard and screen reader reach each of them. */
export function StationMap({ network, stations, language, chosen, onChoose }: StationsProps) {
  const place = useRef<HTMLDivElement>(null);
  const [map, setMap] = useState<maplibregl.Map | null>(null);
  const [broken, setBroken] = useState(false);

  useEffect(() => {
    if (place.current === null) return undefined;
    try {
      const opened = openMap(place.current);
      opened.addControl(new maplibregl.NavigationControl({ showCompass: false }), 'top-right');
      setMap(opened);
      return () => opened.remove();
    } catch {
      // No WebGL: the list beside the map holds every station, and the page says so.
      setBroken(true);
      return undefined;
    }
  }, []);

  const ids = stations.map(({ id }) => id).join(' ');
  useEffect(() => {
    if (map === null || stations.length === 0) return undefined;
    const markers = stations.map((station) => {
      const element = document.createElement('button');
      element.type = 'button';
      element.className = 'pin';
      element.dataset['pin'] = station.id;
      element.addEventListener('click', () => onChoose(station.id));
      return new maplibregl.Marker({ element })
        .setLngLat([station.longitude, station.latitude])
        .addTo(map);
    });
    map.fitBounds(boundsOf(stations), { padding: 48, maxZoom: 9, animate: false });
    return () => {
      for (const marker of markers) marker.remove();
    };
  }, [map, ids]);

  useEffect(() => {
    for (const station of stations) {
      const pin = place.current?.querySelector<HTMLElement>(
        `[data-pin="${CSS.escape(station.id)}"]`,
      );
      if (pin === null || pin === undefined) continue;
      pin.setAttribute('aria-label', station.name[language]);
      pin.title = station.name[language];
      pin.setAttribute('aria-pressed', String(station.id === chosen));
      for (const flag of [0, 1, 2, 3, 4])
        pin.classList.toggle(`flag${flag}`, flag === worstFlag(network, station.id));
    }
  }, [map, network, ids, language, chosen]);

  return (
    <section className="map" aria-label={say(language, 'map')}>
      <div ref={place} className="canvas" />
      {broken && <p className="hint">{say(language, 'noMap')}</p>}
    </section>
  );
}
