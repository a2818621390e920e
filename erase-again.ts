/** After a restore: erasures that the backup cut short, or that were made after it, once more. */
import { resolve } from 'node:path';
import type { Configuration } from './configuration.ts';
import { pathsOf, readFormat, type DataFolder } from './data-folder.ts';
import { openSystemClock } from './devices/clock-system.ts';
import { openSystemRandom } from './devices/random.ts';
import { openRegistryReader } from './devices/registry-sqlite-reader.ts';
import { eraseOrder, eraseWith, isKnownTo } from './erase-order.ts';
import { startError } from './errors.ts';
import { openIngestAlone } from './ingest-alone.ts';
import { openNodeFileSystem } from './ingest/log/file-system-node.ts';
import { readOrders, unfinishedParts, type KnownOrder } from './ingest/maintain/erasure-orders.ts';
import type { MaintainProgress } from './ingest/maintain/findings.ts';
import { logPlace } from './ingest/maintain/log-place.ts';
import { hasManifest, readManifest, type Manifest } from './ingest/maintain/manifest.ts';
import { endsOf } from './ingest/maintain/verify-folder.ts';

/**
 * Orders that a newer folder of the same history (a data folder, served or not, or a backup) has
 * behind the backup's last reading. Throws START_USAGE for a folder of another history.
 */
export async function laterOrders(
  newer: string,
  manifest: Manifest,
  onProgress: MaintainProgress,
): Promise<KnownOrder[]> {
  const directory = resolve(newer);
  const fileSystem = openNodeFileSystem();
  const isBackup = await hasManifest(fileSystem, directory);
  const identity = isBackup ? await readManifest(fileSystem, directory) : readFormat(directory);
  if (identity?.storeId !== manifest.storeId)
    throw startError('START_USAGE', {
      flag: '--erasures',
      value: newer,
      accepted: `a data folder or backup of store ${manifest.storeId}`,
    });
  const paths = pathsOf(directory);
  const { readings } = await endsOf(fileSystem, paths);
  const log = logPlace(fileSystem, paths.readings, readings);
  return readOrders(log, manifest.readings.end + 1, onProgress);
}

export interface EraseAgainOptions {
  readonly configuration: Configuration;
  /** Restored, and not open to a server yet. */
  readonly folder: DataFolder;
  readonly manifest: Pick<Manifest, 'readings' | 'observations'>;
  readonly later: readonly KnownOrder[];
  readonly onProgress: MaintainProgress;
}

/** Answers how many were carried out; one about a device that the backup never knew has nothing to take. */
export async function eraseAgain(options: EraseAgainOptions): Promise<number> {
  const { configuration, folder, later, onProgress } = options;
  const orders = [...(await unfinishedOrders(options)), ...later];
  if (orders.length === 0) return 0;
  const surroundings = { clock: openSystemClock(), random: openSystemRandom() };
  const alone = await openIngestAlone(configuration, surroundings, folder);
  let count = 0;
  try {
    for (const { position: _position, actor: _actor, ...wish } of orders) {
      if (!isKnownTo(alone.registry.current(), wish)) continue;
      await eraseWith(alone, configuration.ingest.decode, wish, onProgress);
      count += 1;
    }
  } finally {
    await alone.close();
  }
  return count;
}

/** Orders of the backup itself of which its observations still hold something. */
async function unfinishedOrders({
  configuration,
  folder,
  manifest,
  onProgress,
}: EraseAgainOptions): Promise<KnownOrder[]> {
  const fileSystem = openNodeFileSystem();
  const readings = logPlace(fileSystem, folder.readings, manifest.readings.end);
  const orders = await readOrders(readings, 1, onProgress);
  if (orders.length === 0) return [];
  const devices = { clock: openSystemClock(), config: configuration.devices };
  const reader = openRegistryReader(folder.registry, devices);
  const registry = reader.current();
  reader.close();
  const parts = orders.map((order) => ({
    order,
    devices: new Set(eraseOrder(order, registry).devices),
    fromAt: order.fromAt ?? Number.NEGATIVE_INFINITY,
    toAt: order.toAt ?? Number.POSITIVE_INFINITY,
    upTo: order.position,
  }));
  const observations = logPlace(fileSystem, folder.observations, manifest.observations.end);
  const unfinished = await unfinishedParts(observations, parts);
  return parts.filter((part) => unfinished.has(part)).map(({ order }) => order);
}
