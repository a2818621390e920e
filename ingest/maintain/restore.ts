/**
 * Makes a data folder from a backup. Every file is checked against the manifest before the first is
 * copied, and again by its hash as it is copied.
 */
import type { Clock } from '../../devices/clock.ts';
import type { FileSystem } from '../log/file-system.ts';
import { readWhole, systemCode, writeWhole } from '../log/file-system.ts';
import { verifyLog } from '../log/verify.ts';
import { adoptView } from '../store/adopt-view.ts';
import { citationsName, signingKeyName } from './backup.ts';
import { maintainError } from './errors.ts';
import type { Finding, MaintainProgress } from './findings.ts';
import { hashFile, type Manifest, type ManifestFile } from './manifest.ts';

export interface CheckBackupOptions {
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly directory: string;
  readonly manifest: Manifest;
  readonly onFinding: (finding: Finding) => void;
  readonly onProgress: MaintainProgress;
}

/** Compares each file with the manifest; where a log's file differs, names the record too. */
export async function checkBackup(options: CheckBackupOptions): Promise<void> {
  const { fileSystem, directory, manifest, onFinding, onProgress } = options;
  for (const [index, file] of manifest.files.entries()) {
    const what = await differenceOf(fileSystem, directory, file);
    if (what !== null) {
      onFinding({ part: 'backup', file: file.path, what });
      await nameRecords(options, file);
    }
    onProgress('backup: files', index + 1, manifest.files.length);
  }
}

async function differenceOf(
  fileSystem: FileSystem,
  directory: string,
  file: ManifestFile,
): Promise<string | null> {
  try {
    const found = await hashFile(fileSystem, `${directory}/${file.path}`);
    if (found.bytes !== file.bytes) return `has ${found.bytes} bytes, not ${file.bytes}`;
    return found.sha256 === file.sha256 ? null : 'its SHA-256 is not that of the manifest';
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 'is missing';
    throw error;
  }
}

async function nameRecords(options: CheckBackupOptions, file: ManifestFile): Promise<void> {
  const [log, name] = file.path.split('/');
  if (name === undefined || (log !== 'readings' && log !== 'observations')) return;
  await verifyLog({
    fileSystem: options.fileSystem,
    directory: `${options.directory}/${log}`,
    clock: options.clock,
    onFinding(found) {
      if (found.file !== name) return;
      const { first, last, offset, detail } = found;
      options.onFinding({
        part: 'backup',
        file: file.path,
        first,
        last,
        ...(offset < 0 ? {} : { offset }),
        what: detail,
      });
    },
  });
}

export interface CopyBackupOptions {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly manifest: Manifest;
  readonly targetDirectory: string;
  /** Of the restored data: never that of the backup, for the two histories part here. */
  readonly storeId: string;
  readonly onProgress: MaintainProgress;
}

/** Copies and syncs every file, and gives the view the new store id. */
export async function copyBackup(options: CopyBackupOptions): Promise<void> {
  const { fileSystem, manifest, targetDirectory, storeId, onProgress } = options;
  const folders = ['readings', 'observations', ...citationsFolderOf(manifest)];
  for (const folder of folders) await fileSystem.makeDirectory(`${targetDirectory}/${folder}`);
  for (const [index, file] of manifest.files.entries()) {
    await copyFile(options, file);
    onProgress('restore: files', index + 1, manifest.files.length);
  }
  if (manifest.view !== null) adoptView(`${targetDirectory}/view.db`, storeId);
  for (const folder of [...folders, '.']) {
    await fileSystem.syncDirectory(`${targetDirectory}/${folder}`);
  }
}

function citationsFolderOf({ files }: Manifest): readonly string[] {
  return files.some(({ path }) => path.startsWith(`${citationsName}/`)) ? [citationsName] : [];
}

const chunkBytes = 1_048_576;

async function copyFile(options: CopyBackupOptions, file: ManifestFile): Promise<void> {
  const { fileSystem, directory, targetDirectory } = options;
  const source = await fileSystem.open(`${directory}/${file.path}`, 'read');
  const path = `${targetDirectory}/${file.path}`;
  try {
    const mode = file.path === signingKeyName ? 'createSecret' : 'create';
    const target = await fileSystem.open(path, mode);
    try {
      const chunk = Buffer.allocUnsafeSlow(chunkBytes);
      for (let at = 0; at < file.bytes; at += chunkBytes) {
        const got = await readWhole(source, chunk, Math.min(chunkBytes, file.bytes - at), at);
        await writeWhole(target, chunk, got, at);
      }
      await target.sync();
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
  const copied = await hashFile(fileSystem, path);
  if (copied.sha256 !== file.sha256) {
    throw maintainError('INGEST_BACKUP_DAMAGED', { directory, file: file.path, exitCode: 1 });
  }
}
