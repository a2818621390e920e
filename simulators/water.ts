import type { Random } from '../devices/random.ts';
import type { Sensing } from './sensing.ts';
import { clamp } from './nature.ts';

/**
 * A river station: rain fills the catchment, the catchment drains into the river (a linear
 * reservoir), the level follows a rating curve, and rising water carries mud.
 */
export const waterSensing: Sensing = {
  kind: 'water',
  channels: [
    { channel: 'level', property: 'water-level', unit: 'cm', decimals: 1, aggregation: 'instant' },
    { channel: 'flow', property: 'discharge', unit: 'm3/s', decimals: 2, aggregation: 'instant' },
    {
      channel: 'wtemp',
      property: 'water-temperature',
      unit: 'Cel',
      decimals: 2,
      aggregation: 'instant',
    },
    { channel: 'ph', property: 'ph', unit: '[pH]', decimals: 2, aggregation: 'instant' },
    {
      channel: 'do',
      property: 'dissolved-oxygen',
      unit: 'mg/L',
      decimals: 2,
      aggregation: 'instant',
    },
    { channel: 'ec', property: 'conductivity', unit: 'uS/cm', decimals: 1, aggregation: 'instant' },
    { channel: 'turb', property: 'turbidity', unit: 'NTU', decimals: 1, aggregation: 'instant' },
  ],
  createSensor(random) {
    const river = createRiver(random);
    let { storedMm, mud } = river;
    let waterCel: number | undefined;
    return (sky, intervalMs) => {
      const hours = intervalMs / 3_600_000;
      storedMm += sky.rainRateMmPerHour * hours;
      const drained = storedMm * (1 - Math.exp(-river.runOffPerHour * hours));
      storedMm = Math.max(2, storedMm - drained * 0.6 + 0.02 * hours);
      const discharge = 4 + storedMm * 1.9;
      const rising = Math.max(0, sky.rainRateMmPerHour);
      mud += (6 + 9 * rising + discharge * 0.15 - mud) * clamp(0.6 * hours * 4, 0, 1);
      waterCel ??= 0.5 * (sky.airTemperatureCel + 24) + river.warmthCel;
      waterCel += (sky.airTemperatureCel - waterCel) * clamp(0.05 * hours, 0, 1);
      const saturation =
        14.652 - 0.41022 * waterCel + 0.007991 * waterCel ** 2 - 0.000077774 * waterCel ** 3;
      const daylight = sky.solarRadiationWm2 / 1000;
      const noise = () => random.next() - 0.5;
      return {
        level: river.depthCm * (discharge / 18) ** 0.6 + 0.4 * noise(),
        flow: discharge * river.size,
        wtemp: waterCel + 0.03 * noise(),
        ph: river.ph + 0.4 * daylight - 0.003 * mud + 0.02 * noise(),
        do: clamp(saturation * (0.86 + 0.12 * daylight) - 0.004 * mud, 0.5, 18) + 0.04 * noise(),
        ec: river.conductivity * (12 / (10 + storedMm * 0.25)) ** 0.4 + 2 * noise(),
        turb: Math.max(0.5, mud + noise()),
      };
    };
  },
};

/** No two rivers are alike, nor in the same state when they are first looked at. */
function createRiver(random: Random) {
  const between = (least: number, greatest: number) => least + random.next() * (greatest - least);
  return {
    /** Catchment, as a multiple of one whose flow at rest is some 25 m³/s. */
    size: 10 ** between(-0.3, 1.3),
    /** Water over the gauge's zero at middle flow. */
    depthCm: between(60, 260),
    /** Share of the catchment's water that runs off within one hour. */
    runOffPerHour: between(0.12, 0.24),
    storedMm: between(6, 26),
    mud: between(6, 20),
    warmthCel: between(-1.5, 1.5),
    ph: between(7, 7.6),
    conductivity: between(180, 460),
  };
}
