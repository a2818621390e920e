/**
 * The manifest of a backup, `manifest.json`: written last and synced, so that a folder that has one
 * is whole. The files lie as in a data folder, but there is no `format.json`: a backup is not opened,
 * it is restored.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { FileSystem } from '../log/file-system.ts';
import { readFile, readWhole, replaceFile, systemCode } from '../log/file-system.ts';
import { maintainError } from './errors.ts';

const manifestName = 'manifest.json';
const manifestFormat = 'quantrac-backup/1';

const position = z.int().min(0);
const logSchema = z.strictObject({ first: position, end: position });

const manifestSchema = z.strictObject({
  format: z.literal(manifestFormat),
  madeAt: z.int(),
  storeId: z.string(),
  earlier: z.array(z.strictObject({ storeId: z.string(), upTo: position })),
  /** Null: there was no view; it is built again from the observations. */
  view: position.nullable(),
  observations: logSchema,
  readings: logSchema,
  /** Newest version of the registry. */
  registry: position,
  files: z.array(
    z.strictObject({
      path: z.string().regex(/^([a-z]+\/)?[a-z0-9][a-z0-9.]*$/),
      bytes: z.int().min(0),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestFile = Manifest['files'][number];

/** Throws INGEST_BACKUP_MISSING, …_VERSION or …_DAMAGED. */
export async function readManifest(fileSystem: FileSystem, directory: string): Promise<Manifest> {
  const content = await readContent(fileSystem, directory);
  const format = (content as { readonly format?: unknown } | null)?.format;
  if (format !== manifestFormat) {
    throw maintainError('INGEST_BACKUP_VERSION', {
      directory,
      found: format,
      readable: manifestFormat,
    });
  }
  const parsed = manifestSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues[0]?.path.join('.') ?? '';
  throw maintainError('INGEST_BACKUP_DAMAGED', {
    directory,
    file: manifestName,
    where,
    exitCode: 1,
  });
}

async function readContent(fileSystem: FileSystem, directory: string): Promise<unknown> {
  let text: string;
  try {
    text = (await readFile(fileSystem, `${directory}/${manifestName}`)).toString('utf8');
  } catch (error) {
    // There is no such folder, no such file in it, or the path is of a file.
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error)))
      throw maintainError('INGEST_BACKUP_MISSING', { directory });
    throw error;
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw maintainError(
      'INGEST_BACKUP_DAMAGED',
      { directory, file: manifestName, exitCode: 1 },
      error,
    );
  }
}

/** Whether the folder is a backup. */
export async function hasManifest(fileSystem: FileSystem, directory: string): Promise<boolean> {
  const names = await fileSystem.list(directory).catch((error: unknown): string[] => {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  });
  return names.includes(manifestName);
}

export async function writeManifest(
  fileSystem: FileSystem,
  directory: string,
  manifest: Omit<Manifest, 'format'>,
): Promise<void> {
  const content: Manifest = { format: manifestFormat, ...manifest };
  const bytes = Buffer.from(`${JSON.stringify(content, null, 1)}\n`);
  await replaceFile(fileSystem, directory, manifestName, bytes);
}

const chunkBytes = 1_048_576;

/** Size and SHA-256 of a file, read through once. */
export async function hashFile(
  fileSystem: FileSystem,
  path: string,
  onBytes: (bytes: number) => void = () => undefined,
): Promise<Pick<ManifestFile, 'bytes' | 'sha256'>> {
  const file = await fileSystem.open(path, 'read');
  try {
    const hash = createHash('sha256');
    const chunk = Buffer.allocUnsafeSlow(chunkBytes);
    let bytes = 0;
    for (;;) {
      const got = await readWhole(file, chunk, chunkBytes, bytes);
      hash.update(chunk.subarray(0, got));
      bytes += got;
      onBytes(got);
      if (got < chunkBytes) return { bytes, sha256: hash.digest('hex') };
    }
  } finally {
    await file.close();
  }
}
