/** What a broker node does as the partitions' workers see it: numbers what it sends, and sends some of it again. */
import type { Registry } from '../../../devices/registry.ts';
import type { Kafka, OutgoingRecord, Producer } from '../../log/kafka/kafka.ts';
import type { Reading, ReadingFault } from '../../reading.ts';
import { readingToRecord } from '../reading-record.ts';
import { createRouter } from '../route.ts';
import { partitions } from './network.fixture.ts';

export interface BrokerNode {
  readonly number: number;
  /** What was given to it to keep, in order, as it travels. */
  readonly kept: readonly Reading[];
  /** Numbers sent, by partition. */
  readonly sequences: readonly number[];
  readonly isDrained: boolean;
  keep(reading: Omit<Reading, 'origin'>, registry: Registry): void;
  /** Sends at most so many; what fails is sent again by a later call. */
  send(recordsMax: number): Promise<void>;
  /** Dies, and knows again only that so many records less were sent. */
  crash(records: number): Promise<void>;
}

export async function openBrokerNode(
  kafka: Kafka,
  topic: string,
  number: number,
): Promise<BrokerNode> {
  const kept: Reading[] = [];
  const log: OutgoingRecord[] = [];
  const sequences = Array.from({ length: partitions }, () => 0);
  let position = 0;
  let sent = 0;
  let producer: Producer = await kafka.openProducer();

  const countOf = (fault: ReadingFault | undefined): number => fault?.readings ?? 1;

  return {
    number,
    kept,
    sequences,
    get isDrained() {
      return sent === log.length;
    },
    keep(reading, registry) {
      const { partition, key } = createRouter({ registry, partitions, node: number }).routeOf(
        reading,
      );
      const count = countOf(reading.fault);
      position += count;
      sequences[partition]! += count;
      const origin = { node: number, position, sequence: sequences[partition]! };
      const travelling = { ...reading, origin };
      kept.push(travelling);
      log.push(readingToRecord(travelling, { topic, partition, key }));
    },
    async send(recordsMax) {
      const some = log.slice(sent, sent + recordsMax);
      if (some.length === 0) return;
      try {
        await producer.send(some);
        sent += some.length;
      } catch {
        // It is not known which of them are stored: all are sent again.
        await producer.close();
        producer = await kafka.openProducer();
      }
    },
    async crash(records) {
      sent = Math.max(0, sent - records);
      await producer.close();
      producer = await kafka.openProducer();
    },
  };
}
