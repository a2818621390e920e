/** The two that the day is played into: a server on one machine, and a cluster. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep, type Clock } from '../../../devices/clock.ts';
import { createSeededRandom } from '../../../devices/random.ts';
import { readAnswer } from '../../load/answer.ts';
import { readBalance } from '../../load/balance.ts';
import { startServerProcess } from '../server-process.ts';
import { apiOf, readMetrics, sumOf, untilSettled } from './measures.ts';
import { startCluster } from './world.ts';

export interface Platform {
  readonly name: string;
  /** Where the registry is changed. */
  readonly dataDir: string;
  /** Base address of each reading API. */
  readonly apis: readonly string[];
  /** Folders that hold all observations. */
  readonly copies: readonly string[];
  /** Folders of workers, which hold the views by which they decide. */
  readonly workers: readonly string[];
  /** All devices of a station are given the same one. */
  mqttPortOf(station: string): number;
  /** Resolves once everything taken in is decided and shown. */
  settled(): Promise<void>;
  /** What became of it: measurements and readings by outcome. */
  ended(): Promise<Readonly<Record<string, number>>>;
  /** Ends its processes in order; the folders stay. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

/** A batch that is committed is shown so soon. */
const shownMs = 500;
const settleMsMax = 120_000;

export async function startMachine(clock: Clock): Promise<Platform> {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-day-'));
  const dataDir = join(folder, 'data');
  const server = await startServerProcess({ dataDir });
  const api = `http://127.0.0.1:${server.ports.httpPort}`;
  return {
    name: 'one machine',
    dataDir,
    apis: [api],
    copies: [dataDir],
    workers: [],
    mqttPortOf: () => server.ports.mqttPort,
    async settled() {
      while ((await readBalance(api)).readingsInFlight > 0) await sleep(clock, 100);
      await sleep(clock, shownMs);
    },
    ended: async () => outcomesOf([await readAnswer(api, '/metrics')]),
    async stop() {
      await server.stop();
    },
    async close() {
      await server.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface NetworkOptions {
  readonly clock: Clock;
  readonly seed: number;
  readonly apis: number;
  /** Existing folder for what each node writes to standard error. */
  readonly logs: string | undefined;
}

export async function startNetwork(options: NetworkOptions): Promise<Platform> {
  const { clock, seed, apis, logs } = options;
  const further = Array.from({ length: apis - 1 }, () => 'api' as const);
  const cluster = await startCluster({
    clock,
    random: createSeededRandom(seed),
    logs,
    roles: ['api', 'broker', 'broker', 'ingest', 'ingest', ...further],
  });
  const nodes = cluster.nodesOf('api');
  const brokers = cluster.nodesOf('broker');
  return {
    name: 'cluster',
    dataDir: nodes[0]!.dataDir,
    apis: nodes.map(apiOf),
    copies: [...nodes, ...brokers].map(({ dataDir }) => dataDir),
    workers: cluster.nodesOf('ingest').map(({ dataDir }) => dataDir),
    mqttPortOf: (station) => brokers[numberOf(station) % brokers.length]!.ports.mqttPort,
    async settled() {
      const balance = await untilSettled(cluster, clock, settleMsMax);
      if (!balance.exact || balance.readingsInFlight > 0)
        throw new Error(`the cluster does not settle: ${JSON.stringify(balance)}`);
      await sleep(clock, shownMs);
    },
    ended: async () => outcomesOf(await readMetrics(cluster)),
    async stop() {
      for (const node of cluster.nodes) await node.stop();
    },
    close: () => cluster.close(),
  };
}

function numberOf(station: string): number {
  return Number(station.replace(/\D/g, ''));
}

const measurements = ['stored', 'duplicate', 'revision', 'quarantined'] as const;

/** Without control readings: markers of the registry are one on a machine, one a partition beyond. */
function outcomesOf(texts: readonly string[]): Readonly<Record<string, number>> {
  const of = (name: string, outcome: string): number =>
    sumOf(texts, name, (line) => line.includes(`outcome="${outcome}"`));
  const counted = measurements.map((outcome) => [
    `measurements ${outcome}`,
    of('quantrac_measurements_total', outcome),
  ]);
  return {
    ...(Object.fromEntries(counted) as Record<string, number>),
    'readings settled': of('quantrac_readings_total', 'settled'),
    'readings quarantined': of('quantrac_readings_total', 'quarantined'),
  };
}
