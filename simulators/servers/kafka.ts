/** Kafka 4.1 as child processes: one node, or three that replicate to each other (KRaft, no ZooKeeper). */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { controlTogether, startChild, type ServerChild, type ServerControl } from './child.ts';
import { installKafka } from './install.ts';
import { runStep } from './install-step.ts';
import { readMetadata, untilKafkaServes } from './kafka-probe.ts';
import { choosePorts } from './ports.ts';
import type { StartOptions } from './start-options.ts';

export interface KafkaOptions extends StartOptions {
  /** 1 when absent. */
  readonly nodes?: 1 | 3;
}

/** All nodes together, and each alone. */
export interface Kafka extends ServerControl {
  /** `host:port` of each node. */
  readonly brokers: readonly string[];
  readonly pids: readonly number[];
  readonly nodes: readonly ServerChild[];
}

interface KafkaNode {
  readonly number: number;
  readonly folder: string;
  readonly port: number;
  readonly controllerPort: number;
}

/** Resolves once every node sees all of them, and coordinators of groups and transactions are there. */
export async function startKafka(options: KafkaOptions): Promise<Kafka> {
  const jars = await installKafka(options);
  const nodes = await planNodes(options);
  const brokers = nodes.map(({ port }) => `127.0.0.1:${port}`);
  const clusterId = Buffer.from(options.random.bytes(16)).toString('base64url');
  await Promise.all(nodes.map((node) => formatNode(options, jars, nodes, { node, clusterId })));
  const children = await allOrNone(nodes.map((node) => startNode(options, jars, node)));
  const together = controlTogether(children);
  const whole = (): Promise<void> => untilKafkaServes(options.clock, brokers);
  try {
    await whole();
  } catch (error) {
    await together.kill();
    throw error;
  }
  return {
    ...together,
    brokers,
    nodes: children,
    get pids() {
      return children.map(({ pid }) => pid);
    },
    async restart() {
      await together.restart();
      await whole();
    },
  };
}

async function planNodes({ folder, random, ports, nodes = 1 }: KafkaOptions): Promise<KafkaNode[]> {
  const chosen = await choosePorts(random, 2 * nodes);
  return Array.from({ length: nodes }, (_, place) => ({
    number: place + 1,
    folder: join(folder, `node-${place + 1}`),
    port: ports?.[place] ?? chosen[place] ?? 0,
    controllerPort: chosen[nodes + place] ?? 0,
  }));
}

/** Writes a node's settings and makes its folder one of this cluster. */
async function formatNode(
  { environment }: KafkaOptions,
  jars: string,
  nodes: readonly KafkaNode[],
  { node, clusterId }: { readonly node: KafkaNode; readonly clusterId: string },
): Promise<void> {
  mkdirSync(node.folder);
  writeFileSync(join(node.folder, 'server.properties'), settingsOf(node, nodes));
  writeFileSync(join(node.folder, 'log4j2.properties'), logging);
  await runStep({
    command: 'java',
    words: [
      ...javaWords(jars),
      'kafka.tools.StorageTool',
      'format',
      // One word: an id may begin with a hyphen.
      `--cluster-id=${clusterId}`,
      '--config',
      'server.properties',
    ],
    folder: node.folder,
    environment,
  });
}

function startNode(options: KafkaOptions, jars: string, node: KafkaNode): Promise<ServerChild> {
  const { folder, number, port } = node;
  return startChild({
    name: `Kafka, node ${number}`,
    command: 'java',
    words: [...javaWords(jars), 'kafka.Kafka', 'server.properties'],
    folder,
    environment: options.environment,
    logFile: join(folder, 'kafka.log'),
    clock: options.clock,
    life: options.life ?? 'attached',
    onSpawn: options.onSpawn,
    async answers() {
      const { nodes, controller } = await readMetadata(`127.0.0.1:${port}`);
      return controller > 0 && nodes.includes(number);
    },
  });
}

/** The most that a node's heap takes; what it has besides is the page cache's. */
const javaWords = (jars: string): readonly string[] => [
  '-Xmx512m',
  '-XX:+ExitOnOutOfMemoryError',
  '-Dlog4j2.configurationFile=log4j2.properties',
  '-cp',
  join(jars, '*'),
];

const logging = `status = error
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %p %c{1} %m%n
`;

/** https://kafka.apache.org/41/configuration/broker-configs/ */
function settingsOf(node: KafkaNode, nodes: readonly KafkaNode[]): string {
  const settings = {
    ...clusterSettings(nodes.length),
    'process.roles': 'broker,controller',
    'node.id': node.number,
    'controller.quorum.voters': nodes
      .map(({ number, controllerPort }) => `${number}@127.0.0.1:${controllerPort}`)
      .join(','),
    listeners: `PLAINTEXT://127.0.0.1:${node.port},CONTROLLER://127.0.0.1:${node.controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${node.port}`,
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(node.folder, 'data'),
  };
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

/** What holds for a cluster of so many nodes wherever they run. */
export function clusterSettings(
  nodes: number,
): Readonly<Record<string, string | number | boolean>> {
  const copiesMin = Math.min(2, nodes);
  return {
    'auto.create.topics.enable': false,
    'default.replication.factor': nodes,
    'min.insync.replicas': copiesMin,
    'offsets.topic.replication.factor': nodes,
    'transaction.state.log.replication.factor': nodes,
    'transaction.state.log.min.isr': copiesMin,
    // Enough for tests; 50 each, the server's own, make every start and every election longer.
    'offsets.topic.num.partitions': 8,
    'transaction.state.log.num.partitions': 8,
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 2_000,
    // A killed node is missed, and may come back, after so long; the server's own is 9 s.
    'broker.session.timeout.ms': 4_000,
    'broker.heartbeat.interval.ms': 1_000,
    // The server's own is a quarter of the heap.
    'log.cleaner.dedupe.buffer.size': 16 * 2 ** 20,
  };
}

/** All of them, or none when one fails. */
async function allOrNone(starting: readonly Promise<ServerChild>[]): Promise<ServerChild[]> {
  const settled = await Promise.allSettled(starting);
  const children = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = settled.find((one) => one.status === 'rejected');
  if (failed === undefined) return children;
  await controlTogether(children).kill();
  throw failed.reason;
}
