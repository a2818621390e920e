import type { OutgoingRecord } from '../../log/kafka/kafka.ts';
import { readingToRecord } from '../reading-record.ts';

/** Node of the markers: no process has this number. */
export const registryNode = 0;

/**
 * The marker of a version in every partition of `readings`: what stands behind it there is judged by
 * that version or a later one. Each partition has each version once, so its number is its sequence.
 */
export function registryMarkers(
  { topic, partitions }: { readonly topic: string; readonly partitions: number },
  { version, receivedAt }: { readonly version: number; readonly receivedAt: number },
): OutgoingRecord[] {
  const marker = {
    kind: 'registry',
    door: 'internal',
    receivedAt,
    device: '',
    topic: '',
    payload: Buffer.from(JSON.stringify({ version })),
    origin: { node: registryNode, position: version, sequence: version },
  } as const;
  return Array.from({ length: partitions }, (_none, partition) =>
    readingToRecord(marker, { topic, partition, key: 'registry' }),
  );
}
