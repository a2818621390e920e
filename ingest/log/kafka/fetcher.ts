/**
 * Reads partitions from offsets of our choosing. One request at a time to each server asks for all
 * partitions that it leads and that have room for more, and waits there for what is new: so
 * hundreds of partitions cost one connection, and memory is bounded by what is asked for.
 */
import type Cluster from 'kafkajs/src/cluster/index.js';
import { type FetchedPartition } from 'kafkajs/src/cluster/index.js';
import Batch from 'kafkajs/src/consumer/batch.js';
import { sleep, type Clock } from '../../../devices/clock.ts';
import type { KafkaConfig } from './config.ts';
import { kafkaError } from './errors.ts';
import type { KafkaRecord, Offset, PartitionEnds, PartitionReader } from './kafka.ts';
import { kafkaErrorOf } from './errors-of.ts';
import { partitionEnds } from './partition-ends.ts';
import { createPartitionQueue, type PartitionQueue } from './partition-queue.ts';

export interface FetcherParts {
  readonly clock: Clock;
  readonly config: Pick<KafkaConfig, 'fetchWaitMs' | 'readAheadBytesMax'>;
  readonly openCluster: () => Cluster;
}

export interface Fetcher {
  openReader(topic: string, partition: number, offset: Offset): PartitionReader;
  close(): Promise<void>;
}

/** Of one answer, all partitions together. */
const answerBytesMax = 16_777_216;
/** Of one partition in an answer; the server gives one record even where that is larger. */
const partitionBytesMax = 1_048_576;
const pauseMsMin = 100;
const pauseMsMax = 2_000;
const committedOnly = 1;
const isConsumer = -1;

/** What the loops have in common. */
interface Fetching {
  readonly parts: FetcherParts;
  readonly queues: Set<PartitionQueue>;
  /** One for each server that leads something wanted. */
  readonly loops: Map<string, Promise<void>>;
  readonly turns: { next: number };
  cluster: Cluster | undefined;
  isClosed: boolean;
  /** Resolves when there may be something to ask for. */
  stirred: PromiseWithResolvers<void>;
  pauseMs: number;
  ruling: Promise<void> | undefined;
}

export function createFetcher(parts: FetcherParts): Fetcher {
  const fetching: Fetching = {
    parts,
    queues: new Set(),
    loops: new Map(),
    turns: { next: 1 },
    cluster: undefined,
    isClosed: false,
    stirred: Promise.withResolvers(),
    pauseMs: pauseMsMin,
    ruling: undefined,
  };
  const { queues } = fetching;
  return {
    openReader(topic, partition, offset) {
      const queue = createPartitionQueue({
        topic,
        partition,
        offset,
        bytesMax: parts.config.readAheadBytesMax,
        now: () => parts.clock.now(),
        stir: () => stir(fetching),
        closed: () => {
          queues.delete(queue);
          stir(fetching);
        },
      });
      queues.add(queue);
      fetching.ruling ??= rule(fetching);
      stir(fetching);
      return queue.reader;
    },
    async close() {
      fetching.isClosed = true;
      for (const queue of queues) queue.reader.close();
      stir(fetching);
      await disconnect(fetching);
      await Promise.all([...fetching.loops.values(), fetching.ruling]);
    },
  };
}

function stir(fetching: Fetching): void {
  fetching.stirred.resolve();
  fetching.stirred = Promise.withResolvers();
}

function wanting({ queues }: Fetching): PartitionQueue[] {
  return [...queues].filter((queue) => queue.wantsMore);
}

/** Starts a loop for each server that leads something wanted; ends when nothing is open. */
async function rule(fetching: Fetching): Promise<void> {
  const { parts, loops, queues } = fetching;
  while (!fetching.isClosed && queues.size > 0) {
    const wanted = wanting(fetching).filter((queue) => !queue.isAsked);
    if (wanted.length === 0) {
      await fetching.stirred.promise;
      continue;
    }
    try {
      const cluster = await connection(fetching);
      await prepare(cluster, wanted);
      for (const [server, led] of byLeader(cluster, wanted)) {
        for (const queue of led) queue.server = server;
        if (!loops.has(server)) start(fetching, server);
      }
      fetching.pauseMs = pauseMsMin;
      await Promise.race([fetching.stirred.promise, sleep(parts.clock, parts.config.fetchWaitMs)]);
    } catch (error) {
      await rest(fetching, wanted, error);
    }
  }
  // In the same turn: a reader that is opened next begins anew.
  fetching.ruling = undefined;
}

function start(fetching: Fetching, server: string): void {
  const loop = ask(fetching, server).finally(() => {
    fetching.loops.delete(server);
    stir(fetching);
  });
  fetching.loops.set(server, loop);
}

/** Asks one server again and again, until it leads nothing that is wanted. */
async function ask(fetching: Fetching, server: string): Promise<void> {
  const { turns, parts } = fetching;
  while (!fetching.isClosed && fetching.cluster !== undefined) {
    const led = wanting(fetching).filter((queue) => queue.server === server);
    if (led.length === 0) return;
    for (const queue of led) queue.isAsked = true;
    try {
      await fetchFor(fetching.cluster, server, led, { turns, waitMs: parts.config.fetchWaitMs });
      fetching.pauseMs = pauseMsMin;
    } catch (error) {
      await rest(fetching, led, error);
      return;
    } finally {
      for (const queue of led) queue.isAsked = false;
    }
  }
}

/** Tells those who wait, and gives the servers time; what changed there is asked anew. */
async function rest(
  fetching: Fetching,
  concerned: readonly PartitionQueue[],
  error: unknown,
): Promise<void> {
  if (fetching.isClosed) return;
  await tellWhy(fetching, concerned, error);
  for (const queue of concerned) queue.server = undefined;
  await disconnect(fetching);
  await sleep(fetching.parts.clock, fetching.pauseMs);
  fetching.pauseMs = Math.min(fetching.pauseMs * 2, pauseMsMax);
}

/** An offset that is gone concerns one partition; which one, the servers' ends tell. */
async function tellWhy(
  { cluster }: Fetching,
  concerned: readonly PartitionQueue[],
  error: unknown,
): Promise<void> {
  if ((error as { type?: string }).type !== 'OFFSET_OUT_OF_RANGE' || cluster === undefined) {
    for (const queue of concerned) queue.fail(kafkaErrorOf(error, { topic: queue.topic }));
    return;
  }
  // Where the ends are not to be had either, the next request says the same again.
  const ends = await endsOf(cluster, concerned).catch(() => undefined);
  for (const queue of concerned) {
    const { topic, partition, asks: next } = queue;
    const { start: oldest, end } = ends?.get(queue) ?? { start: 0, end: next };
    if (next >= oldest && next <= end) continue;
    const fields = { topic, partition, next, start: oldest, end };
    queue.fail(kafkaError('KAFKA_OFFSET_GONE', fields), true);
  }
}

async function connection(fetching: Fetching): Promise<Cluster> {
  if (fetching.cluster === undefined) {
    const opened = fetching.parts.openCluster();
    await opened.connect();
    fetching.cluster = opened;
  }
  return fetching.cluster;
}

async function disconnect(fetching: Fetching): Promise<void> {
  const old = fetching.cluster;
  fetching.cluster = undefined;
  // It is given up: whether it closes in order is of no interest.
  await old?.disconnect().catch(() => undefined);
}

async function prepare(cluster: Cluster, wanted: readonly PartitionQueue[]): Promise<void> {
  await cluster.addMultipleTargetTopics([...new Set(wanted.map(({ topic }) => topic))]);
  await cluster.refreshMetadataIfNecessary();
}

function byLeader(
  cluster: Cluster,
  wanted: readonly PartitionQueue[],
): Map<string, PartitionQueue[]> {
  const led = new Map<string, PartitionQueue[]>();
  for (const queue of wanted) {
    const leaders = cluster.findLeaderForPartitions(queue.topic, [queue.partition]);
    const [server] = Object.keys(leaders);
    if (server === undefined || Number(server) < 0) {
      const { topic, partition } = queue;
      throw kafkaError('KAFKA_UNREACHABLE', { topic, partition, reason: 'no leader' });
    }
    const known = led.get(server);
    if (known === undefined) led.set(server, [queue]);
    else known.push(queue);
  }
  return led;
}

async function fetchFor(
  cluster: Cluster,
  server: string,
  led: readonly PartitionQueue[],
  { turns, waitMs }: { readonly turns: { next: number }; readonly waitMs: number },
): Promise<void> {
  const connection = await cluster.findBroker({ nodeId: server });
  const asked = oneOfEachPartition(led);
  let served = 0;
  for (const { queues } of asked.values()) {
    served += queues.length;
    for (const queue of queues) queue.askedAt = turns.next++;
  }
  const { responses } = await connection.fetch({
    replicaId: isConsumer,
    isolationLevel: committedOnly,
    // Whoever was left out is asked for next: nobody waits for news meanwhile.
    maxWaitTime: served < led.length ? briefWaitMs : waitMs,
    minBytes: 1,
    maxBytes: answerBytesMax,
    topics: [...asked.values()].map(({ topic, partition, offset }) => ({
      topic,
      partitions: [{ partition, fetchOffset: String(offset), maxBytes: partitionBytesMax }],
    })),
  });
  for (const { topicName, partitions } of responses) {
    for (const answer of partitions) {
      const { queues = [], offset = 0 } = asked.get(`${topicName} ${answer.partition}`) ?? {};
      for (const queue of queues) {
        // A reader that was moved while the request was under way wants another offset.
        if (offset === queue.asks) take(queue, answer, offset);
      }
    }
  }
}

/** While somebody else wants the same partition. */
const briefWaitMs = 5;

interface Asked {
  readonly topic: string;
  readonly partition: number;
  readonly offset: Offset;
  readonly queues: PartitionQueue[];
}

/** A request names a partition once: of several readers the one that has waited longest asks. */
function oneOfEachPartition(led: readonly PartitionQueue[]): Map<string, Asked> {
  const asked = new Map<string, Asked>();
  for (const queue of led) {
    const { topic, partition, asks: offset } = queue;
    const name = `${topic} ${partition}`;
    const known = asked.get(name);
    if (known?.offset === offset) known.queues.push(queue);
    else if (known === undefined || queue.askedAt < (known.queues[0]?.askedAt ?? 0)) {
      asked.set(name, { topic, partition, offset, queues: [queue] });
    }
  }
  return asked;
}

/** Gives the committed records of an answer to the one who reads the partition. */
function take(queue: PartitionQueue, answer: FetchedPartition, offset: Offset): void {
  const { messages, messagesWithinOffset } = new Batch(queue.topic, String(offset), answer);
  const records: KafkaRecord[] = messages.map((message) => ({
    offset: Number(message.offset),
    key: message.key,
    value: message.value,
    headers: message.headers as KafkaRecord['headers'],
  }));
  const last = messagesWithinOffset.at(-1);
  let next = last === undefined ? offset : Number(last.offset) + 1;
  // Records that compaction removed: nothing of the answer lies at the offset or behind it.
  if (last === undefined && answer.messages.length > 0) next = offset + 1;
  const ends = { stable: Number(answer.lastStableOffset), high: Number(answer.highWatermark) };
  queue.take(records, next, ends);
}

async function endsOf(
  cluster: Cluster,
  queues: readonly PartitionQueue[],
): Promise<Map<PartitionQueue, PartitionEnds>> {
  const ends = new Map<PartitionQueue, PartitionEnds>();
  for (const queue of queues) {
    const [found] = await partitionEnds(cluster, queue.topic, [queue.partition]);
    if (found !== undefined) ends.set(queue, found);
  }
  return ends;
}
