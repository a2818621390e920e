/** The order in which the partitions settled readings, and one order for one machine that agrees with it. */
import { markedVersion } from '../../decisions.ts';
import type { KafkaRecord } from '../../log/kafka/kafka.ts';
import type { LoggedReading } from '../../reading-codec.ts';
import type { Reading } from '../../reading.ts';
import { recordToReading } from '../reading-record.ts';
import { readingPlace } from '../route.ts';
import { partitions, stationsOf } from './network.fixture.ts';
import { partitionOf } from '../partition-of.ts';

/** A reading by its origin. */
export const nameOf = ({ origin }: Reading): string => `${origin?.node}/${origin?.position}`;

export interface SettledOrder {
  /** By partition: names of what was taken first and of what was passed on to it, in order. */
  readonly partitions: readonly (readonly string[])[];
  /** The registry version under which a reading was settled. */
  readonly versions: ReadonlyMap<string, number>;
  readonly readings: ReadonlyMap<string, LoggedReading>;
  /** Records that no node wrote. */
  readonly foreign: number;
  /** Name and target of each that was passed on. */
  readonly passed: readonly string[];
}

/** As whoever reads the topics from their beginning must see it. */
export function orderOf(topic: readonly (readonly KafkaRecord[])[]): SettledOrder {
  const versions = new Map<string, number>();
  const readings = new Map<string, LoggedReading>();
  const passed: string[] = [];
  let foreign = 0;
  const orders = topic.map((records, partition) => {
    const sequences = new Map<number, number>();
    const order: string[] = [];
    let version = 0;
    for (const record of records) {
      const reading = recordToReading(record, readingPlace(record.offset, partition));
      const name = nameOf(reading);
      if (reading.origin === undefined) {
        foreign++;
      } else if (reading.passed !== undefined) {
        passed.push(`${name} to ${partition}`);
        order.push(name);
      } else if (reading.origin.sequence > (sequences.get(reading.origin.node) ?? 0)) {
        sequences.set(reading.origin.node, reading.origin.sequence);
        if (reading.kind === 'registry') {
          version = markedVersion(Buffer.from(reading.payload).toString()) ?? 0;
        } else {
          versions.set(name, version);
          readings.set(name, reading);
          order.push(name);
        }
      }
    }
    return order;
  });
  return { partitions: orders, versions, readings, foreign, passed };
}

/**
 * All readings, version by version and each partition's order kept as far as they agree; where two
 * partitions contradict each other, one of them is not kept.
 */
export function mergedOrder({ partitions: orders, versions }: SettledOrder): string[] {
  const merged: string[] = [];
  const taken = new Set<string>();
  const take = (name: string): void => {
    if (taken.has(name)) return;
    taken.add(name);
    merged.push(name);
  };
  for (const version of [...new Set(versions.values())].toSorted((a, b) => a - b)) {
    const queues = orders.map((order) =>
      [...new Set(order)].filter((name) => versions.get(name) === version),
    );
    const isFirst = (name: string): boolean =>
      queues.every((queue) => !queue.includes(name) || queue[0] === name);
    while (queues.some((queue) => queue.length > 0)) {
      const heads = queues.flatMap((queue) => queue.slice(0, 1));
      const name = heads.find(isFirst) ?? heads[0]!;
      take(name);
      for (const queue of queues) {
        const at = queue.indexOf(name);
        if (at >= 0) queue.splice(at, 1);
      }
    }
  }
  return merged;
}

/** Whether a station's readings were settled in the partition in the order of one machine. */
export function isSameOrder(
  station: string,
  { partitions: orders, readings }: SettledOrder,
  merged: readonly string[],
): boolean {
  const concerns = (name: string): boolean =>
    stationsOf.get(readings.get(name)?.device ?? '')?.includes(station) === true;
  const there = orders[partitionOf(station, partitions)]!.filter(concerns);
  const here = new Set(there);
  const alone = merged.filter((name) => here.has(name));
  return there.join() === alone.join();
}
