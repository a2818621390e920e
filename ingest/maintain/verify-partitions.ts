import { join } from 'node:path';
import type { Registry } from '../../devices/registry.ts';
import { CodedError } from '../../devices/coded-error.ts';
import { systemCode, type FileSystem } from '../log/file-system.ts';
import { readViewState } from '../store/adopt-view.ts';
import type { Finding } from './findings.ts';
import { verifyView } from './verify-view.ts';

/** Of a worker: a folder for each partition that it has, or had. */
export const partitionsFolderName = 'partitions';

export interface VerifyPartitionsOptions {
  readonly fileSystem: FileSystem;
  /** Of the data folder. */
  readonly directory: string;
  /** Of the network. */
  readonly storeId: string;
  readonly registry: Registry;
  readonly onFinding: (finding: Finding) => void;
}

/**
 * The views by which a worker decides, each whole by itself; how they fit the partitions is not in
 * the folder. Answers the partitions that have one.
 */
export async function verifyPartitions(options: VerifyPartitionsOptions): Promise<number[]> {
  const { fileSystem, directory, storeId, registry, onFinding } = options;
  const partitions = await namesIn(fileSystem, join(directory, partitionsFolderName));
  const verified: number[] = [];
  for (const partition of partitions) {
    const file = `${partitionsFolderName}/${partition}/view.db`;
    const path = join(directory, file);
    const say = (what: string): void => onFinding({ part: 'view', file, what });
    try {
      const state = readViewState(path);
      const expected = `${storeId}/${partition}`;
      if (state.storeId !== expected) {
        say(`belongs to the log ${state.storeId}, not to ${expected}`);
      }
    } catch (error) {
      if (error instanceof CodedError && error.code === 'STORE_NO_VIEW') continue;
      say(error instanceof Error ? error.message : String(error));
      continue;
    }
    verified.push(partition);
    verifyView(path, registry, (finding) => onFinding({ ...finding, file }));
  }
  return verified;
}

async function namesIn(fileSystem: FileSystem, directory: string): Promise<number[]> {
  try {
    const names = await fileSystem.list(directory);
    return names
      .map(Number)
      .filter(Number.isInteger)
      .sort((a, b) => a - b);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}
