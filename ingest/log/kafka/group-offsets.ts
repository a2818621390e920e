/**
 * What a group has noted beside a topic's partitions: as a client that is no member of the group, so
 * that nothing is refused while the group changes; the points it stands for never change.
 */
import type Cluster from 'kafkajs/src/cluster/index.js';
import type { GroupOffset } from './kafka.ts';

const noGeneration = -1;
const nothingNoted = -1;

export async function noteGroupOffsets(
  cluster: Cluster,
  { group, topic }: { readonly group: string; readonly topic: string },
  offsets: readonly GroupOffset[],
): Promise<void> {
  const coordinator = await cluster.findGroupCoordinator({ groupId: group });
  await coordinator.offsetCommit({
    groupId: group,
    groupGenerationId: noGeneration,
    memberId: '',
    topics: [
      {
        topic,
        partitions: offsets.map(({ partition, offset, note }) => ({
          partition,
          offset: String(offset),
          metadata: note,
        })),
      },
    ],
  });
}

export async function groupOffsets(
  cluster: Cluster,
  { group, topic }: { readonly group: string; readonly topic: string },
  partitions: readonly number[],
): Promise<GroupOffset[]> {
  const coordinator = await cluster.findGroupCoordinator({ groupId: group });
  const { responses } = await coordinator.offsetFetch({
    groupId: group,
    topics: [{ topic, partitions: partitions.map((partition) => ({ partition })) }],
  });
  const found = responses.find((response) => response.topic === topic)?.partitions ?? [];
  return found
    .map(({ partition, offset, metadata }) => ({
      partition,
      offset: Number(offset),
      note: metadata ?? '',
    }))
    .filter(({ offset }) => offset > nothingNoted);
}
