import type { Sensing } from './sensing.ts';
import { clamp } from './nature.ts';

/** Dew point by Magnus over water (a = 17.62, b = 243.12 °C). */
export function dewPointCel(temperatureCel: number, humidityPercent: number): number {
  const gamma =
    Math.log(Math.max(1, humidityPercent) / 100) +
    (17.62 * temperatureCel) / (243.12 + temperatureCel);
  return (243.12 * gamma) / (17.62 - gamma);
}

/** An automatic weather station: 10 channels, in the units of its sensors. */
export const weatherSensing: Sensing = {
  kind: 'weather',
  channels: [
    {
      channel: 'temp',
      property: 'air-temperature',
      unit: 'Cel',
      decimals: 2,
      aggregation: 'instant',
    },
    {
      channel: 'rh',
      property: 'relative-humidity',
      unit: '%',
      decimals: 1,
      aggregation: 'instant',
    },
    { channel: 'dew', property: 'dew-point', unit: 'Cel', decimals: 2, aggregation: 'instant' },
    {
      channel: 'press',
      property: 'air-pressure',
      unit: 'hPa',
      decimals: 2,
      aggregation: 'instant',
    },
    { channel: 'wspd', property: 'wind-speed', unit: 'km/h', decimals: 1, aggregation: 'mean' },
    { channel: 'wgust', property: 'wind-gust', unit: 'km/h', decimals: 1, aggregation: 'max' },
    { channel: 'wdir', property: 'wind-direction', unit: 'deg', decimals: 0, aggregation: 'mean' },
    { channel: 'rain', property: 'rainfall', unit: 'mm', decimals: 2, aggregation: 'sum' },
    { channel: 'rrate', property: 'rain-rate', unit: 'mm/h', decimals: 1, aggregation: 'instant' },
    {
      channel: 'solar',
      property: 'solar-radiation',
      unit: 'W/m2',
      decimals: 0,
      aggregation: 'mean',
    },
  ],
  createSensor(random) {
    return (sky, intervalMs) => {
      const humidity = clamp(sky.relativeHumidityPercent, 0, 100);
      const tips = (sky.rainRateMmPerHour * intervalMs) / 3_600_000 / 0.2;
      // A tipping bucket counts whole tips of 0.2 mm; the fraction tips now or with the next interval.
      const wholeTips = Math.floor(tips) + (random.next() < tips % 1 ? 1 : 0);
      return {
        temp: sky.airTemperatureCel,
        rh: humidity,
        dew: Math.min(sky.airTemperatureCel, dewPointCel(sky.airTemperatureCel, humidity)),
        press: sky.airPressureHpa,
        wspd: sky.windSpeedMps * 3.6,
        wgust: Math.max(sky.windSpeedMps, sky.windGustMps) * 3.6,
        wdir: Math.round(sky.windDirectionDeg) % 360,
        rain: wholeTips * 0.2,
        rrate: sky.rainRateMmPerHour,
        solar: sky.solarRadiationWm2,
      };
    };
  },
};
