/** The network that the load generator speaks for: stations of seven values, in canonical units. */
import { createSeededRandom } from '../../devices/random.ts';
import { createNature } from '../nature.ts';

export const loadChannels = [
  ['temp', 'air-temperature', 2],
  ['rh', 'relative-humidity', 1],
  ['press', 'air-pressure', 2],
  ['wspd', 'wind-speed', 2],
  ['wdir', 'wind-direction', 0],
  ['pm25', 'pm2.5', 1],
  ['solar', 'solar-radiation', 0],
] as const;

export function loadDeviceIds(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `load-${String(index + 1).padStart(5, '0')}`);
}

/** Registry file of `count` stations with one device each. */
export function loadRegistryFile(count: number, intervalMs: number): Record<string, unknown> {
  const ids = loadDeviceIds(count);
  return {
    format: 'quantrac-registry/1',
    owners: [{ id: 'load', name: { vi: 'Tải thử', en: 'Load test' }, kind: 'community' }],
    stations: ids.map((id, index) => ({
      id,
      name: { vi: `Trạm tải thử ${index + 1}`, en: `Load station ${index + 1}` },
      owner: 'load',
      latitude: 8.5 + (index % 140) * 0.1,
      longitude: 102.5 + Math.floor(index / 140) * 0.1,
      timeZone: 'Asia/Ho_Chi_Minh',
      class: 'indicative',
    })),
    datastreams: ids.flatMap((id) =>
      loadChannels.map(([, property]) => ({
        id: `${id}.${property}`,
        station: id,
        property,
        slug: property,
        aggregation: 'instant',
        intervalMs,
      })),
    ),
    devices: ids.map((id) => ({ id, owner: 'load' })),
    deployments: ids.flatMap((id) =>
      loadChannels.map(([channel, property]) => ({
        device: id,
        datastream: `${id}.${property}`,
        channel,
        from: '2020-01-01T00:00:00Z',
      })),
    ),
  };
}

/**
 * Values objects as JSON text: one station's day in steps of 30 s, noisy as nature is. The frozen
 * file `payloads.ndjson` was written by this with seed 1; the load always reads the file.
 */
export function makePayloads(count: number, seed: number): string[] {
  const startAt = Date.UTC(2026, 5, 1);
  const nature = createNature(createSeededRandom(seed), {
    latitude: 21,
    longitude: 105.8,
    altitudeMetres: 12,
    startAt,
  });
  let smoke = 30;
  return Array.from({ length: count }, (_, index) => {
    const sky = nature.stateAt(startAt + index * 30_000);
    smoke += (20 + 30 * sky.traffic * (1 + sky.inversion) - smoke) * 0.02;
    const values: Record<(typeof loadChannels)[number][0], number> = {
      temp: sky.airTemperatureCel,
      rh: sky.relativeHumidityPercent,
      press: sky.airPressureHpa,
      wspd: sky.windSpeedMps,
      wdir: Math.round(sky.windDirectionDeg) % 360,
      pm25: smoke,
      solar: sky.solarRadiationWm2,
    };
    return `{${loadChannels.map(([channel, , decimals]) => `"${channel}":${values[channel].toFixed(decimals)}`).join(',')}}`;
  });
}
