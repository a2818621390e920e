/**
 * Two brokers, two workers, two apis against the real servers, under load, with one of ours killed
 * with -9 at random every few seconds. The ledger outside knows what was acknowledged; at the end
 * each api must have all of it once, and the balance of all nodes together be exact.
 */
import { sleep, type Clock } from '../../../devices/clock.ts';
import { openSystemClock } from '../../../devices/clock-system.ts';
import { createSeededRandom, type Random } from '../../../devices/random.ts';
import { audit, type Audit } from '../../load/audit.ts';
import { loadChannels } from '../../load/network.ts';
import { startLoad } from '../../load/run.ts';
import { provisionLoad } from '../network.ts';
import { apiOf, untilSettled, type ClusterBalance } from './measures.ts';
import { startCluster, type Cluster } from './world.ts';

export interface ClusterKillsOptions {
  readonly seconds: number;
  readonly devices: number;
  /** Messages a second. */
  readonly rate: number;
  /** Between two kills. */
  readonly everyMs: number;
  readonly seed: number;
  readonly kafkaNodes: 1 | 3;
  /** Existing folder for what each node writes to standard error. */
  readonly logs?: string | undefined;
  readonly tell: (line: string) => void;
}

export interface ClusterKillsOutcome {
  readonly kills: Readonly<Record<string, number>>;
  readonly audits: Readonly<Record<string, Audit>>;
  readonly balance: ClusterBalance;
  readonly unacknowledged: number;
  /** Nodes that ended without being killed, with what they said. */
  readonly deaths: readonly string[];
  /** Kill → listening again, ascending, milliseconds. */
  readonly restartMs: readonly number[];
  /** Errors and defects that nodes wrote, by event. */
  readonly errors: Readonly<Record<string, number>>;
  readonly settleMs: number;
}

const settleMsMax = 60_000;
/** How long a killed node stays away: at least, and spread over. */
const awayMsMin = 100;
const awayMsSpread = 3_000;

export async function runClusterKills(options: ClusterKillsOptions): Promise<ClusterKillsOutcome> {
  const clock = openSystemClock();
  const random = createSeededRandom(options.seed);
  const errors: Record<string, number> = {};
  const cluster = await startCluster({
    clock,
    random,
    kafkaNodes: options.kafkaNodes,
    logs: options.logs,
    roles: ['api', 'broker', 'broker', 'ingest', 'ingest', 'api'],
    onLine: (_node, line) => countErrors(errors, line),
  });
  try {
    const [api] = cluster.nodesOf('api');
    const secrets = await provisionLoad(api?.dataDir ?? '', options.devices);
    const load = startLoad({
      host: '127.0.0.1',
      clock,
      seed: options.seed,
      secrets,
      rate: options.rate,
      port: brokerPorts(cluster, random),
      window: 20,
      qos2Share: 0.1,
      duplicateShare: 0.02,
    });
    const nemesis = await killAtRandom(cluster, random, clock, options);
    for (const node of cluster.nodes) await node.start();
    const unacknowledged = await load.finish(30_000);
    load.close();
    const sinceMs = clock.monotonicMs();
    const balance = await untilSettled(cluster, clock, settleMsMax);
    const settleMs = clock.monotonicMs() - sinceMs;
    options.tell(`settled in ${Math.round(settleMs)} ms: ${JSON.stringify(balance)}`);
    const audits: Record<string, Audit> = {};
    const channels = new Map(loadChannels.map(([channel, property]) => [property, channel]));
    for (const node of cluster.nodesOf('api')) {
      const { ledger, payloads } = load;
      audits[node.name] = await audit({ api: apiOf(node), ledger, payloads, channels });
    }
    const { deaths } = cluster;
    return { ...nemesis, audits, balance, unacknowledged, deaths, errors, settleMs };
  } finally {
    await cluster.close();
  }
}

/** Each connection goes to one of the brokers, as through a balancer. */
function brokerPorts(cluster: Cluster, random: Random): () => number {
  const brokers = cluster.nodesOf('broker');
  return () => brokers[Math.floor(random.next() * brokers.length)]?.ports.mqttPort ?? 0;
}

async function killAtRandom(
  cluster: Cluster,
  random: Random,
  clock: Clock,
  { seconds, everyMs, tell }: ClusterKillsOptions,
): Promise<Pick<ClusterKillsOutcome, 'kills' | 'restartMs'>> {
  const kills: Record<string, number> = {};
  const restartMs: number[] = [];
  const until = clock.monotonicMs() + seconds * 1_000;
  const restarts: Promise<void>[] = [];
  while (clock.monotonicMs() < until) {
    await sleep(clock, everyMs);
    const up = cluster.nodes.filter(({ isUp }) => isUp);
    const node = up[Math.floor(random.next() * up.length)];
    if (node === undefined) continue;
    await node.kill();
    kills[node.name] = (kills[node.name] ?? 0) + 1;
    tell(`killed ${node.name}`);
    restarts.push(
      sleep(clock, awayMsMin + random.next() * awayMsSpread).then(async () => {
        const sinceMs = clock.monotonicMs();
        await node.start();
        restartMs.push(clock.monotonicMs() - sinceMs);
      }),
    );
  }
  await Promise.all(restarts);
  return { kills, restartMs: restartMs.sort((a, b) => a - b) };
}

function countErrors(errors: Record<string, number>, line: string): void {
  if (!line.includes('"level":"error"')) return;
  const { event } = JSON.parse(line) as { readonly event: string };
  errors[event] = (errors[event] ?? 0) + 1;
}
