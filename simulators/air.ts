import type { Sensing } from './sensing.ts';
import { clamp } from './nature.ts';

/**
 * A city's air station: traffic emits, an inversion traps, wind and rain clean, the sun turns
 * nitrogen dioxide into ozone.
 */
export const airSensing: Sensing = {
  kind: 'air',
  channels: [
    { channel: 'pm1', property: 'pm1', unit: 'ug/m3', decimals: 1, aggregation: 'mean' },
    { channel: 'pm25', property: 'pm2.5', unit: 'ug/m3', decimals: 1, aggregation: 'mean' },
    { channel: 'pm10', property: 'pm10', unit: 'ug/m3', decimals: 1, aggregation: 'mean' },
    { channel: 'no2', property: 'no2', unit: 'ppb', decimals: 1, aggregation: 'mean' },
    { channel: 'o3', property: 'o3', unit: 'ppb', decimals: 1, aggregation: 'mean' },
    { channel: 'so2', property: 'so2', unit: 'ppb', decimals: 2, aggregation: 'mean' },
    { channel: 'co', property: 'co', unit: 'ppm', decimals: 3, aggregation: 'mean' },
    { channel: 'noise', property: 'noise-laeq', unit: 'dB(A)', decimals: 1, aggregation: 'mean' },
  ],
  createSensor(random) {
    // Each city emits its own, and is first met in its own air.
    const city = 0.7 + 0.8 * random.next();
    let smoke = 12 + 30 * random.next();
    return (sky, intervalMs) => {
      const hours = intervalMs / 3_600_000;
      const emitted = (14 * sky.traffic + 6) * city;
      const cleaning =
        0.25 +
        0.22 * sky.windSpeedMps * (1 - 0.75 * sky.inversion) +
        0.25 * Math.min(8, sky.rainRateMmPerHour);
      const settled = (emitted * (1 + 2.5 * sky.inversion)) / cleaning;
      smoke += (settled - smoke) * clamp(cleaning * hours, 0, 1);
      const noise = (size: number) => size * (random.next() - 0.5);
      const pm25 = Math.max(1, smoke + noise(1.2));
      const sun = sky.solarRadiationWm2 / 1000;
      const no2 = Math.max(
        0.5,
        6 + 22 * sky.traffic * (1 + 0.8 * sky.inversion) - 9 * sun + noise(1),
      );
      return {
        pm1: pm25 * 0.68,
        pm25,
        pm10: pm25 * 1.55 + 4 + Math.max(0, noise(2)),
        no2,
        o3: Math.max(0.5, 14 + 48 * sun - 0.35 * no2 + noise(1.5)),
        so2: Math.max(0.1, 1.8 + 2 * sky.inversion + noise(0.4)),
        co: Math.max(0.05, 0.25 + 0.7 * sky.traffic * (1 + sky.inversion) + noise(0.04)),
        noise: 52 + 14 * sky.traffic + noise(2) + (sky.rainRateMmPerHour > 5 ? 4 : 0),
      };
    };
  },
};
