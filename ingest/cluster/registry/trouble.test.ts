import { describe, expect, it, onTestFinished } from 'vitest';
import { wholeNetwork } from '../../../devices/registry/fixture.ts';
import { accepted } from '../../../devices/registry/under-test.ts';
import { createKafkaServer, type KafkaServer } from '../../log/kafka/memory.ts';
import { kafkaError } from '../../log/kafka/errors.ts';
import type { OutgoingRecord } from '../../log/kafka/kafka.ts';
import { createFastClock } from './clock.fixture.ts';
import {
  createFolders,
  ensureTopics,
  openTestNode,
  partitions,
  plainNames,
  type TestNode,
} from './nodes.fixture.ts';
import { recordToReading } from '../reading-record.ts';

const topic = plainNames.registry;

interface Ground {
  readonly server: KafkaServer;
  readonly open: (number: number) => Promise<TestNode>;
  readonly close: (node: TestNode) => Promise<void>;
  /** Writes into the topic as somebody else would. */
  readonly write: (records: readonly Partial<OutgoingRecord>[]) => Promise<void>;
}

async function openGround(): Promise<Ground> {
  const server = createKafkaServer();
  const folders = createFolders();
  const nodes = new Set<TestNode>();
  const clock = createFastClock();
  onTestFinished(async () => {
    for (const node of nodes) await node.close();
    folders.remove();
  });
  await ensureTopics(server.connect(), plainNames);
  return {
    server,
    async open(number) {
      const folder = folders.folder(String(number));
      const node = await openTestNode(server.connect(), plainNames, { number, folder, clock });
      nodes.add(node);
      return node;
    },
    async close(node) {
      nodes.delete(node);
      await node.close();
    },
    async write(records) {
      const producer = await server.connect().openProducer();
      const common = { topic, partition: 0, key: 'k', value: Buffer.from('{}') };
      await producer.send(records.map((record) => ({ ...common, ...record })));
    },
  };
}

const importNetwork = (node: TestNode) =>
  node.changes.change((writer) => accepted(writer.importFile(wholeNetwork(), 'ann')));

describe('a change, when Kafka', () => {
  it('does not answer, is refused by name, and is made nowhere', async () => {
    const { server, open } = await openGround();
    const node = await open(1);
    server.faults.open = () => 'before';
    await expect(importNetwork(node)).rejects.toMatchObject({
      code: 'CLUSTER_REGISTRY_AWAY',
      canRetry: true,
    });
    server.faults.open = () => 'none';
    expect((await importNetwork(node)).version).toBe(1);
  });

  it('answers writes but no reads, is refused by name, and is made nowhere', async () => {
    const { server, open } = await openGround();
    const node = await open(1);
    await open(2);
    server.faults.read = () => 'before';
    await expect(importNetwork(node)).rejects.toMatchObject({ code: 'CLUSTER_REGISTRY_AWAY' });
    server.faults.read = () => 'none';
    expect((await importNetwork(node)).version).toBe(1);
    expect(node.telemetry.value('quantrac_cluster_registry_read_failures_total')).toBeGreaterThan(
      0,
    );
  });

  it.each(['before', 'after'] as const)(
    'went away %s it wrote, is left open by name, and is seen when Kafka is back',
    async (fault) => {
      const { server, open } = await openGround();
      const node = await open(1);
      server.faults.commit = () => {
        server.faults.open = () => 'before';
        return fault;
      };
      await expect(importNetwork(node)).rejects.toMatchObject({
        code: 'CLUSTER_REGISTRY_UNCERTAIN',
        fields: { version: 1 },
        canRetry: true,
      });
      server.faults.commit = () => 'none';
      server.faults.open = () => 'none';
      const again = await importNetwork(node);
      expect(again).toMatchObject({ version: 1, changed: fault === 'before' });
    },
  );

  it('never says whether it wrote, is given up by name after a bounded number of tries', async () => {
    const { server, open } = await openGround();
    const node = await open(1);
    server.faults.commit = () => 'before';
    await expect(importNetwork(node)).rejects.toMatchObject({ code: 'CLUSTER_REGISTRY_BUSY' });
    expect(server.records(plainNames.readings, 0)).toEqual([]);
    expect(node.registry.refresh().version).toBe(0);
  });

  it('refuses it for ever, is refused with what Kafka says', async () => {
    const { server, open } = await openGround();
    const node = await open(1);
    server.faults.commit = () => {
      throw kafkaError('KAFKA_RECORD_TOO_LARGE');
    };
    await expect(importNetwork(node)).rejects.toMatchObject({ code: 'KAFKA_RECORD_TOO_LARGE' });
  });
});

describe('a marker', () => {
  it('stands in every partition, and is read there as the reading that it is', async () => {
    const { server, open } = await openGround();
    const node = await open(1);
    await importNetwork(node);
    await node.changes.change((writer) => writer.createToken({ role: 'reader', actor: 'ann' }));
    for (let partition = 0; partition < partitions; partition += 1) {
      const readings = server
        .records(plainNames.readings, partition)
        .map((record, at) => recordToReading(record, at));
      expect(readings).toMatchObject(
        [1, 2].map((version) => ({
          kind: 'registry',
          door: 'internal',
          payload: Buffer.from(JSON.stringify({ version })),
          origin: { node: 0, position: version, sequence: version },
        })),
      );
    }
  });
});

describe('a node stops following by name', () => {
  const head = (content: object) => ({ headers: { head: JSON.stringify(content) } });
  const chain = {
    previous: '',
    digest: 'd',
    id: 'i',
    ends: { history: 1, series: 1, credential: 1 },
  };
  const part = (version: number, more: object = {}) =>
    head({ format: 1, version, tables: 1, ...chain, bytes: 9, parts: 2, node: 1, ...more });

  it.each<[string, string, Partial<OutgoingRecord>[]]>([
    ['a newer format', 'CLUSTER_REGISTRY_NEWER', [head({ format: 2 })]],
    ['no head', 'CLUSTER_REGISTRY_BROKEN', [{}]],
    ['a head that is no JSON', 'CLUSTER_REGISTRY_BROKEN', [{ headers: { head: '{' } }]],
    [
      'a head of no version',
      'CLUSTER_REGISTRY_BROKEN',
      [{ key: 'version/2/0', ...head({ format: 1 }) }],
    ],
    ['no value', 'CLUSTER_REGISTRY_BROKEN', [{ value: null, ...head({ format: 1 }) }]],
    ['a key of another version', 'CLUSTER_REGISTRY_BROKEN', [{ key: 'version/3/0', ...part(2) }]],
    ['a part without the first', 'CLUSTER_REGISTRY_BROKEN', [{ key: 'version/2/1', ...part(2) }]],
    [
      'parts that make no whole',
      'CLUSTER_REGISTRY_BROKEN',
      [
        { key: 'version/2/0', ...part(2) },
        { key: 'version/2/1', ...part(2) },
      ],
    ],
    [
      'another identity',
      'CLUSTER_REGISTRY_OTHER',
      [
        {
          key: 'identity',
          value: Buffer.from('{"storeId":"x","partitions":3}'),
          ...head({ format: 1 }),
        },
      ],
    ],
  ])('at a record with %s', async (_what, code, records) => {
    const { open, write } = await openGround();
    const node = await open(1);
    await importNetwork(node);
    await write(records);
    await expect(importNetwork(node)).rejects.toMatchObject({ code });
    expect(node.failures).toMatchObject([{ code }]);
    expect(node.registry.current().version).toBe(1);
    await expect(importNetwork(node)).rejects.toMatchObject({ code });
  });

  it('where a version is missing', async () => {
    const { server, open, write } = await openGround();
    const node = await open(1);
    await importNetwork(node);
    const [record] = server.records(topic, 0).slice(-1);
    const headOf = JSON.parse(String(record?.headers['head'])) as object;
    await write([{ key: 'version/3/0', value: record!.value, ...head({ ...headOf, version: 3 }) }]);
    await expect(importNetwork(node)).rejects.toMatchObject({ code: 'DEVICES_COPY_DIFFERS' });
    expect(node.failures).toMatchObject([{ fields: { reason: 'versions are missing' } }]);
  });

  it('where its folder was used with another cluster', async () => {
    const folders = createFolders();
    onTestFinished(() => folders.remove());
    const openOn = async (server: KafkaServer) => {
      await ensureTopics(server.connect(), plainNames);
      return openTestNode(server.connect(), plainNames, { number: 1, folder: folders.folder('1') });
    };
    const node = await openOn(createKafkaServer());
    await importNetwork(node);
    await node.close();
    await expect(openOn(createKafkaServer())).rejects.toMatchObject({
      code: 'CLUSTER_REGISTRY_OTHER',
    });
  });
});

it('what is not of this version beside the versions is kept, and troubles nobody', async () => {
  const { open, write } = await openGround();
  const node = await open(1);
  await write([{ key: 'later/1', headers: { head: '{"format":1,"more":true}' } }]);
  await importNetwork(node);
  expect(node.copy.note('later/1')).toBe('{}');
});

it('each change is told of once, with how long it took', async () => {
  const { open, close } = await openGround();
  const node = await open(1);
  await importNetwork(node);
  await importNetwork(node);
  expect(node.telemetry.value('quantrac_cluster_registry_changes_total')).toBe(1);
  expect(node.telemetry.value('quantrac_cluster_registry_version')).toBe(1);
  await close(node);
  const again = await open(1);
  expect(again.telemetry.value('quantrac_cluster_registry_version')).toBe(1);
});
