/**
 * A day of a network as its devices send it: late, twice, out of order, put right, backfilled, in
 * halves, without values, by clocks that are wrong or missing. The same seed and the same first day
 * make the same bytes in the same order; only the moments of receipt are the platform's own.
 */
import { createManualClock } from '../../../devices/clock-manual.ts';
import { createSeededRandom } from '../../../devices/random.ts';
import type { RegistryFile } from '../../../devices/registry-file.ts';
import type { Message } from '../spine/message.ts';
import { openNetwork, type SpineNetwork, type SpineStation } from '../spine/network.ts';
import { createStation, fieldHabits, type Habits, type StationOptions } from '../spine/station.ts';

export interface DayPlanOptions {
  /** Begin of the day, ms UTC. */
  readonly startAt: number;
  readonly stations: number;
  readonly intervalMs: number;
  readonly seed: number;
  /** `right`: every message says when its values were measured, and is believed. */
  readonly clocks: 'any' | 'right';
}

/** What is sent under one version of the registry, by station, each in its order. */
export interface DayPart {
  readonly registry: RegistryFile;
  readonly stations: readonly StationPart[];
}

export interface StationPart {
  readonly station: string;
  readonly messages: readonly Message[];
}

export interface DayPlan {
  readonly parts: readonly DayPart[];
  readonly messages: number;
  readonly figures: Readonly<Record<string, number>>;
}

const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;
const channelsMax = 7;
const lateMsMax = 6 * hourMs;

/** The kinds of stations beside the usual one, by their number modulo 17. */
const kinds: Readonly<Record<number, Partial<StationOptions> & { readonly habits: Habits }>> = {
  // Loggers that say when a value was made: what they put right counts at once.
  2: { habits: habitsOf({ correction: 0.1 }), isDated: true },
  5: { habits: habitsOf({ correction: 0.1 }), isDated: true },
  8: { habits: habitsOf({ correction: 0.1 }), isDated: true },
};

/** No clock, and one that is often wrong. */
const kindsOfClocks: typeof kinds = {
  11: { habits: habitsOf({ timeless: 1 }) },
  14: { habits: habitsOf({ wrongClock: 0.2 }) },
};

function kindOf(number: number, { clocks }: Pick<DayPlanOptions, 'clocks'>) {
  const place = number % 17;
  const byClock = clocks === 'any' ? kindsOfClocks[place] : undefined;
  return byClock ?? kinds[place] ?? { habits: habitsOf({}) };
}

/** Of a usual station: what is told again without a result time counts by its arrival. */
function habitsOf(habits: Partial<Habits>): Habits {
  return { ...fieldHabits, wrongClock: 0, timeless: 0, ...habits };
}

export function planDay(options: DayPlanOptions): DayPlan {
  const random = createSeededRandom(options.seed);
  const versionsAt = [8 * hourMs, 16 * hourMs] as const;
  const network = openNetwork({
    ...options,
    versionsAt,
    channelsMax,
    clock: createManualClock(options.startAt),
    random,
  });
  const stations = network.stations.map((spec, number) => sayings(options, spec, number));
  network.close();
  const bounds = [0, ...versionsAt, Number.POSITIVE_INFINITY];
  const parts = network.files.map((registry, version) => ({
    registry,
    stations: stations.map(({ station, said }) => ({
      station,
      messages: said
        .filter(({ atMs }) => atMs >= bounds[version]! && atMs < bounds[version + 1]!)
        .map(({ message }) => message),
    })),
  }));
  const all = stations.flatMap(({ said }) => said);
  return { parts, messages: all.length, figures: figuresOf(network, all) };
}

interface Said {
  /** When it arrives, from the begin of the day. */
  readonly atMs: number;
  readonly message: Message;
}

/** Each station has a stream of its own, so that another one more changes nothing of it. */
function sayings(
  options: DayPlanOptions,
  spec: SpineStation,
  number: number,
): { readonly station: string; readonly said: readonly Said[] } {
  const { startAt, intervalMs, seed } = options;
  const station = createStation(spec, createSeededRandom(seed * 65_536 + number), {
    delayMsMax: lateMsMax,
    ...kindOf(number, options),
  });
  const said: Said[] = [];
  for (let atMs = intervalMs; atMs <= dayMs; atMs += intervalMs) {
    for (const { message, delayMs } of station.turn(startAt + atMs)) {
      said.push({ atMs: atMs + delayMs, message });
    }
  }
  return { station: spec.id, said: said.toSorted((a, b) => a.atMs - b.atMs) };
}

/** What of it is out of the ordinary, as far as the bytes tell. */
function figuresOf({ stations }: SpineNetwork, all: readonly Said[]): Record<string, number> {
  const told = all.flatMap(({ message }) => message.tells ?? []);
  const texts = new Set(
    all.map(({ message }) => `${message.device} ${message.payload.toString('latin1')}`),
  );
  const count = (isSuch: (one: Said) => boolean): number => all.filter(isSuch).length;
  return {
    stations: stations.length,
    messages: all.length,
    values: told.length,
    repeated: all.length - texts.size,
    backfilled: count(({ message }) => message.kind === 'backfill'),
    unreadable: count(({ message }) => message.kind !== 'control' && message.tells === null),
    states: count(({ message }) => message.kind === 'control'),
    withoutTime: told.filter(({ endAt }) => Number.isNaN(endAt)).length,
    dated: told.filter(({ resultAt }) => !Number.isNaN(resultAt)).length,
    nulls: told.filter(({ value }) => value === null).length,
  };
}
