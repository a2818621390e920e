import type { LogRetention } from './config.ts';
import { systemCode, unlinkIfThere } from './file-system.ts';
import type { Position } from './log.ts';
import type { ClosedSegment } from './recovery.ts';
import { readSeal, writeProof } from './seal.ts';
import type { LogFolder } from './segment-folder.ts';
import { pathOf } from './segment-folder.ts';

/** What retention looks at: sealed segments from the oldest on, and the log as a whole. */
export interface RetentionState {
  readonly sealed: readonly {
    readonly last: Position;
    readonly bytes: number;
    /** When its last record had come in; integer ms UTC. */
    readonly closedAt: number;
  }[];
  readonly totalBytes: number;
  readonly now: number;
  /** The consumer has settled, durably, everything up to here. */
  readonly consumed: Position;
}

/**
 * The position before which sealed segments may be deleted, 0 for none: from the oldest on, while
 * one is consumed and either too old or the log too large.
 */
export function chooseTrim(retention: LogRetention, state: RetentionState): Position {
  let keepFrom = 0;
  let bytes = state.totalBytes;
  for (const segment of state.sealed) {
    const isOld = retention.retainMs !== null && state.now - segment.closedAt > retention.retainMs;
    const isTooMuch = retention.retainBytesMax !== null && bytes > retention.retainBytesMax;
    if (segment.last > state.consumed || !(isOld || isTooMuch)) break;
    keepFrom = segment.last + 1;
    bytes -= segment.bytes;
  }
  return keepFrom;
}

/**
 * Deletes a sealed segment. The tombstone is durable first, so that at any moment either the records
 * or the reason why they are gone can be shown; a deletion cut short is finished at the next start.
 */
export async function deleteSegment(
  folder: LogFolder,
  segment: ClosedSegment,
  reason: { readonly deletedAt: number; readonly reason: string },
): Promise<void> {
  const seal = await readSeal(folder, segment.first);
  try {
    await writeProof(folder, { format: 'quantrac-tombstone/1', ...reason, seal });
  } catch (error) {
    if (systemCode(error) !== 'ENOSPC') throw error;
    await sealBecomesTombstone(folder, segment.first);
  }
  await unlinkIfThere(folder.fileSystem, pathOf(folder, segment.first, 'segment'));
  await unlinkIfThere(folder.fileSystem, pathOf(folder, segment.first, 'seal'));
  await folder.fileSystem.syncDirectory(folder.directory);
}

/** On a full disk there is no room for the reason, and deleting is what makes room. */
async function sealBecomesTombstone(folder: LogFolder, first: Position): Promise<void> {
  const { fileSystem, directory } = folder;
  await fileSystem.rename(pathOf(folder, first, 'seal'), pathOf(folder, first, 'tombstone'));
  await fileSystem.syncDirectory(directory);
}
