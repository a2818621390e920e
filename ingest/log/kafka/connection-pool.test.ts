import { createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createRecordedTelemetry } from '../../../devices/telemetry-silent.ts';
import { createClient } from './client.ts';
import type { Cluster } from './connection-pool.ts';
import { kafkaConfigSchema } from './config.ts';
import { createFetchRecords } from './fetch-request.ts';
import { realKafka } from './real.fixture.ts';

function openCluster(brokers: readonly string[]): Cluster {
  const { logger } = createRecordedTelemetry();
  const config = kafkaConfigSchema.parse({ brokers, connectTimeoutMs: 60_000 });
  const client = createClient({ config, clientId: 'cluster-test', logger, secrets: {} });
  const cluster = client.openCluster();
  onTestFinished(() => cluster.disconnect());
  return cluster;
}

function outcomeOf(work: Promise<unknown>): Promise<'resolved' | 'rejected'> {
  return work.then(
    () => 'resolved',
    () => 'rejected',
  );
}

/** Takes connections, and says nothing to whoever comes. */
async function openSilentServer() {
  const connected = Promise.withResolvers<Socket>();
  const server = createServer((socket) => connected.resolve(socket.resume()));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return { broker: `127.0.0.1:${port}`, connected: connected.promise };
}

describe('connections that are given up', () => {
  it('end at once where the server says nothing, and none is opened any more', async () => {
    const { broker, connected } = await openSilentServer();
    const cluster = openCluster([broker]);
    const connecting = outcomeOf(cluster.connect());
    const socket = await connected;
    const closed = new Promise((resolve) => void socket.once('close', resolve));
    await cluster.disconnect();
    await closed;
    expect(await connecting).toBe('rejected');
    expect(await outcomeOf(cluster.connect())).toBe('rejected');
  });
});

const real = realKafka('cluster');

describe.skipIf(!real.isPresent)(`requests under way at a real Kafka${real.absent}`, () => {
  const heldMs = 20_000;

  async function askLong(cluster: Cluster) {
    await cluster.connect();
    await cluster.addMultipleTargetTopics(['__consumer_offsets']);
    const place = { topic: '__consumer_offsets', partition: 0 };
    const [server = ''] = Object.keys(cluster.findLeaderForPartitions(place.topic, [0]));
    const node = await cluster.findBroker({ nodeId: server });
    const [ends] = await cluster.fetchTopicsOffset([
      { topic: place.topic, partitions: [{ partition: 0 }], fromBeginning: false },
    ]);
    const offset = Number(ends?.partitions[0]?.offset);
    const ask = (waitMs: number) => createFetchRecords()(node, [{ ...place, offset }], waitMs);
    await ask(1);
    return { node, server, outcome: outcomeOf(ask(heldMs)) };
  }

  it('reject when the pool is closed', async () => {
    const cluster = openCluster(real.brokers);
    const { outcome } = await askLong(cluster);
    await cluster.disconnect();
    expect(await outcome).toBe('rejected');
  });

  it('reject when their server is given up, which is reached again when it is asked for', async () => {
    const cluster = openCluster(real.brokers);
    const { node, server, outcome } = await askLong(cluster);
    cluster.removeBroker(node.connectionPool);
    expect(await outcome).toBe('rejected');
    await cluster.refreshMetadata();
    await cluster.findBroker({ nodeId: server });
  });
});
