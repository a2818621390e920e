import type Cluster from 'kafkajs/src/cluster/index.js';
import type { PartitionEnds } from './kafka.ts';

/**
 * Oldest kept offset and the end of partitions, in the order asked. The end is what committed readers
 * may read: transactions that are still open lie behind it.
 */
export async function partitionEnds(
  cluster: Cluster,
  topic: string,
  partitions: readonly number[],
): Promise<PartitionEnds[]> {
  await cluster.addMultipleTargetTopics([topic]);
  const asked = partitions.map((partition) => ({ partition }));
  const of = async (fromBeginning: boolean): Promise<Map<number, number>> => {
    const [found] = await cluster.fetchTopicsOffset([{ topic, partitions: asked, fromBeginning }]);
    return new Map(found?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
  };
  const [starts, ends] = [await of(true), await of(false)];
  return partitions.map((partition) => ({
    start: starts.get(partition) ?? 0,
    end: ends.get(partition) ?? 0,
  }));
}
