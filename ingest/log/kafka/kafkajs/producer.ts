/** Sending with acks=all; one call at a time, so that the order in a partition is that of the calls. */
import type {
  IHeaders,
  PartitionerArgs,
  Producer as KafkaJsProducer,
  TopicMessages,
} from 'kafkajs';
import type { Producer, OutgoingRecord } from '../kafka.ts';
import type { Client } from './client.ts';
import { kafkaErrorOf } from './errors-of.ts';

const allReplicas = -1;

/**
 * After an error the producer is made anew: its sequence numbers may no longer be the server's. What
 * was stored before the error is then sent again by whoever asked; records say themselves which of
 * them came before.
 */
export function createProducer({ kafkajs }: Client, requestTimeoutMs: number): Producer {
  let connected: Promise<KafkaJsProducer> | undefined;

  async function connect(): Promise<KafkaJsProducer> {
    const producer = kafkajs.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: () => givenPartition,
      retry: { retries: 3 },
    });
    await producer.connect();
    return producer;
  }

  async function drop(): Promise<void> {
    const old = connected;
    connected = undefined;
    // It is of no more use: that it cannot even be closed in order changes nothing.
    await old?.then((producer) => producer.disconnect()).catch(() => undefined);
  }

  return {
    async send(records) {
      try {
        connected ??= connect();
        const producer = await connected;
        const topicMessages = messagesOf(records);
        await producer.sendBatch({ topicMessages, acks: allReplicas, timeout: requestTimeoutMs });
      } catch (error) {
        await drop();
        throw kafkaErrorOf(error);
      }
    },
    close: drop,
  };
}

/** Every record says its partition itself. */
export function givenPartition({ message }: PartitionerArgs): number {
  return message.partition ?? 0;
}

/** By topic, each record with its partition. */
export function messagesOf(records: readonly OutgoingRecord[]): TopicMessages[] {
  const topics = new Map<string, TopicMessages>();
  for (const { topic, partition, key, value, headers } of records) {
    let found = topics.get(topic);
    if (found === undefined) {
      found = { topic, messages: [] };
      topics.set(topic, found);
    }
    const message = { partition, key, value };
    found.messages.push(
      headers === undefined ? message : { ...message, headers: headers as IHeaders },
    );
  }
  return [...topics.values()];
}
