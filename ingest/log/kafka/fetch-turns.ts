/**
 * Whose turn it is. A request names a partition once, so of several readers of it those at one offset
 * ask together and the others wait; and a server fills its answer in the order of the request.
 */
import type { AskedPartition } from './fetch-request.ts';
import type { PartitionQueue } from './partition-queue.ts';

export interface Turn {
  readonly asked: AskedPartition;
  readonly queues: readonly PartitionQueue[];
}

/** One turn for each partition: that of whoever stands first, and of all at the same offset. */
export function turnsOf(wanted: readonly PartitionQueue[]): Turn[] {
  const turns = new Map<string, { asked: AskedPartition; queues: PartitionQueue[] }>();
  for (const queue of wanted) {
    const { topic, partition, asks: offset } = queue;
    const name = `${partition} ${topic}`;
    const turn = turns.get(name);
    if (turn === undefined) {
      turns.set(name, { asked: { topic, partition, offset }, queues: [queue] });
    } else if (turn.asked.offset === offset) {
      turn.queues.push(queue);
    }
  }
  return [...turns.values()];
}

/** Whoever had a turn goes behind those who had none, and whoever was given something behind all. */
export function moveBehind(order: Set<PartitionQueue>, had: readonly Turn[], given: Turn[]): void {
  for (const turns of [had, given]) {
    for (const queue of turns.flatMap(({ queues }) => queues)) {
      if (order.delete(queue)) order.add(queue);
    }
  }
}
