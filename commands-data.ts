/** Commands that copy what is kept: backup and restore. */
import { chmodSync, mkdirSync } from 'node:fs';
import { askOrDo } from './ask-or-do.ts';
import { textFlag, type Command } from './command-line.ts';
import {
  configurationOf,
  oneArgument,
  openFindings,
  openProgress,
  relay,
  requireData,
  tell,
} from './command-telling.ts';
import type { Configuration } from './configuration.ts';
import { askControl } from './control.ts';
import { mintStoreId, openDataFolder, openEmptyFolder, pathsOf } from './data-folder.ts';
import { openSystemClock } from './devices/clock-system.ts';
import { openSystemRandom } from './devices/random.ts';
import { startError } from './errors.ts';
import { eraseAgain, laterOrders } from './erase-again.ts';
import { networkOf } from './ingest/cluster/node-folder.ts';
import { openNodeFileSystem } from './ingest/log/file-system-node.ts';
import { makeBackup } from './ingest/maintain/backup.ts';
import { maintainError } from './ingest/maintain/errors.ts';
import type { MaintainProgress } from './ingest/maintain/findings.ts';
import { readManifest, type Manifest } from './ingest/maintain/manifest.ts';
import { checkBackup, copyBackup } from './ingest/maintain/restore.ts';
import { endsOf } from './ingest/maintain/verify-folder.ts';

export async function backupCommand(command: Command): Promise<number> {
  const directory = oneArgument(command, 'a new or empty folder');
  const configuration = configurationOf(command);
  const onProgress = openProgress(command);
  requireData(configuration);
  makeTarget(directory);
  const { controlSocket } = pathsOf(configuration.dataDir);
  const { result } = await askOrDo<{ readonly result: unknown }>(
    openSystemClock(),
    () => askControl(controlSocket, 'backup', { directory }, relay(onProgress)),
    async () => ({ result: await backupHere(configuration, directory, onProgress) }),
  );
  const manifest = result as Manifest;
  const { storeId, view, observations, readings, registry } = manifest;
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
  tell(
    command,
    { event: 'backedUp', directory, storeId, view, observations, readings, registry, bytes },
    `${manifest.files.length} files, ${bytes} bytes: readings up to ${readings.end}, observations up to ${observations.end}, registry version ${registry}`,
  );
  return 0;
}

/** It holds what the data folder holds: nobody else's to read. */
function makeTarget(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    chmodSync(directory, 0o700);
  } catch (error) {
    const problem = String(error);
    throw maintainError('INGEST_BACKUP_TARGET_UNWRITABLE', { directory, problem }, error);
  }
}

async function backupHere(
  configuration: Configuration,
  directory: string,
  onProgress: MaintainProgress,
): Promise<Manifest> {
  const folder = openDataFolder(configuration.dataDir, openSystemRandom());
  try {
    if (networkOf(folder.registry, configuration.devices) !== undefined) {
      throw startError('START_NOT_IN_CLUSTER', { command: 'backup' });
    }
    const fileSystem = openNodeFileSystem();
    const ends = await endsOf(fileSystem, folder);
    return await makeBackup({
      fileSystem,
      clock: openSystemClock(),
      paths: folder,
      identity: folder.identity,
      ends: { readings: async () => ends.readings, observations: async () => ends.observations },
      targetDirectory: directory,
      onProgress,
    });
  } finally {
    folder.release();
  }
}

export async function restoreCommand(command: Command): Promise<number> {
  const directory = oneArgument(command, 'the folder of a backup');
  const configuration = configurationOf(command);
  const fileSystem = openNodeFileSystem();
  const onProgress = openProgress(command);
  const { onFinding, count } = openFindings(command);
  const manifest = await readManifest(fileSystem, directory);
  await checkBackup({
    fileSystem,
    clock: openSystemClock(),
    directory,
    manifest,
    onFinding,
    onProgress,
  });
  if (count() > 0) return 1;
  const newer = textFlag(command, 'erasures');
  const later = newer === undefined ? [] : await laterOrders(newer, manifest, onProgress);
  const folder = openEmptyFolder(configuration.dataDir);
  try {
    const storeId = mintStoreId(openSystemRandom());
    const targetDirectory = folder.path;
    await copyBackup({ fileSystem, directory, manifest, targetDirectory, storeId, onProgress });
    const upTo = manifest.observations.end;
    const earlier = [...manifest.earlier, { storeId: manifest.storeId, upTo }];
    const erased = await eraseAgain({
      configuration,
      folder: { ...folder, identity: { storeId, earlier }, release: () => undefined },
      manifest,
      later,
      onProgress,
    });
    folder.finish({ storeId, earlier });
    tell(
      command,
      { event: 'restored', folder: folder.path, storeId, earlier: manifest.storeId, upTo, erased },
      `restored into ${folder.path} as store ${storeId}; cursors of ${manifest.storeId} are good up to ${upTo}; ${erased} erasures carried out again. Those made after ${new Date(manifest.madeAt).toISOString()} are known only from --erasures`,
    );
    return 0;
  } finally {
    folder.release();
  }
}
