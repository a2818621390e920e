/**
 * Which server leads a partition. What is known holds until a server says otherwise or does not
 * answer; then Kafka is asked anew before the next question is answered.
 */
import type Cluster from 'kafkajs/src/cluster/index.js';
import type { NodeConnection } from 'kafkajs/src/cluster/index.js';
import type { Connections } from './connections.ts';
import type { PartitionEnds } from './kafka.ts';
import { partitionEnds } from './partition-ends.ts';

export interface Place {
  readonly topic: string;
  readonly partition: number;
}

export interface Leaders {
  /** Servers in the order of the places; undefined where a partition has none now. */
  find(places: readonly Place[]): Promise<(string | undefined)[]>;
  connectTo(server: string): Promise<ServerConnection>;
  endsOf(place: Place): Promise<PartitionEnds | undefined>;
  doubt(): void;
}

export interface ServerConnection {
  readonly node: NodeConnection;
  /** It does not answer: what is under way there is ended. */
  readonly giveUp: () => void;
}

export function createLeaders(connections: Connections): Leaders {
  let isInDoubt = false;

  async function refresh(cluster: Cluster): Promise<void> {
    isInDoubt = false;
    try {
      await cluster.refreshMetadata();
    } catch (error) {
      isInDoubt = true;
      throw error;
    }
  }

  return {
    async find(places) {
      const cluster = await connections.opened();
      await cluster.addMultipleTargetTopics([...new Set(places.map(({ topic }) => topic))]);
      if (isInDoubt) await refresh(cluster);
      const servers = places.map((place) => leaderOf(cluster, place));
      if (servers.includes(undefined)) isInDoubt = true;
      return servers;
    },
    async connectTo(server) {
      const cluster = await connections.opened();
      const node = await cluster.findBroker({ nodeId: server });
      return { node, giveUp: () => cluster.removeBroker(node.connectionPool) };
    },
    async endsOf({ topic, partition }) {
      const [ends] = await partitionEnds(await connections.opened(), topic, [partition]);
      return ends;
    },
    doubt() {
      isInDoubt = true;
    },
  };
}

function leaderOf(cluster: Cluster, { topic, partition }: Place): string | undefined {
  const [server] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]));
  return server === undefined || Number(server) < 0 ? undefined : server;
}
