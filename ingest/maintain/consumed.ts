import { sleep, type Clock } from '../../devices/clock.ts';
import type { FileSystem } from '../log/file-system.ts';
import type { Position } from '../log/log.ts';
import { lastRecord } from '../log/record-at.ts';
import { decodeBatch } from '../observations/batch-codec.ts';
import type { Batch } from '../observations/batch.ts';
import type { FolderPaths } from './backup.ts';
import type { MaintainProgress } from './findings.ts';
import { logPlace } from './log-place.ts';
import type { LogPositions } from './verify-folder.ts';

export interface ConsumedParts {
  readonly clock: Clock;
  readonly fileSystem: FileSystem;
  readonly paths: Pick<FolderPaths, 'observations'>;
  readonly ends: () => Promise<LogPositions>;
  readonly onProgress: MaintainProgress;
}

/** What ingest has decided durably. */
export interface Decided extends Pick<Batch, 'consumed' | 'registryVersion'> {
  /** Of its last batch; 0 before the first. */
  readonly observations: Position;
}

export interface Waiting extends ConsumedParts {
  /** Names the wait in the progress. */
  readonly step: string;
  /** Made where ingest does not come along. */
  readonly late: (fields: Readonly<Record<string, unknown>>) => Error;
}

const pollMs = 20;
/** Without any progress of ingest: a backlog may be long. */
const waitMsMax = 120_000;

/** Resolves once ingest has settled everything up to the position, durably. */
export async function untilConsumed(position: Position, waiting: Waiting): Promise<Decided> {
  const { clock, step, late, onProgress } = waiting;
  let reached: Position = -1;
  let sinceMs = clock.monotonicMs();
  for (;;) {
    const decided = await decidedNow(waiting);
    const { consumed } = decided;
    if (consumed >= position) return decided;
    if (consumed > reached) sinceMs = clock.monotonicMs();
    reached = consumed;
    if (clock.monotonicMs() - sinceMs > waitMsMax) throw late({ consumed, position });
    onProgress(step, consumed, position);
    await sleep(clock, pollMs);
  }
}

async function decidedNow({ ends, fileSystem, paths }: ConsumedParts): Promise<Decided> {
  const { observations } = await ends();
  const record = await lastRecord(logPlace(fileSystem, paths.observations, observations));
  if (record === null) return { consumed: 0, registryVersion: 0, observations };
  const { consumed, registryVersion } = decodeBatch(record.position, record.body);
  return { consumed, registryVersion, observations };
}
