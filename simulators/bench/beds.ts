/**
 * What a bench measures on: one machine with one process, or a cluster of them with its servers. Both
 * are looked at in the same way, so that their figures stand beside each other.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep, type Clock } from '../../devices/clock.ts';
import { createSeededRandom } from '../../devices/random.ts';
import type { DeviceSecretOf } from '../device.ts';
import { readBalance } from '../load/balance.ts';
import { apiOf, readClusterBalance, readMetrics, sumOf } from '../scenario/cluster/measures.ts';
import { startCluster, type Cluster, type Role } from '../scenario/cluster/world.ts';
import { provisionLoad } from '../scenario/network.ts';
import { startServerProcess } from '../scenario/server-process.ts';
import { cpuSeconds, residentMegabytes } from './process-figures.ts';

export interface Bed {
  readonly secrets: readonly DeviceSecretOf[];
  /** Base address of the reading API. */
  readonly api: string;
  /** Of a broker, in turn. */
  mqttPort(): number;
  /** CPU seconds so far, by what it is: processes of ours by role, each server. */
  cpuSeconds(): Readonly<Record<string, number>>;
  /** Resident megabytes of each process, by its name. */
  residentMegabytes(): Readonly<Record<string, { readonly now: number; readonly peak: number }>>;
  /** Measurements decided and durable so far. */
  ended(): Promise<number>;
  /** Resolves once everything taken in is decided, and every api and broker shows it. */
  drained(): Promise<void>;
}

export interface ClusterBed extends Bed {
  readonly cluster: Cluster;
  /** Resolves once Kafka has everything that brokers took in. */
  forwarded(): Promise<void>;
  /** Resolves once InfluxDB holds everything that was decided. */
  written(): Promise<void>;
}

export interface BedOptions {
  readonly clock: Clock;
  readonly devices: number;
  readonly seed: number;
}

/** Each look at the metrics costs the measured processes some ten milliseconds of CPU. */
export const lookMs = 300;

/** Of the cluster, as configured where nothing is said. */
export const partitions = 12;

export async function withMachine<Result>(
  { clock, devices }: BedOptions,
  work: (bed: Bed) => Promise<Result>,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-bench-'));
  const dataDir = join(folder, 'data');
  const secrets = await provisionLoad(dataDir, devices);
  const server = await startServerProcess({ dataDir });
  const api = `http://127.0.0.1:${server.ports.httpPort}`;
  try {
    return await work({
      secrets,
      api,
      mqttPort: () => server.ports.mqttPort,
      cpuSeconds: () => ({ machine: cpuSeconds(server.pid) }),
      residentMegabytes: () => ({ machine: residentMegabytes(server.pid) }),
      ended: async () => (await readBalance(api)).measurementsEnded,
      async drained() {
        while ((await readBalance(api)).readingsInFlight > 0) await sleep(clock, lookMs);
      },
    });
  } finally {
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface ClusterBedOptions extends BedOptions {
  readonly brokers: number;
  readonly workers: number;
  readonly apis: number;
  readonly ack: 'local' | 'replicated';
}

export async function withCluster<Result>(
  options: ClusterBedOptions,
  work: (bed: ClusterBed) => Promise<Result>,
): Promise<Result> {
  const { clock, devices, seed, ack } = options;
  const cluster = await startCluster({
    clock,
    random: createSeededRandom(seed),
    roles: [
      ...rolesOf('api', options.apis),
      ...rolesOf('broker', options.brokers),
      ...rolesOf('ingest', options.workers),
    ],
    cluster: { ack },
  });
  try {
    const [api] = cluster.nodesOf('api');
    const brokers = cluster.nodesOf('broker');
    const secrets = await provisionLoad(api?.dataDir ?? '', devices);
    if (options.workers > 0) await partitionsOpen(cluster, clock);
    let turn = 0;
    return await work({
      secrets,
      cluster,
      api: apiOf(api!),
      mqttPort: () => brokers[turn++ % brokers.length]!.ports.mqttPort,
      cpuSeconds: () => cpuByRole(cluster),
      residentMegabytes: () =>
        Object.fromEntries(cluster.nodes.map(({ name, pid }) => [name, residentMegabytes(pid)])),
      ended: async () => (await readClusterBalance(cluster)).measurementsEnded,
      drained: () => untilNothing(cluster, clock, untilShown),
      forwarded: () => untilNothing(cluster, clock, ['quantrac_forward_waiting_readings']),
      written: () => untilNothing(cluster, clock, ['quantrac_influx_behind_records']),
    });
  } finally {
    await cluster.close();
  }
}

function rolesOf(role: Role, count: number): Role[] {
  return Array.from({ length: count }, () => role);
}

/** Every partition has settled the marker of the registry's first version. */
async function partitionsOpen(cluster: Cluster, clock: Clock): Promise<void> {
  const isControl = (line: string): boolean => line.includes('outcome="control"');
  for (;;) {
    const texts = await readMetrics(cluster);
    if (sumOf(texts, 'quantrac_readings_total', isControl) >= partitions) return;
    await sleep(clock, lookMs);
  }
}

const untilShown = ['quantrac_readings_in_flight', 'quantrac_copy_lag_offsets'];

/** Gauges are told a little later than what they are of: nothing counts when it is seen twice. */
async function untilNothing(
  cluster: Cluster,
  clock: Clock,
  gauges: readonly string[],
): Promise<void> {
  for (let seen = 0; seen < 2;) {
    const texts = await readMetrics(cluster);
    seen = gauges.every((gauge) => sumOf(texts, gauge) === 0) ? seen + 1 : 0;
    await sleep(clock, lookMs);
  }
}

function cpuByRole({ nodes, servers }: Cluster): Record<string, number> {
  const seconds: Record<string, number> = {};
  for (const { role, pid } of nodes) seconds[role] = (seconds[role] ?? 0) + cpuSeconds(pid);
  return {
    ...seconds,
    kafka: servers.kafka?.cpuSeconds() ?? 0,
    influx: servers.influx2?.cpuSeconds() ?? 0,
  };
}
