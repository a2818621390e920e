/** Looks at all nodes again and again, from outside: memory, and what their metrics count. */
import { sleep, type Clock } from '../../../devices/clock.ts';
import { readMetrics, rssBytes, sumOf } from './measures.ts';
import type { Cluster } from './world.ts';

export interface Sample {
  /** Monotonic. */
  readonly atMs: number;
  /** Resident bytes of each of our processes, by node. */
  readonly rssBytes: ReadonlyMap<string, number>;
  /** Readings in the nodes' own logs. */
  readonly logged: number;
  /** Of them, those that Kafka does not have yet. */
  readonly waiting: number;
  /** Rows that the first api has copied. */
  readonly rows: number;
  /** Lines that InfluxDB took; a line sent twice counts twice. */
  readonly stored: number;
  /** Batches that InfluxDB does not have yet, about. */
  readonly behind: number;
}

export interface Sampling {
  readonly samples: readonly Sample[];
  /** Rounds in which a node did not answer /metrics. */
  readonly unanswered: number;
  stop(): Promise<void>;
}

const everyMs = 500;

/** Counts start at nought with each process: no node may be restarted meanwhile. */
export function startSampling(cluster: Cluster, clock: Clock): Sampling {
  const samples: Sample[] = [];
  let unanswered = 0;
  let isOpen = true;
  const run = async (): Promise<void> => {
    while (isOpen) {
      try {
        samples.push(await takeSample(cluster, clock));
      } catch {
        unanswered += 1;
      }
      await sleep(clock, everyMs);
    }
  };
  const ended = run();
  return {
    samples,
    get unanswered() {
      return unanswered;
    },
    async stop() {
      isOpen = false;
      await ended;
    },
  };
}

async function takeSample(cluster: Cluster, clock: Clock): Promise<Sample> {
  const up = cluster.nodes.filter(({ isUp }) => isUp);
  const texts = await readMetrics(cluster);
  const [api] = cluster.nodesOf('api');
  const apiText = texts[up.findIndex((node) => node === api)] ?? '';
  return {
    atMs: clock.monotonicMs(),
    rssBytes: new Map(up.map(({ name, pid }) => [name, rssBytes(pid)])),
    logged: sumOf(texts, 'quantrac_readings_logged_total'),
    waiting: sumOf(texts, 'quantrac_forward_waiting_readings'),
    rows: sumOf([apiText], 'quantrac_copy_rows_total'),
    stored: sumOf(texts, 'quantrac_influx_lines_stored_total'),
    behind: sumOf(texts, 'quantrac_influx_behind_records'),
  };
}

/** Those between two instants. */
export function samplesWithin(
  samples: readonly Sample[],
  fromMs: number,
  toMs: number,
): readonly Sample[] {
  return samples.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
}

/** How much a count grew in a second. */
export function rateOf(samples: readonly Sample[], count: (sample: Sample) => number): number {
  const [first] = samples;
  const last = samples.at(-1);
  if (first === undefined || last === undefined || last === first) return 0;
  return ((count(last) - count(first)) * 1_000) / (last.atMs - first.atMs);
}

const megabyte = 1_048_576;

export interface Growth {
  readonly beforeMegabytes: number;
  readonly maxMegabytes: number;
  readonly grownMegabytes: number;
}

/** By how much each process grew: the most of now, over the most of before. */
export function growthOf(
  before: readonly Sample[],
  during: readonly Sample[],
): Readonly<Record<string, Growth>> {
  const names = [...(before[0]?.rssBytes.keys() ?? [])];
  return Object.fromEntries(
    names.map((name) => {
      const most = (samples: readonly Sample[]): number =>
        Math.round(Math.max(...samples.map((one) => one.rssBytes.get(name) ?? 0)) / megabyte);
      const [beforeMegabytes, maxMegabytes] = [most(before), most(during)];
      const grownMegabytes = maxMegabytes - beforeMegabytes;
      return [name, { beforeMegabytes, maxMegabytes, grownMegabytes }];
    }),
  );
}

export interface Drain {
  /** What had waited when the server answered again. */
  readonly waited: number;
  /** From then until no more waited than always does; null: it never came so far. */
  readonly levelMs: number | null;
  /** From when most waited until then. */
  readonly perSecond: number;
  /** The same, as a multiple of what came in a second before. */
  readonly timesLive: number;
}

export interface Flow {
  /** What came in, and how much of it has gone out. */
  readonly taken: (sample: Sample) => number;
  readonly given: (sample: Sample) => number;
  readonly waiting: (sample: Sample) => number;
  /** So much may always wait, where `live` comes in a second. */
  readonly waitingMin: (live: number) => number;
  /** What waits is known so long after the server has answered again. */
  readonly knownMs: number;
}

/** Readings on their way from the nodes' own logs to Kafka; rows on their way to InfluxDB. */
export const flows = {
  spool: {
    taken: ({ logged }) => logged,
    given: ({ logged, waiting }) => logged - waiting,
    waiting: ({ waiting }) => waiting,
    waitingMin: (live) => live / 2,
    knownMs: 0,
  },
  influx: {
    taken: ({ rows }) => rows,
    given: ({ stored }) => stored,
    waiting: ({ behind }) => behind,
    // Batches: a few of each partition.
    waitingMin: () => 60,
    knownMs: 5_000,
  },
} as const satisfies Readonly<Record<string, Flow>>;

/** How what had waited was made up for, while as much came in as ever. */
export function drainOf(before: readonly Sample[], after: readonly Sample[], flow: Flow): Drain {
  const { taken, given } = flow;
  const live = rateOf(before, taken);
  const [first] = after;
  if (first === undefined) return { waited: 0, levelMs: null, perSecond: 0, timesLive: 0 };
  const usual = Math.min(...before.map((one) => taken(one) - given(one)));
  const level = after.find(
    (one) => one.atMs >= first.atMs + flow.knownMs && isLevel(before, one, flow),
  );
  const most = Math.max(...after.map(flow.waiting));
  const draining = after
    .slice(after.findLastIndex((one) => flow.waiting(one) === most))
    .filter(({ atMs }) => atMs <= (level?.atMs ?? Number.POSITIVE_INFINITY));
  const perSecond = rateOf(draining, given);
  return {
    waited: Math.max(0, Math.round(taken(first) - given(first) - usual)),
    levelMs: level === undefined ? null : Math.round(level.atMs - first.atMs),
    perSecond: Math.round(perSecond),
    timesLive: Number((perSecond / live).toFixed(2)),
  };
}

/** Whether no more waits than did before. */
export function isLevel(before: readonly Sample[], sample: Sample, flow: Flow): boolean {
  const live = rateOf(before, flow.taken);
  const usual = Math.max(flow.waitingMin(live), ...before.map(flow.waiting));
  return flow.waiting(sample) <= usual;
}
