/** The log of a node's copy of the observations. */
import { openNodeFileSystem } from '../../log/file-system-node.ts';
import type { SharedDurableEnd } from '../../log/durable-end.ts';
import { takeOwnerLock } from '../../log/owner-lock.ts';
import { openLogReader, openLogWriter } from '../../log/segment-log.ts';
import type { LocalCopyOptions } from './open.ts';

export function openCopyLog(
  { paths, log, clock, random, telemetry }: LocalCopyOptions,
  durableEnd: SharedDurableEnd,
) {
  return openLogWriter({
    fileSystem: openNodeFileSystem(),
    directory: paths.observations,
    name: 'observations',
    config: log,
    clock,
    random,
    telemetry,
    durableEnd,
    lock: takeOwnerLock,
  });
}

export function openCopyReader({ paths }: LocalCopyOptions, durableEnd: SharedDurableEnd) {
  const fileSystem = openNodeFileSystem();
  return openLogReader({ fileSystem, directory: paths.observations, durableEnd });
}
