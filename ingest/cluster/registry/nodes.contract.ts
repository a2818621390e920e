import { describe, expect, it, onTestFinished } from 'vitest';
import { openSystemClock } from '../../../devices/clock-system.ts';
import { sleep } from '../../../devices/clock.ts';
import { createSeededRandom } from '../../../devices/random.ts';
import { wholeNetwork } from '../../../devices/registry/fixture.ts';
import { accepted } from '../../../devices/registry/under-test.ts';
import type { Kafka } from '../../log/kafka/kafka.ts';
import {
  createFolders,
  ensureTopics,
  messageBytesMax,
  openTestNode,
  partitions,
  type ClusterNames,
  type TestNode,
  type TestNodeOptions,
} from './nodes.fixture.ts';

/** One cluster on one server; each node is a client of its own. */
export interface ClusterUnderTest {
  readonly connect: () => Kafka;
  readonly names: ClusterNames;
}

interface TestCluster extends ClusterUnderTest {
  /** Node of this number, in the folder of this name; closed when the test ends. */
  open(
    number: number,
    more?: Partial<TestNodeOptions> & { readonly name?: string },
  ): Promise<TestNode>;
}

/** Of every record of the topic. */
async function valueSizes(kafka: Kafka, topic: string): Promise<number[]> {
  const sizes: number[] = [];
  const [ends] = await kafka.ends(topic);
  const reader = kafka.openReader(topic, 0, 0);
  while (reader.next < (ends?.end ?? 0)) {
    for (const { value } of await reader.read(messageBytesMax)) sizes.push(value?.length ?? 0);
    await Promise.race([reader.wait(), sleep(openSystemClock(), 50)]);
  }
  reader.close();
  await kafka.close();
  return sizes;
}

/** What the registry of a cluster promises its nodes, whatever plays Kafka. */
export function nodesContract(makeCluster: () => ClusterUnderTest): void {
  async function start(): Promise<TestCluster> {
    const cluster = makeCluster();
    const folders = createFolders();
    const closers: (() => Promise<void>)[] = [];
    onTestFinished(async () => {
      for (const close of closers.toReversed()) await close();
      folders.remove();
    });
    const connect = (): Kafka => {
      const kafka = cluster.connect();
      closers.push(() => kafka.close());
      return kafka;
    };
    await ensureTopics(connect(), cluster.names);
    return {
      ...cluster,
      async open(number, more = {}) {
        const folder = folders.folder(more.name ?? `node-${number}`);
        const node = await openTestNode(connect(), cluster.names, { number, folder, ...more });
        let isOpen = true;
        const close = async (): Promise<void> => {
          if (isOpen) await node.close();
          isOpen = false;
        };
        closers.push(close);
        return { ...node, close };
      },
    };
  }

  const importFile = (node: TestNode, content: unknown) =>
    node.changes.change((writer) => accepted(writer.importFile(content, 'ann')));
  const owner = (code: string) => ({
    format: 'quantrac-registry/1',
    owners: [{ ...wholeNetwork().owners[0], code }],
  });

  describe('a node', () => {
    it('that begins with an empty folder has every version when it is open', async () => {
      const cluster = await start();
      const one = await cluster.open(1);
      await importFile(one, wholeNetwork());
      for (const code of ['B', 'C', 'D']) await importFile(one, owner(code));
      const fresh = await cluster.open(2);
      fresh.registry.refresh();
      expect(fresh.told.at(-1)).toBe(4);
      expect(fresh.registry.exportFile()).toEqual(one.registry.exportFile());
      expect(fresh.registry.history()).toEqual(one.registry.history());
      for (const version of [0, 1, 2, 3, 4]) {
        expect(fresh.copy.digestAt(version)).toBe(one.copy.digestAt(version));
        expect(fresh.registry.at(version).owners).toEqual(one.registry.at(version).owners);
      }
    });

    it('that was away takes what it missed, and nothing twice', async () => {
      const cluster = await start();
      const one = await cluster.open(1);
      await importFile(one, wholeNetwork());
      const away = await cluster.open(2);
      await away.close();
      await importFile(one, owner('B'));
      await one.changes.change((writer) => writer.revoke('logger-1', 'ann'));
      await importFile(one, owner('C'));
      const back = await cluster.open(2);
      back.registry.refresh();
      expect(back.registry.current().owners.get('ministry')?.code).toBe('C');
      expect(back.registry.history()).toEqual(one.registry.history());
      expect(back.told).not.toContain(1);
    });

    it('takes a version whole that is larger than a message', async () => {
      const cluster = await start();
      const [one, other] = [await cluster.open(1), await cluster.open(2)];
      await importFile(one, wholeNetwork());
      const random = createSeededRandom(1);
      const devices = Array.from({ length: 20_000 }, (_none, at) => ({
        id: `logger-of-many-${at}`,
        owner: 'plant',
        clientId: Buffer.from(random.bytes(48)).toString('base64url'),
      }));
      await importFile(one, { format: 'quantrac-registry/1', devices });
      await other.holds(2);
      expect(other.registry.current().devices.size).toBe(20_004);
      expect(other.copy.digestAt(2)).toBe(one.copy.digestAt(2));
      const sizes = await valueSizes(cluster.connect(), cluster.names.registry);
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThan(messageBytesMax);
      expect(Math.max(...sizes)).toBeLessThan(messageBytesMax);
    });
  });

  describe('the number of a node', () => {
    it('belongs to one data folder: another is refused by name, and sends nothing', async () => {
      const cluster = await start();
      await cluster.open(7);
      const claim = { node: 7, logId: 'another', session: 't', host: 'there' };
      await expect(cluster.open(7, { name: 'another', claim })).rejects.toMatchObject({
        code: 'CLUSTER_NODE_TAKEN',
        fields: { key: 'cluster.node', is: 7, host: 'here' },
      });
      const next = await cluster.open(8, { name: 'another' });
      expect(next.failures).toEqual([]);
    });

    it('is taken over by the next process of the same folder; the earlier one stops by name', async () => {
      const cluster = await start();
      const claimOf = (session: string) => ({ node: 7, logId: 'log', session, host: 'here' });
      const earlier = await cluster.open(7, { claim: claimOf('first') });
      const later = await cluster.open(7, { name: 'copy of it', claim: claimOf('second') });
      const change = earlier.changes.change((writer) => writer.importFile(wholeNetwork(), 'ann'));
      await expect(change).rejects.toMatchObject({ code: 'CLUSTER_NODE_REPLACED' });
      expect(earlier.failures).toMatchObject([
        { code: 'CLUSTER_NODE_REPLACED', fields: { node: 7, host: 'here' } },
      ]);
      await importFile(later, wholeNetwork());
      await later.close();
      const again = await cluster.open(7, { name: 'copy of it', claim: claimOf('third') });
      expect(again.failures).toEqual([]);
    });
  });

  describe('the identity of a cluster', () => {
    it('is what the first node proposed, also for nodes that begin at once', async () => {
      const cluster = await start();
      const nodes = await Promise.all([1, 2, 3, 4].map((number) => cluster.open(number)));
      const identities = nodes.map(({ node }) => node.identity);
      expect(new Set(identities.map(({ storeId }) => storeId)).size).toBe(1);
      const late = await cluster.open(5);
      expect(late.node.identity).toEqual(identities[0]);
      expect(late.node.identity.partitions).toBe(partitions);
    });

    it('fixes the number of partitions: another is refused by name', async () => {
      const cluster = await start();
      await cluster.open(1);
      const proposed = { storeId: 'x', partitions: partitions + 1 };
      await expect(cluster.open(2, { proposed })).rejects.toMatchObject({
        code: 'CLUSTER_PARTITIONS_FIXED',
        fields: { key: 'cluster.partitions', is: partitions + 1, accepted: partitions },
      });
    });
  });
}
