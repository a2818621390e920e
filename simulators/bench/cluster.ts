/**
 * `npm run bench -- --profile cluster`: one machine and a cluster beside each other, from publish to
 * queryable, by CPU second; what more workers bring; how soon values are seen at a live rate. Servers
 * and generator share the machine's cores with what is measured, and are shown apart.
 */
import { sleep, type Clock } from '../../devices/clock.ts';
import { loadChannels } from '../load/network.ts';
import { startLoad, type Load } from '../load/run.ts';
import { lookMs, partitions, withCluster, withMachine, type Bed, type ClusterBed } from './beds.ts';
import { print, round, shares } from './figures.ts';
import { watchLive, watchRest } from './freshness.ts';

export interface ClusterBenchOptions {
  readonly clock: Clock;
  /** Of each measured window. */
  readonly seconds: number;
  readonly devices: number;
  readonly seed: number;
  /** Messages a second where the latency is measured. */
  readonly rate: number;
  /** Messages that wait for the workers before they start. */
  readonly backlog: number;
  /** Workers of each run of that kind. */
  readonly workers: readonly number[];
  readonly ack: 'local' | 'replicated';
  readonly wanted: readonly string[];
}

const perMessage = loadChannels.length;
/** Unacknowledged messages of one connection. */
const window = 10;
const warmMs = 2_000;
const finishMsMax = 30_000;

export async function runClusterBench(options: ClusterBenchOptions): Promise<void> {
  const { wanted, ack } = options;
  const usual = { ...options, brokers: 2, workers: 2, apis: 1, ack };
  if (wanted.includes('throughput')) {
    await withMachine(options, (bed) => throughput('throughput, one machine', options, bed));
    await withCluster(usual, (bed) => throughput('throughput, cluster', options, bed));
  }
  if (wanted.includes('workers')) {
    for (const workers of options.workers) {
      await withCluster({ ...usual, workers: 0 }, (bed) => drain(options, bed, workers));
    }
  }
  if (wanted.includes('latency')) {
    await withMachine(options, (bed) => latency('latency, one machine', options, bed));
    await withCluster(usual, (bed) => latency('latency, cluster', options, bed));
  }
}

function startOn({ clock, seed }: ClusterBenchOptions, bed: Bed, rate: number | 'max'): Load {
  return startLoad({
    host: '127.0.0.1',
    port: () => bed.mqttPort(),
    clock,
    seed,
    secrets: bed.secrets,
    rate,
    window,
    qos2Share: 0,
    duplicateShare: 0,
  });
}

async function connected({ clock, devices }: ClusterBenchOptions, load: Load): Promise<void> {
  while (load.connected() < devices) await sleep(clock, 20);
}

interface Look {
  readonly atMs: number;
  readonly cpu: Readonly<Record<string, number>>;
  readonly ended: number;
}

async function look({ clock }: ClusterBenchOptions, bed: Bed): Promise<Look> {
  const ended = await bed.ended();
  return { atMs: clock.monotonicMs(), cpu: { ...bed.cpuSeconds(), generator: own() }, ended };
}

function own(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000_000;
}

/** What was spent between two looks: seconds, and microseconds for each observation. */
function spent(before: Look, after: Look): Readonly<Record<string, unknown>> {
  const observations = after.ended - before.ended;
  const seconds = Object.entries(after.cpu).map(
    ([name, cpu]) => [name, cpu - (before.cpu[name] ?? 0)] as const,
  );
  const ours = seconds.filter(([name]) => !isForeign(name)).reduce((sum, [, cpu]) => sum + cpu, 0);
  const each = (map: (cpu: number) => number): Record<string, number> =>
    Object.fromEntries(seconds.map(([name, cpu]) => [name, round(map(cpu))]));
  return {
    observations,
    observationsPerSecond: round((observations * 1_000) / (after.atMs - before.atMs)),
    observationsPerCpuSecondOfOurs: round(observations / ours),
    microsecondsPerObservation: each((cpu) => (cpu * 1_000_000) / observations),
    cpuSeconds: each((cpu) => cpu),
  };
}

/** Servers and the generator are not what is measured. */
function isForeign(name: string): boolean {
  return name === 'kafka' || name === 'influx' || name === 'generator';
}

/** As fast as is acknowledged; then until everything can be asked for. */
async function throughput(name: string, options: ClusterBenchOptions, bed: Bed): Promise<void> {
  const { clock, seconds } = options;
  const load = startOn(options, bed, 'max');
  await connected(options, load);
  await sleep(clock, warmMs);
  load.latencies.clear();
  const before = await look(options, bed);
  const sent = load.ledger.totals().acknowledged;
  await sleep(clock, seconds * 1_000);
  const during = await look(options, bed);
  const acknowledged = load.ledger.totals().acknowledged - sent;
  await load.finish(finishMsMax);
  load.close();
  const finishedAtMs = clock.monotonicMs();
  await bed.drained();
  const after = await look(options, bed);
  print(name, {
    acknowledgedPerSecond: round((acknowledged * 1_000) / (during.atMs - before.atMs)),
    puback: shares(load.latencies),
    behindAtEndMs: Math.round(after.atMs - finishedAtMs),
    ...spent(before, after),
    residentMegabytes: bed.residentMegabytes(),
  });
}

/** Workers find a backlog: how fast it goes, and at what cost, by their number. */
async function drain(
  options: ClusterBenchOptions,
  bed: ClusterBed,
  workers: number,
): Promise<void> {
  const { clock, backlog } = options;
  const load = startOn(options, bed, 'max');
  while (load.ledger.totals().acknowledged < backlog) await sleep(clock, 20);
  await load.finish(finishMsMax);
  load.close();
  await bed.forwarded();
  const before = await look(options, bed);
  for (let number = 0; number < workers; number++) await bed.cluster.add('ingest');
  const started = await look(options, bed);
  const messages = load.ledger.totals().acknowledged;
  const firstMs = await untilEnded(options, bed, before.ended + 1);
  await untilEnded(options, bed, before.ended + messages * perMessage);
  await bed.drained();
  const after = await look(options, bed);
  await bed.written();
  const written = await look(options, bed);
  print('workers', {
    workers,
    partitions,
    messages,
    startMs: Math.round(started.atMs - before.atMs),
    firstDecidedMs: Math.round(firstMs - started.atMs),
    drainMs: Math.round(after.atMs - started.atMs),
    writtenMs: Math.round(written.atMs - started.atMs),
    ...spent({ ...started, ended: before.ended }, after),
    residentMegabytes: bed.residentMegabytes(),
  });
}

/** Until so many measurements are decided; gives when that was seen. */
async function untilEnded(
  { clock }: ClusterBenchOptions,
  bed: Bed,
  measurements: number,
): Promise<number> {
  while ((await bed.ended()) < measurements) await sleep(clock, lookMs);
  return clock.monotonicMs();
}

async function latency(name: string, options: ClusterBenchOptions, bed: Bed): Promise<void> {
  const { clock, seconds, rate } = options;
  const load = startOn(options, bed, rate);
  await connected(options, load);
  await sleep(clock, warmMs);
  load.latencies.clear();
  const live = await watchLive(bed.api);
  const rest = watchRest(bed.api, bed.secrets[0]?.deviceId ?? '', 'air-temperature');
  const before = await look(options, bed);
  await sleep(clock, seconds * 1_000);
  const after = await look(options, bed);
  await Promise.all([live.stop(), rest.stop()]);
  await load.finish(finishMsMax);
  load.close();
  print(name, {
    rate,
    ack: options.ack,
    puback: shares(load.latencies),
    publishToSse: shares(live.latencies),
    publishToRest: shares(rest.latencies),
    ...spent(before, after),
    residentMegabytes: bed.residentMegabytes(),
    observationsPerMessage: perMessage,
  });
}
