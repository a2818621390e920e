/**
 * Kafka away, InfluxDB away, both killed with -9: two brokers, two workers, two apis under load
 * meanwhile. Nothing that was acknowledged may be lost or shown twice, memory stays bounded, what
 * waited is made up for faster than it came, and what comes live is live again soon.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sleep, type Clock } from '../../../devices/clock.ts';
import { openSystemClock } from '../../../devices/clock-system.ts';
import { createSeededRandom, type Random } from '../../../devices/random.ts';
import { audit, type Audit } from '../../load/audit.ts';
import type { Latencies } from '../../load/latency.ts';
import { loadChannels, loadDeviceIds } from '../../load/network.ts';
import { startLoad, type Load } from '../../load/run.ts';
import type { ServerControl } from '../../servers/child.ts';
import { provisionLoad } from '../network.ts';
import { watchFreshness, type Freshness } from './freshness.ts';
import { apiOf, untilSettled } from './measures.ts';
import {
  drainOf,
  flows,
  growthOf,
  isLevel,
  samplesWithin,
  startSampling,
  type Flow,
  type Sample,
  type Sampling,
} from './samples.ts';
import { judge, type OutageFigures, type RunFigures, type Verdict } from './outage-promises.ts';
import { auditView } from './view-audit.ts';
import { startCluster, type Cluster } from './world.ts';

export interface OutageOptions {
  readonly devices: number;
  /** Messages a second. */
  readonly rate: number;
  /** Before the first outage, and what counts as before each. */
  readonly warmSeconds: number;
  readonly kafkaSeconds: number;
  readonly influxSeconds: number;
  /** Both, killed. */
  readonly killSeconds: number;
  /** `freeze`: they keep their connections and do nothing. */
  readonly how: 'stop' | 'freeze';
  readonly ack: 'local' | 'replicated';
  readonly seed: number;
  /** Series that are compared with InfluxDB at the end. */
  readonly compared: number;
  /** What misses an aim of speed or size has not held either. */
  readonly isStrict: boolean;
  readonly logs?: string | undefined;
  readonly tell: (line: string) => void;
}

interface Outage {
  readonly name: string;
  readonly seconds: number;
  readonly away: (ground: Ground) => Promise<void>;
  readonly back: (ground: Ground) => Promise<void>;
}

interface Ground {
  readonly options: OutageOptions;
  readonly clock: Clock;
  readonly cluster: Cluster;
  readonly load: Load;
  readonly sampling: Sampling;
  readonly fresh: ReadonlyMap<string, Freshness>;
}

export interface OutageOutcome {
  readonly held: boolean;
  readonly figures: RunFigures & {
    readonly metricsUnanswered: number;
  } & Verdict;
}

const watchedStations = 5;
const settleMsMax = 180_000;
/** How long what comes may stay stale once the servers are back. */
const freshMsMax = 120_000;
const quietMs = 3_000;
/** What was on its way when a server went is answered, or not, by then. */
const underWayMs = 500;
const clusterPartitions = 12;

export async function runOutage(options: OutageOptions): Promise<OutageOutcome> {
  const clock = openSystemClock();
  const random = createSeededRandom(options.seed);
  const cluster = await startCluster({
    clock,
    random,
    logs: options.logs,
    cluster: { ack: options.ack },
    roles: ['api', 'broker', 'broker', 'ingest', 'ingest', 'api'],
  });
  try {
    const apis = cluster.nodesOf('api');
    const brokers = cluster.nodesOf('broker');
    const secrets = await provisionLoad(apis[0]?.dataDir ?? '', options.devices);
    const load = startLoad({
      host: '127.0.0.1',
      clock,
      seed: options.seed,
      secrets,
      rate: options.rate,
      port: () => brokers[Math.floor(random.next() * brokers.length)]?.ports.mqttPort ?? 0,
      window: 20,
      qos2Share: 0.1,
      duplicateShare: 0.02,
    });
    const stations = loadDeviceIds(Math.min(watchedStations, options.devices));
    const fresh = new Map(
      apis.map((node) => [node.name, watchFreshness(apiOf(node), stations, clock)]),
    );
    const sampling = startSampling(cluster, clock);
    const ground: Ground = { options, clock, cluster, load, sampling, fresh };
    await warmUp(ground);
    const before = { acceptMs: sharesOf(load.latencies.take()), oldestMs: oldestOf(fresh) };
    const outages: Record<string, OutageFigures> = {};
    for (const outage of outagesOf(options)) {
      outages[outage.name] = await play(ground, outage);
      options.tell(`${outage.name}: ${JSON.stringify(outages[outage.name])}`);
    }
    const unacknowledged = await load.finish(60_000);
    load.close();
    await sampling.stop();
    if (options.logs !== undefined) writeSamples(options.logs, sampling);
    await Promise.all([...fresh.values()].map((one) => one.stop()));
    const end = await auditAll(ground, random);
    const { seed, ack, rate } = options;
    const { deaths } = cluster;
    const whole = { seed, ack, rate, before, outages, ...end, unacknowledged, deaths };
    const verdict = judge(whole);
    const { broken, missed } = verdict;
    const held = broken.length === 0 && (missed.length === 0 || !options.isStrict);
    const metricsUnanswered = sampling.unanswered;
    return { held, figures: { ...whole, metricsUnanswered, ...verdict } };
  } finally {
    await cluster.close();
  }
}

/** One line a sample, so that a person can see what went on between the figures. */
function writeSamples(folder: string, { samples }: Sampling): void {
  const lines = samples.map(
    ({ rssBytes, ...counts }) => `${JSON.stringify({ ...counts, rss: [...rssBytes.values()] })}\n`,
  );
  writeFileSync(join(folder, 'samples.ndjson'), lines.join(''));
}

function outagesOf({ how, ...options }: OutageOptions): readonly Outage[] {
  const control = (serverOf: (ground: Ground) => ServerControl | undefined) => ({
    async away(ground: Ground) {
      if (how === 'freeze') serverOf(ground)?.pause();
      else await serverOf(ground)?.stop();
    },
    async back(ground: Ground) {
      if (how === 'freeze') serverOf(ground)?.resume();
      else await serverOf(ground)?.restart();
    },
  });
  const all: readonly Outage[] = [
    {
      name: 'kafka',
      seconds: options.kafkaSeconds,
      ...control(({ cluster }) => cluster.servers.kafka),
    },
    {
      name: 'influx',
      seconds: options.influxSeconds,
      ...control(({ cluster }) => cluster.servers.influx2),
    },
    {
      name: 'killed',
      seconds: options.killSeconds,
      away: ({ cluster }) => cluster.servers.kill(),
      async back({ cluster: { servers } }) {
        await Promise.all([servers.kafka?.restart(), servers.influx2?.restart()]);
      },
    },
  ];
  return all.filter(({ seconds }) => seconds > 0);
}

async function warmUp({ options, clock, load, fresh }: Ground): Promise<void> {
  await sleep(clock, (options.warmSeconds * 1_000) / 2);
  load.latencies.take();
  oldestOf(fresh);
  await sleep(clock, (options.warmSeconds * 1_000) / 2);
}

async function play(ground: Ground, outage: Outage): Promise<OutageFigures> {
  const { clock, load, sampling, fresh, options } = ground;
  const startMs = clock.monotonicMs();
  const before = samplesWithin(sampling.samples, startMs - options.warmSeconds * 500, startMs);
  await outage.away(ground);
  await sleep(clock, underWayMs);
  load.latencies.take();
  oldestOf(fresh);
  const goneMs = clock.monotonicMs();
  const acknowledgedBefore = load.ledger.totals().acknowledged;
  await sleep(clock, outage.seconds * 1_000);
  const acceptMs = sharesOf(load.latencies.take());
  const acknowledged = load.ledger.totals().acknowledged - acknowledgedBefore;
  const awayMs = Math.round(clock.monotonicMs() - goneMs);
  options.tell(`${outage.name}: away for ${awayMs} ms, comes back`);
  await outage.back(ground);
  const backMs = clock.monotonicMs();
  const freshMs = await untilFresh(ground, backMs);
  await untilLevel(ground, before, backMs);
  const during = samplesWithin(sampling.samples, startMs, clock.monotonicMs());
  const after = samplesWithin(during, backMs, clock.monotonicMs());
  return {
    awayMs,
    acknowledged,
    acceptMs,
    memory: growthOf(before, during),
    spool: drainOf(before, after, flows.spool),
    influx: drainOf(before, after, flows.influx),
    freshMs,
    oldestMs: oldestOf(fresh),
  };
}

/** Until nothing stale has come for a while; by api how long after `backMs` the last of it came. */
async function untilFresh(
  { clock, fresh }: Ground,
  backMs: number,
): Promise<Readonly<Record<string, number | null>>> {
  const isFresh = ({ lastRowMs, staleUntilMs }: Freshness): boolean => {
    const now = clock.monotonicMs();
    return lastRowMs > now - quietMs && lastRowMs > backMs && staleUntilMs < now - quietMs;
  };
  while (clock.monotonicMs() < backMs + freshMsMax && ![...fresh.values()].every(isFresh)) {
    await sleep(clock, 100);
  }
  return Object.fromEntries(
    [...fresh].map(([name, one]) => [
      name,
      isFresh(one) ? Math.max(0, Math.round(one.staleUntilMs - backMs)) : null,
    ]),
  );
}

/** Until what waited on both ways is made up for, or it takes too long. */
async function untilLevel(
  { clock, sampling }: Ground,
  before: readonly Sample[],
  backMs: number,
): Promise<void> {
  const isMadeUp = (flow: Flow): boolean => {
    const last = sampling.samples.at(-1);
    const isKnown = last !== undefined && last.atMs > backMs + 2 * flow.knownMs;
    return isKnown && isLevel(before, last, flow);
  };
  while (clock.monotonicMs() < backMs + settleMsMax) {
    if (Object.values(flows).every(isMadeUp)) return;
    await sleep(clock, 250);
  }
}

function sharesOf(latencies: Latencies): OutageFigures['acceptMs'] {
  const rounded = (ms: number): number => Number(ms.toFixed(1));
  return {
    p50: rounded(latencies.percentile(0.5)),
    p99: rounded(latencies.percentile(0.99)),
    max: rounded(latencies.greatestMs),
  };
}

function oldestOf(fresh: Ground['fresh']): Readonly<Record<string, number>> {
  return Object.fromEntries([...fresh].map(([name, one]) => [name, one.takeOldestMs()]));
}

type End = Pick<RunFigures, 'balance' | 'audits' | 'view'>;

async function auditAll({ cluster, clock, load, options }: Ground, random: Random): Promise<End> {
  const balance = await untilSettled(cluster, clock, settleMsMax);
  const channels = new Map(loadChannels.map(([channel, property]) => [property, channel]));
  const audits: Record<string, Audit> = {};
  for (const node of cluster.nodesOf('api')) {
    const { ledger, payloads } = load;
    audits[node.name] = await audit({ api: apiOf(node), ledger, payloads, channels });
  }
  const view = await auditView({
    cluster,
    clock,
    random,
    series: options.compared,
    partitions: clusterPartitions,
    levelMsMax: settleMsMax,
  });
  return { balance, audits, view };
}
