/**
 * A backup, also while the server runs. Followers are copied before their sources, so that whatever
 * a copied file speaks of is in the file copied after it:
 *
 *   feeds (manifests at p ≤ observations' end) between two looks at the keys that sign them, the bytes
 *   of citations
 *   → view (at p ≤ observations' end) → observations (consumed ≤ readings' end) → readings (markers up
 *   to a version of the registry) → registry → manifest
 *
 * The caller keeps retention from deleting readings meanwhile: what the copied observations have not
 * consumed must be in the copied readings.
 */
import type { Clock } from '../../devices/clock.ts';
import { copyDatabase } from '../../devices/database.ts';
import { verifyRegistry } from '../../devices/registry/verify.ts';
import { copyLog, type LogCopy } from '../log/copy-log.ts';
import type { FileSystem } from '../log/file-system.ts';
import {
  readFile,
  readWhole,
  systemCode,
  temporarySuffix,
  writeWhole,
} from '../log/file-system.ts';
import type { Position } from '../log/log.ts';
import { readViewState } from '../store/adopt-view.ts';
import { maintainError } from './errors.ts';
import type { MaintainProgress } from './findings.ts';
import { hashFile, writeManifest, type Manifest, type ManifestFile } from './manifest.ts';

const feedsName = 'feeds.db';
export const citationsName = 'citations';
/** A secret: its copies are as closed as the file. */
export const signingKeyName = 'signing.pem';

export interface FolderPaths {
  readonly path: string;
  readonly readings: string;
  readonly observations: string;
  readonly view: string;
  readonly registry: string;
  /** What the doors out keep for themselves. */
  readonly feeds: string;
  /** The private key of manifests. */
  readonly signingKey: string;
  /** Folder of the bytes of citations. */
  readonly citations: string;
}

/** Where the logs end now; asked again each time, for they grow. */
interface LogEnds {
  readings(): Promise<Position>;
  observations(): Promise<Position>;
}

export interface BackupOptions {
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly paths: FolderPaths;
  readonly identity: Pick<Manifest, 'storeId'> & {
    readonly earlier: readonly { readonly storeId: string; readonly upTo: Position }[];
  };
  readonly ends: LogEnds;
  /** New or empty. */
  readonly targetDirectory: string;
  readonly onProgress: MaintainProgress;
}

/** Rejects with INGEST_BACKUP_TARGET_USED before anything is written, or with the disk's error. */
export async function makeBackup(options: BackupOptions): Promise<Manifest> {
  const { fileSystem, clock, paths, identity, ends, targetDirectory, onProgress } = options;
  await makeEmpty(fileSystem, targetDirectory);
  const kept = await copyKept(options);
  const view = await copyView(options);
  const observations = await copyOneLog(options, 'observations', await ends.observations());
  const readings = await copyOneLog(options, 'readings', await ends.readings());
  await copyDatabase(paths.registry, `${targetDirectory}/registry.db`, (done, all) =>
    onProgress('registry: pages', done, all),
  );
  const { version } = verifyRegistry(`${targetDirectory}/registry.db`);
  const manifest = {
    madeAt: clock.now(),
    storeId: identity.storeId,
    earlier: [...identity.earlier],
    view,
    observations: { first: observations.first, end: observations.end },
    readings: { first: readings.first, end: readings.end },
    registry: version,
    files: await describeFiles(options, [...kept, ...(view === null ? [] : ['view.db'])]),
  };
  await writeManifest(fileSystem, targetDirectory, manifest);
  return { format: 'quantrac-backup/1', ...manifest };
}

/** Makes a folder, or takes one that holds nothing. */
async function makeEmpty(fileSystem: FileSystem, directory: string): Promise<void> {
  await fileSystem.makeDirectory(directory);
  const names = await fileSystem.list(directory);
  if (names.length > 0) {
    throw maintainError('INGEST_BACKUP_TARGET_USED', { directory, found: names.slice(0, 3) });
  }
}

/** Names of what was copied: a folder that never served has neither. */
async function copyKept(options: BackupOptions): Promise<string[]> {
  const { fileSystem, paths, targetDirectory, onProgress } = options;
  const names: string[] = [];
  const keysBefore = await readIfThere(fileSystem, paths.signingKey);
  if (await isThere(fileSystem, paths.feeds)) {
    await copyDatabase(paths.feeds, `${targetDirectory}/${feedsName}`, (done, all) =>
      onProgress('feeds: pages', done, all),
    );
    names.push(feedsName);
  }
  // A key that was made or given up while the manifests were copied may be the one that they need.
  const keys = unionOfKeys(keysBefore, await readIfThere(fileSystem, paths.signingKey));
  if (keys !== undefined) {
    await writeSecret(fileSystem, keys, `${targetDirectory}/${signingKeyName}`);
    names.push(signingKeyName);
  }
  return [...names, ...(await copyCitations(options))];
}

/** Bytes are there before the citation that names them, so all of the copied ones are here. */
async function copyCitations(options: BackupOptions): Promise<string[]> {
  const { fileSystem, paths, targetDirectory, onProgress } = options;
  const names: string[] = [];
  const found = await listIfThere(fileSystem, paths.citations);
  if (found.length > 0) await fileSystem.makeDirectory(`${targetDirectory}/${citationsName}`);
  for (const name of found) {
    const from = `${paths.citations}/${name}`;
    // An erasure may take it meanwhile: so it will from the copy.
    if (name.endsWith(temporarySuffix) || !(await isThere(fileSystem, from))) continue;
    await copyFile(fileSystem, from, `${targetDirectory}/${citationsName}/${name}`);
    names.push(`${citationsName}/${name}`);
    onProgress('citations: files', names.length, found.length);
  }
  if (names.length > 0) await fileSystem.syncDirectory(`${targetDirectory}/${citationsName}`);
  return names;
}

async function listIfThere(fileSystem: FileSystem, directory: string): Promise<string[]> {
  try {
    return (await fileSystem.list(directory)).toSorted();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

const chunkBytes = 1_048_576;

async function copyFile(fileSystem: FileSystem, from: string, to: string): Promise<void> {
  const source = await fileSystem.open(from, 'read');
  try {
    const target = await fileSystem.open(to, 'create');
    try {
      const chunk = Buffer.allocUnsafeSlow(chunkBytes);
      for (let at = 0; ;) {
        const got = await readWhole(source, chunk, chunkBytes, at);
        await writeWhole(target, chunk, got, at);
        at += got;
        if (got < chunkBytes) break;
      }
      await target.sync();
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** Of texts of keys in PEM: those that only the first has, then the second's. */
function unionOfKeys(before: Buffer | undefined, after: Buffer | undefined): Buffer | undefined {
  if (before === undefined || after === undefined) return after ?? before;
  const keysOf = (text: Buffer): string[] =>
    text.toString('utf8').split(/(?<=-----END PRIVATE KEY-----\n)/);
  const left = new Set(keysOf(after));
  const gone = keysOf(before).filter((key) => !left.has(key));
  return Buffer.from([...gone, ...left].join(''));
}

async function writeSecret(fileSystem: FileSystem, bytes: Buffer, to: string): Promise<void> {
  const file = await fileSystem.open(to, 'createSecret');
  try {
    await writeWhole(file, bytes, bytes.length, 0);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function readIfThere(fileSystem: FileSystem, path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(fileSystem, path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function isThere(fileSystem: FileSystem, path: string): Promise<boolean> {
  try {
    await (await fileSystem.open(path, 'read')).close();
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Position of the copied view; null where there is none. */
async function copyView(options: BackupOptions): Promise<Position | null> {
  const { paths, targetDirectory, onProgress } = options;
  const target = `${targetDirectory}/view.db`;
  try {
    readViewState(paths.view);
  } catch (error) {
    if (systemCode(error) === 'STORE_NO_VIEW') return null;
    throw error;
  }
  await copyDatabase(paths.view, target, (done, all) => onProgress('view: pages', done, all));
  return readViewState(target).position;
}

async function copyOneLog(
  options: BackupOptions,
  log: 'readings' | 'observations',
  end: Position,
): Promise<LogCopy> {
  const { fileSystem, paths, targetDirectory, onProgress } = options;
  const target = `${targetDirectory}/${log}`;
  if (end === 0) {
    await fileSystem.makeDirectory(target);
    return { first: 1, end: 0, bytes: 0 };
  }
  return copyLog({
    fileSystem,
    directory: paths[log],
    end,
    targetDirectory: target,
    onProgress: (bytes) => onProgress(`${log}: bytes`, bytes, 0),
  });
}

/** Every file with its SHA-256; the databases are synced here, the logs' files were when made. */
async function describeFiles(
  options: BackupOptions,
  copied: readonly string[],
): Promise<ManifestFile[]> {
  const { fileSystem, targetDirectory, onProgress } = options;
  const names = [...copied, 'registry.db'];
  for (const name of names) await syncFile(fileSystem, `${targetDirectory}/${name}`);
  for (const log of ['observations', 'readings']) {
    const found = await fileSystem.list(`${targetDirectory}/${log}`);
    names.push(...found.toSorted().map((name) => `${log}/${name}`));
  }
  const files: ManifestFile[] = [];
  for (const [index, path] of names.entries()) {
    files.push({ path, ...(await hashFile(fileSystem, `${targetDirectory}/${path}`)) });
    onProgress('hashes: files', index + 1, names.length);
  }
  return files;
}

async function syncFile(fileSystem: FileSystem, path: string): Promise<void> {
  const file = await fileSystem.open(path, 'write');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
