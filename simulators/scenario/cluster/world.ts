/** Real servers and nodes of ours, each its own process and data folder, to be killed and restarted. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../../devices/clock.ts';
import type { Random } from '../../../devices/random.ts';
import { startTogether, type Together } from '../../servers/together.ts';
import { spawnServer, type ServerPorts, type ServerProcess } from '../server-process.ts';

export type Role = 'all' | 'broker' | 'ingest' | 'api';

export interface ClusterOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly roles: readonly Role[];
  readonly kafkaNodes?: 1 | 3;
  /** Beside what reaches the servers; keys of the configuration. */
  readonly configuration?: Readonly<Record<string, unknown>>;
  /** Keys of `cluster` in the configuration. */
  readonly cluster?: Readonly<Record<string, unknown>>;
  readonly onLine?: (node: string, line: string) => void;
  /** Existing folder for what each node writes to standard error. */
  readonly logs?: string | undefined;
}

/** Of one node, beside those of all. */
export interface NodeSettings {
  /** Keys of the configuration. */
  readonly configuration?: Readonly<Record<string, unknown>>;
  /** Variables of its process. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Asked at each start. */
type ReadSettings = () => NodeSettings;

export interface ClusterNode {
  readonly name: string;
  readonly role: Role;
  readonly dataDir: string;
  /** Stay the same over restarts. */
  readonly ports: ServerPorts;
  readonly isUp: boolean;
  kill(): Promise<void>;
  /** Resolves once it listens; restarting one that is up does nothing. */
  start(): Promise<void>;
  stop(): Promise<number | null>;
  /** Process id; 0 while it is down. */
  readonly pid: number;
  /** How often it ended without being asked to, and the last line that it wrote then. */
  readonly deaths: readonly string[];
}

export interface Cluster {
  readonly servers: Together;
  readonly nodes: readonly ClusterNode[];
  nodesOf(role: Role): readonly ClusterNode[];
  /** Adds a node, running. */
  add(role: Role, settings?: ReadSettings): Promise<ClusterNode>;
  /** Of nodes that ended without being asked to. */
  readonly deaths: readonly string[];
  close(): Promise<void>;
}

/** Starts the servers, then the nodes one after another. Everything lies in one temporary folder. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { clock, random } = options;
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-cluster-'));
  const nodes: ClusterNode[] = [];
  let servers: Together | undefined;
  const close = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.kill()));
    await servers?.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const serversFolder = join(folder, 'servers');
    mkdirSync(serversFolder);
    servers = await startTogether({
      folder: serversFolder,
      environment: process.env,
      clock,
      random,
      servers: ['kafka', 'influx2'],
      kafkaNodes: options.kafkaNodes ?? 1,
    });
    const together = servers;
    const add = async (role: Role, settings?: ReadSettings): Promise<ClusterNode> => {
      const number = nodes.length + 1;
      const node = createNode(options, together, { role, number, folder, settings });
      nodes.push(node);
      await node.start();
      return node;
    };
    for (const role of options.roles) await add(role);
    return {
      servers,
      nodes,
      nodesOf: (role) => nodes.filter((node) => node.role === role || node.role === 'all'),
      add,
      get deaths() {
        return nodes.flatMap((node) => node.deaths);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

interface NodePlace {
  readonly role: Role;
  readonly number: number;
  readonly folder: string;
  readonly settings: ReadSettings | undefined;
}

function createNode(
  options: ClusterOptions,
  servers: Together,
  { role, number, folder, settings = () => ({}) }: NodePlace,
): ClusterNode {
  const name = `${role}-${number}`;
  const dataDir = join(folder, name);
  const config = join(folder, `${name}.json`);
  const deaths: string[] = [];
  let lastLine = '';
  let running: ServerProcess | undefined;
  let ports: ServerPorts = { mqttPort: 0, mqttWsPort: 0, httpPort: 0 };
  return {
    name,
    role,
    dataDir,
    get ports() {
      return ports;
    },
    get isUp() {
      return running !== undefined;
    },
    get pid() {
      return running?.pid ?? 0;
    },
    deaths,
    async kill() {
      const killed = running;
      running = undefined;
      await killed?.kill();
    },
    async start() {
      if (running !== undefined) return;
      const { configuration = {}, environment = {} } = settings();
      const whole = { ...configurationOf(options, servers, number), ...configuration };
      writeFileSync(config, JSON.stringify(whole), { mode: 0o600 });
      const spawned = spawnServer({
        dataDir,
        ports,
        environment,
        flags: ['--role', role, '--config', config],
        onLine: (line) => {
          lastLine = line;
          if (options.logs !== undefined) {
            appendFileSync(join(options.logs, `${name}.log`), `${line}\n`);
          }
          options.onLine?.(name, line);
        },
      });
      const started = await spawned.listening;
      running = started;
      ports = { ...ports, ...started.ports };
      void started.gone.then((code) => {
        if (running !== started) return;
        running = undefined;
        deaths.push(`${name} ended with ${code}: ${lastLine}`);
      });
    },
    async stop() {
      const stopped = running;
      running = undefined;
      return stopped === undefined ? null : stopped.stop();
    },
  };
}

function configurationOf(
  options: ClusterOptions,
  { addresses }: Together,
  node: number,
): Record<string, unknown> {
  const replicas = options.kafkaNodes === 3 ? 3 : 1;
  const { url, org, bucket, token } = addresses.influx2 ?? {};
  const kafka = {
    brokers: addresses.kafka?.brokers,
    replicationFactor: replicas,
    minInsyncReplicas: replicas === 3 ? 2 : 1,
  };
  const influx = { url, org, bucket, token };
  return { ...options.configuration, cluster: { node, kafka, influx, ...options.cluster } };
}
