/** What is wrong at the start of a node: said by its key, and no reading is lost by it. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { sleep } from '../../../devices/clock.ts';
import { createRecordedTelemetry } from '../../../devices/telemetry-silent.ts';
import { kafkaConfigSchema } from '../../../ingest/log/kafka/config.ts';
import type { TopicSpecification } from '../../../ingest/log/kafka/kafka.ts';
import { openKafka } from '../../../ingest/log/kafka/open.ts';
import type { DeviceSecretOf } from '../../device.ts';
import { readAnswer } from '../../load/answer.ts';
import { loadChannels } from '../../load/network.ts';
import { provisionLoad } from '../network.ts';
import { publishDuring } from '../publish.fixture.ts';
import { runCommand } from '../server-process.ts';
import { sumOf } from './measures.ts';
import { clock, openScene, type Scene, type Spawned, type Started } from './lone-node.fixture.ts';

const { kafka, influx2, absent } = inject('realServers');
const brokers = kafka?.brokers ?? [];
const skipped = (isSkipped: boolean): string => (isSkipped ? absent : '');
const withoutKafka = kafka === undefined;
const withoutInflux = withoutKafka || influx2 === undefined;

/** Nothing listens on it: reserved, and nobody may (RFC 6335, 6). */
const nowhere = '127.0.0.1:1';

const lastSaid = ({ said }: Spawned): string => said.at(-1) ?? '';
const publishMs = 500;
const devices = 4;

/** So many readings as were acknowledged while the node ran. */
function publish({ server }: Started, secrets: readonly DeviceSecretOf[]): Promise<number> {
  const port = (): number => server.ports.mqttPort;
  return publishDuring({ port, secrets, rate: 100 }, () => sleep(clock, publishMs));
}

interface Row {
  readonly phenomenonTime: string;
  readonly receivedAt: string;
  readonly flag: number;
  readonly qualifiers: readonly string[];
}

/** Rows of one property: one for each reading. */
async function rowsOf({ server }: Started): Promise<readonly Row[]> {
  const api = `http://127.0.0.1:${server.ports.httpPort}`;
  const path = '/api/v1/observations?property=air-temperature&format=ndjson';
  const lines = (await readAnswer(api, path)).trimEnd().split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Row);
}

async function untilRows(node: Started, count: number): Promise<readonly Row[]> {
  for (;;) {
    const rows = await rowsOf(node);
    if (rows.length >= count) return rows;
    await sleep(clock, 50);
  }
}

describe('a role', () => {
  test.each([
    ['broker', ['--role', 'broker'], 'all; another role needs `cluster` (node and kafka.brokers)'],
    ['king', ['--role', 'king'], '\\"all\\", \\"broker\\", \\"ingest\\", \\"api\\"'],
  ])('%s that cannot be played is refused by its key', async (role, flags, accepted) => {
    const { code, stdout, stderr } = await runCommand(['run', '--data-dir', '/nowhere', ...flags]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`key: "role"`);
    expect(stderr).toContain(`value: "${role}"`);
    expect(stderr).toContain(accepted);
    expect(stderr).toContain('[START_CONFIG_INVALID]');
  });
});

describe.skipIf(withoutKafka)(
  `addresses of Kafka where nothing listens${skipped(withoutKafka)}`,
  () => {
    test('a node that was part of the cluster takes readings, and has them in the end', async () => {
      const scene = openScene(brokers);
      const first = await scene.start();
      const secrets = await provisionLoad(scene.dataDir, devices);
      const before = await publish(first, secrets);
      await untilRows(first, before);
      expect(await first.server.stop()).toBe(0);

      const alone = await scene.start({ kafka: { brokers: [nowhere] } });
      const { error } = await alone.logged(({ event }) => event === 'Kafka is awaited');
      expect(error).toMatchObject({ code: 'KAFKA_UNREACHABLE' });
      expect(JSON.stringify(error)).toContain('127.0.0.1:1');
      const meanwhile = await publish(alone, secrets);
      expect(meanwhile).toBeGreaterThan(0);
      expect(await rowsOf(alone)).toHaveLength(before);
      expect(await alone.server.stop()).toBe(0);

      const last = await scene.start();
      expect(await untilRows(last, before + meanwhile)).toHaveLength(before + meanwhile);
    });

    test.each(['broker', 'ingest', 'api'])(
      'a new node of role %s says so and waits, and ends when it is told to',
      async (role) => {
        const node = openScene(brokers).spawn({ role, kafka: { brokers: [nowhere] } });
        const { error } = await node.logged(({ event }) => event === 'Kafka is awaited');
        expect(error).toMatchObject({ code: 'KAFKA_UNREACHABLE' });
        expect(node.child.exitCode).toBeNull();
        node.child.kill('SIGTERM');
        expect(await node.gone).toBe(0);
      },
    );
  },
);

describe.skipIf(withoutInflux)(`an InfluxDB that refuses${skipped(withoutInflux)}`, () => {
  test.each([
    ['the token', { token: 'wrong' }, 'INFLUX_NOT_ALLOWED', 'cluster.influx.token'],
    ['the bucket', { bucket: 'of-nobody' }, 'INFLUX_BUCKET_MISSING', 'cluster.influx.bucket'],
  ])('%s is told, and all else works', async (_what, wrong, code, key) => {
    const scene = openScene(brokers);
    const measurement = scene.topicPrefix.replaceAll('-', '_').replace(/_$/, '');
    const influx = { ...influx2, measurement };
    const node = await scene.start({ influx: { ...influx, ...wrong } });
    const secrets = await provisionLoad(scene.dataDir, devices);
    const count = await publish(node, secrets);
    await untilRows(node, count);
    const { level, error } = await node.logged((line) => line.error?.code === code);
    expect({ level, key: error?.fields?.['key'] }).toEqual({ level: 'error', key });
    expect(await node.server.stop()).toBe(0);

    const mended = await scene.start({ influx });
    await untilStored(measurement, count);
    expect(await rowsOf(mended)).toHaveLength(count);
  });

  test('for want of a token ends the node by the key', async () => {
    const { url, org, bucket } = influx2 ?? {};
    const node = openScene(brokers).spawn({ influx: { url, org, bucket } });
    expect(await node.gone).toBe(2);
    expect(lastSaid(node)).toContain('[INFLUX_TOKEN_MISSING]');
  });
});

/** Until InfluxDB has so many values of one property. */
async function untilStored(measurement: string, count: number): Promise<void> {
  const { url = '', token, bucket = '' } = influx2 ?? {};
  const statement = `SELECT count("result") FROM "${measurement}" WHERE "property" = 'air-temperature'`;
  const address = `${url}/query?db=${bucket}&q=${encodeURIComponent(statement)}`;
  for (;;) {
    const answer = await fetch(address, { headers: { authorization: `Token ${token}` } });
    const { results } = (await answer.json()) as {
      readonly results: readonly { readonly series?: readonly { values: number[][] }[] }[];
    };
    if ((results[0]?.series?.[0]?.values[0]?.[1] ?? 0) >= count) return;
    await sleep(clock, 100);
  }
}

describe.skipIf(withoutKafka)(`a topic that is not as it must be${skipped(withoutKafka)}`, () => {
  const dayMs = 86_400_000;
  const right = {
    partitions: 2,
    replicationFactor: 1,
    minInsyncReplicas: 1,
    messageBytesMax: 8_388_608,
  };
  const readings = { cleanupPolicy: 'delete', retentionMs: 30 * dayMs } as const;
  const forEver = { cleanupPolicy: 'delete', retentionMs: -1 } as const;

  async function make(scene: Scene, topic: Omit<TopicSpecification, keyof typeof right>) {
    await makeTopic({ ...right, ...topic, topic: `${scene.topicPrefix}${topic.topic}` });
  }

  test.each([
    ['partitions', { topic: 'readings', ...readings, partitions: 1 }, { is: '1', mustBe: '2' }],
    [
      'cleanup.policy',
      { topic: 'readings', ...readings, cleanupPolicy: 'compact' as const },
      { is: '"compact"', mustBe: '"delete"' },
    ],
    ['cleanup.policy', { topic: 'registry', ...forEver }, { is: '"delete"', mustBe: '"compact"' }],
    [
      'retention.ms',
      { topic: 'readings', ...readings, retentionMs: dayMs },
      { is: '86400000', mustBe: '2592000000' },
    ],
    [
      'retention.ms',
      { topic: 'observations', ...forEver, retentionMs: 365 * dayMs },
      { is: '31536000000', mustBe: '-1' },
    ],
    [
      'max.message.bytes',
      { topic: 'observations', ...forEver, messageBytesMax: 1_048_576 },
      { is: '"1048576"', mustBe: '"8388608 or more"' },
    ],
  ])('ends the node by its %s', async (setting, topic, { is, mustBe }) => {
    const scene = openScene(brokers);
    await make(scene, topic.topic === 'registry' ? ({ ...topic, partitions: 1 } as never) : topic);
    const node = scene.spawn();
    expect(await node.gone).toBe(2);
    const told = `topic: "${scene.topicPrefix}${topic.topic}", setting: "${setting}", is: ${is}, mustBe: ${mustBe}`;
    expect(lastSaid(node)).toContain(told);
    expect(lastSaid(node)).toContain('[KAFKA_TOPIC_WRONG]');
  });

  test('or of which more copies are wanted than there are servers is told by the key', async () => {
    const node = openScene(brokers).spawn({ kafka: { replicationFactor: 9 } });
    const { error } = await node.logged(({ event }) => event === 'Kafka is awaited');
    expect(error).toMatchObject({
      code: 'KAFKA_SERVERS_TOO_FEW',
      fields: { key: 'cluster.kafka.replicationFactor', is: 9 },
    });
    expect(node.child.exitCode).toBeNull();
  });

  test('or that no one server could ever keep is refused by the key', async () => {
    const node = openScene(brokers).spawn({ kafka: { minInsyncReplicas: 2 } });
    expect(await node.gone).toBe(2);
    expect(lastSaid(node)).toContain('key: "cluster.kafka.minInsyncReplicas"');
    expect(lastSaid(node)).toContain('at most replicationFactor');
  });
});

async function makeTopic(specification: TopicSpecification): Promise<void> {
  const admin = openKafka({
    config: kafkaConfigSchema.parse({ brokers, replicationFactor: 1, minInsyncReplicas: 1 }),
    logger: createRecordedTelemetry().logger,
    clientId: 'bad-start',
    secrets: {},
    clock,
  });
  try {
    await admin.ensureTopics([specification]);
  } finally {
    await admin.close();
  }
}

describe.skipIf(withoutKafka)(`the clock of a node${skipped(withoutKafka)}`, () => {
  const hourMs = 3_600_000;
  const shift = (ms: number) => ({
    NODE_OPTIONS: `--import ${new URL('./shifted-clock.fixture.ts', import.meta.url).href}`,
    QUANTRAC_TEST_CLOCK_SHIFT_MS: String(ms),
  });

  /** As rows, or as entries of the quarantine, one for each of a reading's values. */
  test.each([
    ['an hour ahead', 1.1 * hourMs, 'rows'],
    ['an hour behind', -1.1 * hourMs, 'rows'],
    ['behind the start of the network', -Date.UTC(2010), 'quarantine'],
  ])('%s is told; readings are kept, none as newer than it is', async (_what, shiftMs, kept) => {
    const scene = openScene(brokers);
    const first = await scene.start();
    const secrets = await provisionLoad(scene.dataDir, devices);
    const before = await publish(first, secrets);
    await untilRows(first, before);
    expect(await first.server.stop()).toBe(0);

    const wrong = await scene.start({ environment: shift(shiftMs) });
    const told = await wrong.logged(({ event }) => event.startsWith('The clocks of this node'));
    expect(told.level).toBe('error');
    expect(Math.abs((told.aheadSeconds ?? 0) - shiftMs / 1_000)).toBeLessThan(10);
    const meanwhile = await publish(wrong, secrets);
    const rows = before + (kept === 'rows' ? meanwhile : 0);
    await untilSettled(wrong, before + meanwhile);
    expect(await untilRows(wrong, rows)).toHaveLength(rows);
    const quarantined = await metricOf(wrong, 'quantrac_ingest_quarantined_total');
    expect(quarantined).toBe(kept === 'rows' ? 0 : meanwhile * loadChannels.length);
    expect(await wrong.server.stop()).toBe(0);

    const mended = await scene.start();
    const after = await publish(mended, secrets);
    const shown = await untilRows(mended, rows + after);
    expect(shown).toHaveLength(rows + after);
    const newest = Math.max(...shown.map(({ phenomenonTime }) => Date.parse(phenomenonTime)));
    expect(newest).toBeLessThanOrEqual(clock.now());
    const doubted = shown.filter(({ qualifiers }) => qualifiers.includes('CLOCK'));
    expect(doubted).toHaveLength(shiftMs < 0 && kept === 'rows' ? meanwhile : 0);
  });
});

/** Until so many readings of devices have ended, however. */
async function untilSettled(node: Started, count: number): Promise<void> {
  const isOfDevice = (line: string): boolean => !line.includes('outcome="control"');
  while ((await metricOf(node, 'quantrac_readings_total', isOfDevice)) < count) {
    await sleep(clock, 50);
  }
}

async function metricOf(
  { server }: Started,
  name: string,
  isWanted?: (line: string) => boolean,
): Promise<number> {
  const text = await readAnswer(`http://127.0.0.1:${server.ports.httpPort}`, '/metrics');
  return sumOf([text], name, isWanted);
}

/** A node that took readings and was stopped, and a copy of its folder as it is then. */
async function copyStoppedNode() {
  const scene = openScene(brokers);
  const first = await scene.start();
  const secrets = await provisionLoad(scene.dataDir, devices);
  const before = await publish(first, secrets);
  await untilRows(first, before);
  expect(await first.server.stop()).toBe(0);
  const copied = join(scene.folder, 'copied');
  cpSync(scene.dataDir, copied, { recursive: true, filter: (path) => !path.endsWith('.sock') });
  return { scene, secrets, before, copied };
}

describe.skipIf(withoutKafka)(`a node number that is taken${skipped(withoutKafka)}`, () => {
  test('by another folder is refused by its key, and the first goes on', async () => {
    const scene = openScene(brokers);
    const first = await scene.start();
    const secrets = await provisionLoad(scene.dataDir, devices);
    const second = scene.spawn({ dataDir: join(scene.folder, 'other') });
    expect(await second.gone).toBe(2);
    expect(lastSaid(second)).toContain('key: "cluster.node", is: 1, accepted: "a number from 1');
    expect(lastSaid(second)).toContain('[CLUSTER_NODE_TAKEN]');
    const count = await publish(first, secrets);
    expect(await untilRows(first, count)).toHaveLength(count);
  });

  test('by an older copy of the folder is refused by name, and the newer one has all', async () => {
    const { scene, secrets, before, copied } = await copyStoppedNode();
    const newer = await scene.start();
    const more = await publish(newer, secrets);
    await untilRows(newer, before + more);
    expect(await newer.server.stop()).toBe(0);

    const older = scene.spawn({ dataDir: copied });
    expect(await older.gone).toBe(2);
    expect(lastSaid(older)).toContain('[FORWARD_LOG_SHORTENED]');

    const last = await scene.start();
    const after = await publish(last, secrets);
    expect(await untilRows(last, before + more + after)).toHaveLength(before + more + after);
  });

  test('by a copy of the folder ends the one that came first by name; the later one has all', async () => {
    const { scene, secrets, before, copied } = await copyStoppedNode();
    const again = await scene.start();
    const later = await scene.start({ dataDir: copied });
    expect(await again.gone).toBe(1);
    expect(lastSaid(again)).toContain('[CLUSTER_NODE_REPLACED]');
    const count = await publish(later, secrets);
    expect(await untilRows(later, before + count)).toHaveLength(before + count);
  });
});
