/** Connections to Kafka that are opened when they are first asked for, and anew once they were dropped. */
import type Cluster from 'kafkajs/src/cluster/index.js';
import { kafkaError } from './errors.ts';

export interface Connections {
  /** Rejects where no server is reached; after `close` always. */
  readonly opened: () => Promise<Cluster>;
  /** Ends what is under way; the next to ask opens others. */
  readonly drop: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export function createConnections(openCluster: () => Cluster): Connections {
  let current: { readonly cluster: Cluster; readonly connected: Promise<Cluster> } | undefined;
  let isClosed = false;

  async function drop(): Promise<void> {
    const old = current?.cluster;
    current = undefined;
    // It is given up: whether it closes in order is of no interest.
    await old?.disconnect().catch(() => undefined);
  }

  return {
    async opened() {
      if (isClosed) throw kafkaError('KAFKA_UNREACHABLE', { reason: 'closed by this process' });
      if (current === undefined) {
        const cluster = openCluster();
        current = { cluster, connected: cluster.connect().then(() => cluster) };
      }
      return current.connected;
    },
    drop,
    async close() {
      isClosed = true;
      await drop();
    },
  };
}
