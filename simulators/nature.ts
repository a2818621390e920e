/**
 * The weather that all simulated stations of one region share, so that their values move together as
 * in nature: the sun's height drives radiation and temperature, rain raises rivers and washes the
 * air, clear calm nights trap smoke under an inversion. A toy with the right signs and sizes, not a
 * forecast model: a function of (seed, place, step), stepped minute by minute.
 */
import type { Random } from '../devices/random.ts';

export interface Sky {
  /** Instant of the state, ms UTC. */
  readonly at: number;
  readonly airTemperatureCel: number;
  readonly relativeHumidityPercent: number;
  readonly airPressureHpa: number;
  readonly windSpeedMps: number;
  readonly windGustMps: number;
  readonly windDirectionDeg: number;
  readonly rainRateMmPerHour: number;
  readonly solarRadiationWm2: number;
  /** 0 = well mixed air, 1 = a strong inversion. */
  readonly inversion: number;
  /** 0 at night, 1 at the rush hours: what the traffic emits. */
  readonly traffic: number;
}

export interface Nature {
  /** The state at an instant; time only goes forward, a step back answers the newest state. */
  stateAt(at: number): Sky;
}

export interface NatureOptions {
  readonly latitude: number;
  readonly longitude: number;
  readonly altitudeMetres: number;
  readonly startAt: number;
}

const minuteMs = 60_000;
const dayMs = 86_400_000;
/** Longest stretch that is simulated minute by minute to catch up; beyond it the state jumps. */
const catchUpMinutesMax = 10_080;

interface Memory {
  at: number;
  cloud: number;
  rain: number;
  warmth: number;
  pressure: number;
  wind: number;
  direction: number;
}

export function createNature(random: Random, options: NatureOptions): Nature {
  const memory: Memory = {
    at: options.startAt,
    cloud: 0.4,
    rain: 0,
    warmth: 0,
    pressure: 0,
    wind: 2,
    direction: random.next() * 360,
  };
  return {
    stateAt(at) {
      const behind = Math.floor((at - memory.at) / minuteMs);
      if (behind > catchUpMinutesMax) memory.at = at - catchUpMinutesMax * minuteMs;
      while (memory.at + minuteMs <= at) stepMinute(memory, random, options);
      return describe(memory, random, options, Math.max(at, memory.at));
    },
  };
}

/** A symmetric random number with a bell-like shape, about ±1. */
function bell(random: Random): number {
  return random.next() + random.next() + random.next() - 1.5;
}

function stepMinute(memory: Memory, random: Random, options: NatureOptions): void {
  memory.at += minuteMs;
  const afternoon = Math.max(0, Math.sin(((localHour(memory.at, options) - 9) / 12) * Math.PI));
  memory.cloud = clamp(memory.cloud + 0.02 * bell(random) + 0.002 * (0.45 - memory.cloud), 0, 1);
  const starts = memory.rain === 0 && random.next() < 0.0012 * memory.cloud * (1 + 2 * afternoon);
  if (starts) memory.rain = 2 + 30 * random.next() ** 3;
  else if (memory.rain > 0)
    memory.rain =
      random.next() < 0.02 ? 0 : clamp(memory.rain * (1 + 0.1 * bell(random)), 0.2, 120);
  if (memory.rain > 0) memory.cloud = Math.max(memory.cloud, 0.8);
  memory.warmth += 0.05 * bell(random) - 0.002 * memory.warmth - (memory.rain > 0 ? 0.03 : 0);
  memory.pressure += 0.03 * bell(random) - 0.0005 * memory.pressure;
  memory.wind = clamp(
    memory.wind + 0.25 * bell(random) + 0.02 * (2.2 + afternoon - memory.wind),
    0,
    25,
  );
  memory.direction = (memory.direction + 6 * bell(random) + 360) % 360;
}

function describe(memory: Memory, random: Random, options: NatureOptions, at: number): Sky {
  const sun = Math.max(0, sineOfSun(at, options));
  const hour = localHour(at, options);
  const season =
    Math.cos((2 * Math.PI * (dayOfYear(at) - 200)) / 365.25) * Math.abs(options.latitude) * 0.35;
  const daily = 4.5 * Math.sin(((hour - 9) / 24) * 2 * Math.PI) * (1 - 0.5 * memory.cloud);
  const temperature = 26 + season + daily + memory.warmth - options.altitudeMetres * 0.0065;
  const humidity = clamp(
    78 - 3 * (daily + memory.warmth) + (memory.rain > 0 ? 14 : 0) + bell(random),
    12,
    100,
  );
  const calmNight = sun === 0 && memory.rain === 0 ? 1 - memory.cloud * 0.7 : 0;
  return {
    at,
    airTemperatureCel: temperature + 0.05 * bell(random),
    relativeHumidityPercent: humidity,
    airPressureHpa:
      1010 * Math.exp(-options.altitudeMetres / 8434) +
      memory.pressure +
      1.2 * Math.sin((hour / 12) * 2 * Math.PI),
    windSpeedMps: Math.max(0, memory.wind + 0.2 * bell(random)),
    windGustMps: Math.max(0, memory.wind) * (1.3 + 0.3 * random.next()) + 0.3,
    windDirectionDeg: (memory.direction + 4 * bell(random) + 360) % 360,
    rainRateMmPerHour: memory.rain,
    solarRadiationWm2: 1050 * sun * (1 - 0.75 * memory.cloud ** 2),
    inversion: calmNight * clamp(1 - memory.wind / 4, 0, 1),
    traffic: trafficAt(hour),
  };
}

function trafficAt(hour: number): number {
  const peak = (centre: number, width: number) => Math.exp(-(((hour - centre) / width) ** 2));
  return Math.min(1, 0.15 + 0.85 * (peak(7.5, 1.4) + peak(17.5, 1.8)) + 0.3 * peak(12, 3));
}

/** Sine of the sun's elevation, from declination and hour angle. */
function sineOfSun(at: number, options: NatureOptions): number {
  const radians = Math.PI / 180;
  const declination = -23.44 * Math.cos((2 * Math.PI * (dayOfYear(at) + 10)) / 365.25) * radians;
  const hourAngle = (localHour(at, options) - 12) * 15 * radians;
  const latitude = options.latitude * radians;
  return (
    Math.sin(latitude) * Math.sin(declination) +
    Math.cos(latitude) * Math.cos(declination) * Math.cos(hourAngle)
  );
}

/** Mean solar hour of the place, 0 to 24. */
function localHour(at: number, options: NatureOptions): number {
  const hour = ((at % dayMs) / 3_600_000 + options.longitude / 15) % 24;
  return (hour + 24) % 24;
}

function dayOfYear(at: number): number {
  const start = Date.UTC(new Date(at).getUTCFullYear(), 0, 1);
  return (at - start) / dayMs;
}

export function clamp(value: number, least: number, greatest: number): number {
  return Math.min(greatest, Math.max(least, value));
}
