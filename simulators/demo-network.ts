/** The demonstration's network: a registry file of simulated stations in real places of Viet Nam. */
import { airSensing } from './air.ts';
import type { Sensing } from './sensing.ts';
import { waterSensing } from './water.ts';
import { weatherSensing } from './weather.ts';

export interface SimulatedStation {
  readonly id: string;
  readonly nameVi: string;
  readonly nameEn: string;
  readonly latitude: number;
  readonly longitude: number;
  readonly altitudeMetres: number;
  readonly province: string;
  /** Of the registry file. */
  readonly kind: string;
  readonly sensing: Sensing;
  readonly intervalMs: number;
}

const kinds = { weather: 'weather', water: 'hydrological', air: 'air-quality' };
const sensings = { weather: weatherSensing, water: waterSensing, air: airSensing };

type Place = readonly [
  kind: keyof typeof sensings,
  id: string,
  vi: string,
  en: string,
  latitude: number,
  longitude: number,
  altitudeMetres: number,
  province: string,
];

/** Positions are of the towns, to about a kilometre; province codes of Decision 19/2025/QĐ-TTg. */
const places: readonly Place[] = [
  ['weather', 'sim-ha-noi', 'Hà Nội (mô phỏng)', 'Ha Noi (simulated)', 21.03, 105.85, 12, '01'],
  ['weather', 'sim-sa-pa', 'Sa Pa (mô phỏng)', 'Sa Pa (simulated)', 22.34, 103.84, 1500, '15'],
  ['weather', 'sim-da-nang', 'Đà Nẵng (mô phỏng)', 'Da Nang (simulated)', 16.06, 108.22, 7, '48'],
  ['weather', 'sim-da-lat', 'Đà Lạt (mô phỏng)', 'Da Lat (simulated)', 11.94, 108.44, 1480, '68'],
  ['weather', 'sim-can-tho', 'Cần Thơ (mô phỏng)', 'Can Tho (simulated)', 10.04, 105.78, 2, '92'],
  [
    'water',
    'sim-song-hong',
    'Sông Hồng tại Long Biên (mô phỏng)',
    'Red River at Long Bien (simulated)',
    21.04,
    105.86,
    5,
    '01',
  ],
  [
    'water',
    'sim-song-huong',
    'Sông Hương tại Kim Long (mô phỏng)',
    'Perfume River at Kim Long (simulated)',
    16.46,
    107.56,
    3,
    '46',
  ],
  [
    'water',
    'sim-song-cam-le',
    'Sông Cẩm Lệ (mô phỏng)',
    'Cam Le River (simulated)',
    16.01,
    108.2,
    2,
    '48',
  ],
  [
    'water',
    'sim-song-hau',
    'Sông Hậu tại Cần Thơ (mô phỏng)',
    'Hau River at Can Tho (simulated)',
    10.05,
    105.79,
    1,
    '92',
  ],
  [
    'air',
    'sim-hoan-kiem',
    'Hoàn Kiếm, Hà Nội (mô phỏng)',
    'Hoan Kiem, Ha Noi (simulated)',
    21.03,
    105.85,
    12,
    '01',
  ],
  ['air', 'sim-hai-phong', 'Hải Phòng (mô phỏng)', 'Hai Phong (simulated)', 20.86, 106.68, 4, '31'],
  [
    'air',
    'sim-ben-thanh',
    'Bến Thành, TP. Hồ Chí Minh (mô phỏng)',
    'Ben Thanh, Ho Chi Minh City (simulated)',
    10.77,
    106.7,
    5,
    '79',
  ],
];

export function demoStations(intervalMs: number): SimulatedStation[] {
  return places.map(
    ([kind, id, nameVi, nameEn, latitude, longitude, altitudeMetres, province]) => ({
      id,
      nameVi,
      nameEn,
      latitude,
      longitude,
      altitudeMetres,
      province,
      kind: kinds[kind],
      sensing: sensings[kind],
      intervalMs,
    }),
  );
}

/** A fleet of any size: the demonstration's places again and again, scattered a little. */
export function fleetStations(count: number, intervalMs: number): SimulatedStation[] {
  return Array.from({ length: count }, (_, index) => {
    const place = demoStations(intervalMs)[index % places.length] as SimulatedStation;
    const scatter = (salt: number) => (((index * salt) % 1009) / 1009 - 0.5) * 0.8;
    return {
      ...place,
      id: `fleet-${String(index + 1).padStart(5, '0')}`,
      nameVi: `Trạm mô phỏng ${index + 1}`,
      nameEn: `Simulated station ${index + 1}`,
      latitude: place.latitude + scatter(37),
      longitude: place.longitude + scatter(53),
    };
  });
}

/** Since when the simulated devices are deployed. */
const deployedFrom = '2020-01-01T00:00:00Z';

/** The registry file (interfaces.md §3 shape) of these stations: one device a station, of its name. */
export function registryFileOf(stations: readonly SimulatedStation[]): Record<string, unknown> {
  return {
    format: 'quantrac-registry/1',
    owners: [
      {
        id: 'simulation',
        name: { vi: 'Mạng mô phỏng', en: 'Simulated network' },
        kind: 'community',
        licence: 'CC0-1.0',
        attribution: 'Quantrac simulators',
      },
    ],
    stations: stations.map((station) => ({
      id: station.id,
      name: { vi: station.nameVi, en: station.nameEn },
      owner: 'simulation',
      latitude: station.latitude,
      longitude: station.longitude,
      altitudeMetres: station.altitudeMetres,
      timeZone: 'Asia/Ho_Chi_Minh',
      class: 'indicative',
      kind: station.kind,
      administrative: [{ province: station.province, from: '2025-07-01' }],
    })),
    datastreams: stations.flatMap((station) =>
      station.sensing.channels.map(({ property, aggregation }) => ({
        id: `${station.id}.${property}`,
        station: station.id,
        property,
        slug: property,
        aggregation,
        intervalMs: station.intervalMs,
      })),
    ),
    devices: stations.map(({ id }) => ({ id, owner: 'simulation' })),
    deployments: stations.flatMap((station) =>
      station.sensing.channels.map(({ channel, property, unit }) => ({
        device: station.id,
        datastream: `${station.id}.${property}`,
        channel,
        unit,
        from: deployedFrom,
      })),
    ),
  };
}

/** Id of a station's n-th device; the first has the station's own. */
function deviceIdOf(station: SimulatedStation, generation: number): string {
  return generation === 1 ? station.id : `${station.id}.d${generation}`;
}

/** What a registry must hear when a station's device is replaced at an instant (ms UTC). */
export function replacementFileOf(
  station: SimulatedStation,
  generation: number,
  replacements: readonly number[],
): Record<string, unknown> {
  const whole = registryFileOf([station]);
  const instant = (at: number | undefined) =>
    at === undefined ? deployedFrom : new Date(at).toISOString();
  const deployment = (each: object, of: number) => {
    const until = replacements[of - 1];
    return {
      ...each,
      device: deviceIdOf(station, of),
      serial: `SIM-${of}`,
      from: instant(replacements[of - 2]),
      ...(until === undefined ? {} : { to: instant(until) }),
    };
  };
  const deployments = whole['deployments'] as readonly object[];
  return {
    ...whole,
    devices: [{ id: deviceIdOf(station, generation), owner: 'simulation' }],
    deployments: [generation - 1, generation].flatMap((of) =>
      deployments.map((each) => deployment(each, of)),
    ),
  };
}
