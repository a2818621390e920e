/**
 * What an operator does on one node, and how soon the others do it too: a device's credential or a
 * token that is revoked, and a device that is new. Times count from when the command was begun, its
 * own start included.
 */
import { sleep, type Clock } from '../../../devices/clock.ts';
import { openSystemClock } from '../../../devices/clock-system.ts';
import { createSeededRandom } from '../../../devices/random.ts';
import type { DeviceSecretOf } from '../../device.ts';
import { loadRegistryFile } from '../../load/network.ts';
import { percentile } from '../kill.ts';
import { provision, provisionLoad } from '../network.ts';
import { runCommand } from '../server-process.ts';
import { apiOf } from './measures.ts';
import { openSession } from './session.ts';
import { startCluster, type Cluster, type ClusterNode } from './world.ts';

export interface RevokeOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly logs?: string | undefined;
  readonly tell: (line: string) => void;
}

interface Times {
  readonly p50: number;
  readonly max: number;
}

export interface RevokeOutcome {
  readonly held: boolean;
  readonly figures: {
    readonly seed: number;
    readonly rounds: number;
    /** The command itself, from its start to its answer. */
    readonly commandMs: Times;
    /** The last new connection that was let in was begun then, by broker. */
    readonly letInMs: Readonly<Record<string, Times>>;
    /** The connection that was there is cut, by broker. */
    readonly cutMs: Readonly<Record<string, Times>>;
    /** The token is refused, by api. */
    readonly tokenMs: Readonly<Record<string, Times>>;
    /** A new device is let in, by broker. */
    readonly knownMs: Readonly<Record<string, Times>>;
    readonly broken: readonly string[];
  };
}

const withinMs = 5_000;
const giveUpMs = 30_000;
const lookMs = 20;
const tryEveryMs = 40;
/** After so long without one that was let in, none will be: a broker may take its time to say no. */
const refusedMs = 1_500;

interface Ground {
  readonly clock: Clock;
  /** Where the commands are given. */
  readonly api: ClusterNode;
  readonly brokers: readonly ClusterNode[];
  readonly apis: readonly ClusterNode[];
}

type Found = Record<'command' | 'letIn' | 'cut' | 'token' | 'known', Map<string, number[]>>;

export async function runRevoke(options: RevokeOptions): Promise<RevokeOutcome> {
  const clock = openSystemClock();
  const cluster = await startCluster({
    clock,
    random: createSeededRandom(options.seed),
    logs: options.logs,
    roles: ['api', 'broker', 'broker', 'ingest', 'api'],
  });
  try {
    const found: Found = {
      command: new Map(),
      letIn: new Map(),
      cut: new Map(),
      token: new Map(),
      known: new Map(),
    };
    const ground = groundOf(cluster, clock);
    const secrets = await provisionLoad(ground.api.dataDir, options.rounds);
    for (const [round, secret] of secrets.entries()) {
      await revokeDevice(ground, secret, found);
      await revokeToken(ground, found);
      await addDevice(ground, options.rounds + round + 1, found);
      options.tell(`round ${round + 1} of ${options.rounds}`);
    }
    const { seed, rounds } = options;
    return judge({ seed, rounds }, found);
  } finally {
    await cluster.close();
  }
}

function groundOf(cluster: Cluster, clock: Clock): Ground {
  const apis = cluster.nodesOf('api');
  const [api] = apis;
  if (api === undefined) throw new Error('a cluster without api takes no commands');
  return { clock, api, apis, brokers: cluster.nodesOf('broker') };
}

async function revokeDevice(ground: Ground, secret: DeviceSecretOf, found: Found): Promise<void> {
  const { clock, brokers } = ground;
  const sessions = await Promise.all(
    brokers.map(async (node) => {
      await untilLetIn(ground, node, secret);
      const session = await openSession(node.ports.mqttPort, secret);
      if (session === undefined) throw new Error(`${node.name} does not let ${secret.deviceId} in`);
      return { node, session };
    }),
  );
  const sinceMs = clock.monotonicMs();
  const note = (map: Map<string, number[]>, name: string): void =>
    void listOf(map, name).push(clock.monotonicMs() - sinceMs);
  const revoking = command(ground, ['token', 'revoke', secret.deviceId], found);
  const cuts = sessions.map(async ({ node, session }) => {
    await Promise.race([session.closed, sleep(clock, giveUpMs)]);
    note(found.cut, node.name);
    session.close();
  });
  // With an id of their own: the same one would take over the connection that is to be cut.
  const other = { ...secret, clientId: `${secret.clientId}-other` };
  const refusals = brokers.map(async (node) => {
    const tries = tryAgainAndAgain(clock, node, other);
    await revoking;
    await Promise.race([tries.refused, sleep(clock, giveUpMs)]);
    listOf(found.letIn, node.name).push(Math.max(0, tries.letInMs - sinceMs));
    tries.stop();
  });
  await Promise.all([revoking, ...cuts, ...refusals]);
}

interface Tries {
  /** When the last connection was begun that was let in; −Infinity before the first. */
  readonly letInMs: number;
  readonly letIn: Promise<void>;
  /** Resolves when none was let in for a while. */
  readonly refused: Promise<void>;
  stop(): void;
}

/** New connections, one every few milliseconds, whatever becomes of those before. */
function tryAgainAndAgain(clock: Clock, node: ClusterNode, secret: DeviceSecretOf): Tries {
  const stopping = new AbortController();
  const { signal } = stopping;
  const [letIn, refused] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const startMs = clock.monotonicMs();
  let letInMs = Number.NEGATIVE_INFINITY;
  const attempt = async (): Promise<void> => {
    const begunMs = clock.monotonicMs();
    const session = await openSession(node.ports.mqttPort, secret, signal);
    if (session === undefined) return;
    session.close();
    letInMs = Math.max(letInMs, begunMs);
    letIn.resolve();
  };
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      void attempt();
      await sleep(clock, tryEveryMs);
      if (clock.monotonicMs() - Math.max(letInMs, startMs) > refusedMs) refused.resolve();
    }
  };
  void run();
  return {
    get letInMs() {
      return letInMs;
    },
    letIn: letIn.promise,
    refused: refused.promise,
    stop: () => stopping.abort(),
  };
}

/** The broker may learn of the device a moment later. */
async function untilLetIn(
  { clock }: Ground,
  node: ClusterNode,
  secret: DeviceSecretOf,
): Promise<void> {
  const tries = tryAgainAndAgain(clock, node, secret);
  await Promise.race([tries.letIn, sleep(clock, giveUpMs)]);
  tries.stop();
}

async function revokeToken(ground: Ground, found: Found): Promise<void> {
  const { clock, apis } = ground;
  const created = await command(ground, ['token', 'create', '--role', 'operator'], found);
  const { id, secret } = JSON.parse(created) as { readonly id: string; readonly secret: string };
  await Promise.all(apis.map((node) => untilStatus(clock, node, secret, 200)));
  const sinceMs = clock.monotonicMs();
  await Promise.all([
    command(ground, ['token', 'revoke', id], found),
    ...apis.map(async (node) => {
      await untilStatus(clock, node, secret, 401);
      listOf(found.token, node.name).push(clock.monotonicMs() - sinceMs);
    }),
  ]);
}

async function untilStatus(
  clock: Clock,
  node: ClusterNode,
  secret: string,
  wanted: number,
): Promise<void> {
  const until = clock.monotonicMs() + giveUpMs;
  for (;;) {
    const { status } = await fetch(`${apiOf(node)}/api/v1/latest?station=load-00001`, {
      headers: { authorization: `Bearer ${secret}` },
    });
    if (status === wanted || clock.monotonicMs() > until) return;
    await sleep(clock, lookMs);
  }
}

/** One device more; the others are in the file too, and keep their secrets. */
async function addDevice(ground: Ground, count: number, found: Found): Promise<void> {
  const { clock, api, brokers } = ground;
  const sinceMs = clock.monotonicMs();
  const secrets = await provision(api.dataDir, loadRegistryFile(count, 1_000), { rotate: false });
  const added = secrets.at(-1);
  if (added === undefined) throw new Error('nothing was provisioned');
  await Promise.all(
    brokers.map(async (node) => {
      await untilLetIn(ground, node, added);
      listOf(found.known, node.name).push(clock.monotonicMs() - sinceMs);
    }),
  );
}

/** What the command wrote. */
async function command(
  { clock, api }: Ground,
  words: readonly string[],
  found: Found,
): Promise<string> {
  const sinceMs = clock.monotonicMs();
  const { code, stdout, stderr } = await runCommand([...words, '--data-dir', api.dataDir]);
  if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}: ${stderr}`);
  listOf(found.command, 'all').push(clock.monotonicMs() - sinceMs);
  return stdout;
}

function listOf(map: Map<string, number[]>, name: string): number[] {
  const list = map.get(name) ?? [];
  map.set(name, list);
  return list;
}

function judge(
  run: { readonly seed: number; readonly rounds: number },
  found: Found,
): RevokeOutcome {
  const timesOf = (list: readonly number[]): Times => {
    const ascending = list.toSorted((a, b) => a - b);
    return { p50: Math.round(percentile(ascending, 0.5)), max: Math.round(ascending.at(-1) ?? 0) };
  };
  const byNode = (map: Map<string, number[]>): Readonly<Record<string, Times>> =>
    Object.fromEntries([...map].map(([name, list]) => [name, timesOf(list)]));
  const waits = {
    letInMs: byNode(found.letIn),
    cutMs: byNode(found.cut),
    tokenMs: byNode(found.token),
    knownMs: byNode(found.known),
  };
  const commandMs = timesOf(found.command.get('all') ?? []);
  // All waits are counted from before a command is started.
  const broken = Object.entries(waits).flatMap(([what, nodes]) =>
    Object.entries(nodes)
      .filter(([, { max }]) => max > withinMs + commandMs.max)
      .map(([name, { max }]) => `${what} ${name}: ${max} ms`),
  );
  return { held: broken.length === 0, figures: { ...run, commandMs, ...waits, broken } };
}
