/**
 * Devices that move between brokers under load: cut off in the middle of what they send, they come
 * back at the other one and send again what nobody acknowledged. Nothing may be lost or be visible
 * twice, whichever api or broker is asked, also by a follower that moves between the apis.
 */
import { connectAsync, type MqttClient } from 'mqtt';
import { sleep, type Clock } from '../../../devices/clock.ts';
import { openSystemClock } from '../../../devices/clock-system.ts';
import { createSeededRandom } from '../../../devices/random.ts';
import { readAnswer } from '../../load/answer.ts';
import { audit, type Audit } from '../../load/audit.ts';
import { loadChannels } from '../../load/network.ts';
import { startLoad } from '../../load/run.ts';
import { provisionLoad } from '../network.ts';
import { differences, type BookFigures } from './change-book.ts';
import { readCorrected, startCorrecting, type Corrected } from './corrections.ts';
import { endCursor, followPages, followStreams, readAll, type Follower } from './followers.ts';
import { apiOf, untilSettled, type ClusterBalance } from './measures.ts';
import { startCluster, type Cluster, type ClusterNode } from './world.ts';

export interface MoveOptions {
  readonly moves: number;
  readonly devices: number;
  /** Messages a second. */
  readonly rate: number;
  readonly seed: number;
  readonly logs?: string | undefined;
  readonly tell: (line: string) => void;
}

interface FollowerFigures extends BookFigures {
  readonly hops: number;
  readonly failures: number;
  /** Datastreams told otherwise than to who asked one api for everything at the end. */
  readonly different: number;
}

export interface MoveOutcome {
  readonly held: boolean;
  readonly figures: {
    readonly seed: number;
    readonly moves: number;
    readonly balance: ClusterBalance;
    readonly unacknowledged: number;
    /** Nodes that ended by themselves, with what they said. */
    readonly deaths: readonly string[];
    readonly audits: Readonly<Record<string, Audit>>;
    /** Observations that were sent again and again, on each api. */
    readonly corrected: readonly Corrected[];
    readonly followers: Readonly<Record<string, FollowerFigures>>;
    /** Datastreams of `open/v1/#` by who listened: all, and those that differ from `/latest`. */
    readonly open: Readonly<Record<string, { readonly topics: number; readonly wrong: number }>>;
  };
}

const moveEveryMs = 100;
const correctors = 3;
const settleMsMax = 60_000;
const levelMsMax = 60_000;

export async function runMove(options: MoveOptions): Promise<MoveOutcome> {
  const clock = openSystemClock();
  const random = createSeededRandom(options.seed);
  const cluster = await startCluster({
    clock,
    random,
    logs: options.logs,
    roles: ['api', 'broker', 'broker', 'ingest', 'ingest', 'api'],
  });
  const listeners: OpenListener[] = [];
  try {
    const apis = cluster.nodesOf('api').map(apiOf);
    const brokers = cluster.nodesOf('broker');
    const [first] = cluster.nodesOf('api');
    const all = await provisionLoad(first?.dataDir ?? '', options.devices + correctors);
    const secrets = all.slice(0, options.devices);
    const after = await endCursor(apis[0] ?? '');
    const following = { apis, after, clock, random };
    const followers = { pages: followPages(following), streams: followStreams(following) };
    for (const node of brokers) listeners.push(await listenOpen(node, `${node.name} all along`));
    const ports = brokers.map((node) => node.ports.mqttPort);
    const correcting = all
      .slice(options.devices)
      .map((secret) => startCorrecting({ secret, ports, clock, random }));
    const homes = secrets.map((_, device) => device % brokers.length);
    const load = startLoad({
      ...options,
      host: '127.0.0.1',
      clock,
      secrets,
      port: (device) => ports[homes[device] ?? 0] ?? 0,
      window: 20,
      qos2Share: 0.3,
      duplicateShare: 0.02,
    });
    for (let moves = 0; moves < options.moves; moves += 1) {
      await sleep(clock, moveEveryMs);
      const device = Math.floor(random.next() * secrets.length);
      homes[device] = ((homes[device] ?? 0) + 1) % brokers.length;
      load.cut(device);
    }
    await Promise.all(correcting.map((one) => one.stop()));
    const unacknowledged = await load.finish(30_000);
    load.close();
    const balance = await untilSettled(cluster, clock, settleMsMax);
    options.tell(`settled: ${JSON.stringify(balance)}`);
    for (const node of brokers) listeners.push(await listenOpen(node, `${node.name} at the end`));
    const told = await compareFollowers(apis, after, followers, clock);
    const { ledger, payloads } = load;
    const channels = new Map(loadChannels.map(([channel, property]) => [property, channel]));
    const audits: Record<string, Audit> = {};
    for (const node of cluster.nodesOf('api')) {
      audits[node.name] = await audit({ api: apiOf(node), ledger, payloads, channels });
    }
    const corrected: Corrected[] = [];
    for (const api of apis) {
      for (const one of correcting) corrected.push(await readCorrected(api, one));
    }
    const open = await compareOpen(cluster, listeners, clock);
    const { seed, moves } = options;
    const { deaths } = cluster;
    return judge({
      deaths,
      seed,
      moves,
      balance,
      unacknowledged,
      audits,
      corrected,
      followers: told,
      open,
    });
  } finally {
    for (const { client } of listeners) client.end(true);
    await cluster.close();
  }
}

/** Waits until both have come as far as the end, then compares all that they were told. */
async function compareFollowers(
  apis: readonly string[],
  after: string,
  followers: Readonly<Record<string, Follower>>,
  clock: Clock,
): Promise<Readonly<Record<string, FollowerFigures>>> {
  const whole = await readAll(apis[0] ?? '', after);
  const until = clock.monotonicMs() + levelMsMax;
  const isBehind = ({ book }: Follower): boolean => book.figures.changes < whole.figures.changes;
  while (Object.values(followers).some(isBehind) && clock.monotonicMs() < until) {
    await sleep(clock, 100);
  }
  const told: Record<string, FollowerFigures> = {};
  for (const [name, follower] of Object.entries(followers)) {
    await follower.stop();
    const { book, hops, failures } = follower;
    told[name] = { ...book.figures, hops, failures, different: differences(book, whole) };
  }
  for (const [at, api] of apis.entries()) {
    const book = await readAll(api, after);
    const different = differences(book, whole);
    told[`api ${at + 1}`] = { ...book.figures, hops: 0, failures: 0, different };
  }
  return told;
}

interface OpenListener {
  readonly name: string;
  readonly client: MqttClient;
  /** Newest payload by topic. */
  readonly newest: ReadonlyMap<string, string>;
}

async function listenOpen({ ports }: ClusterNode, name: string): Promise<OpenListener> {
  const newest = new Map<string, string>();
  const client = await connectAsync(`mqtt://127.0.0.1:${ports.mqttPort}`);
  client.on('message', (topic, payload) => void newest.set(topic, payload.toString()));
  await client.subscribeAsync('open/v1/#');
  return { name, client, newest };
}

interface LatestRow {
  readonly id: string;
  readonly station: string;
  readonly slug: string;
  readonly revision: number;
  readonly result: number | null;
}

async function compareOpen(
  cluster: Cluster,
  listeners: readonly OpenListener[],
  clock: Clock,
): Promise<MoveOutcome['figures']['open']> {
  const [api] = cluster.nodesOf('api');
  if (api === undefined) return {};
  const latest = await readLatest(apiOf(api));
  const isSame = (text: string | undefined, row: LatestRow): boolean => {
    const { id, revision, result } = JSON.parse(text ?? '{}') as Partial<LatestRow>;
    return id === row.id && revision === row.revision && result === row.result;
  };
  const wrongOf = ({ newest }: OpenListener): number =>
    latest.filter((row) => !isSame(newest.get(`open/v1/${row.station}/${row.slug}`), row)).length;
  const until = clock.monotonicMs() + levelMsMax;
  while (listeners.some((one) => wrongOf(one) > 0) && clock.monotonicMs() < until) {
    await sleep(clock, 250);
  }
  return Object.fromEntries(
    listeners.map((one) => [one.name, { topics: one.newest.size, wrong: wrongOf(one) }]),
  );
}

async function readLatest(api: string): Promise<readonly LatestRow[]> {
  const rows: LatestRow[] = [];
  let path: string | null = '/api/v1/latest?limit=1000';
  while (path !== null) {
    const page = JSON.parse(await readAnswer(api, path)) as {
      readonly items: readonly LatestRow[];
      readonly next: string | null;
    };
    rows.push(...page.items);
    path = page.next === null ? null : page.next.replace(/^https?:\/\/[^/]+/, '');
  }
  return rows;
}

function judge(figures: MoveOutcome['figures']): MoveOutcome {
  const { audits, followers, open, balance, unacknowledged, deaths } = figures;
  const lost = Object.values(audits).reduce(
    (sum, { missing, doubled, changed, invented }) => sum + missing + doubled + changed + invented,
    unacknowledged + deaths.length,
  );
  const toldWrong = Object.values(followers).reduce(
    (sum, { repeated, gaps, different }) => sum + repeated + gaps + different,
    0,
  );
  const correctedWrong = figures.corrected.filter(({ isRight }) => !isRight).length;
  const openWrong = Object.values(open).reduce((sum, { wrong }) => sum + wrong, 0);
  return { held: lost + toldWrong + correctedWrong + openWrong === 0 && balance.exact, figures };
}
