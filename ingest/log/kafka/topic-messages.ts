/** Records as kafkajs' own producer, which makes the transactions, wants them. */
import type { IHeaders, PartitionerArgs, TopicMessages } from 'kafkajs';
import type { OutgoingRecord } from './kafka.ts';

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
