/**
 * A file under way: written beside its place under a name that is never read, hashed as it is
 * written, and put in place only when it is whole and on the disk.
 */
import { createHash } from 'node:crypto';

import {
  temporarySuffix,
  unlinkIfThere,
  writeWhole,
  type FileSystem,
} from '../../ingest/log/file-system.ts';

export interface WholePart {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
  /** Puts it in place; durable once the directory is synced. */
  place(name: string): Promise<void>;
}

export interface Part {
  write(bytes: Uint8Array): Promise<void>;
  /** Synced and closed. */
  finish(): Promise<WholePart>;
  /** Removes what there is; harmless afterwards and again. */
  discard(): Promise<void>;
}

/** Small pieces are gathered to so many bytes before they are written. */
const gatherBytes = 1_048_576;

/** Takes over what an earlier try has left. */
export async function openPart(
  fileSystem: FileSystem,
  directory: string,
  kind: string,
): Promise<Part> {
  const path = `${directory}/${kind}${temporarySuffix}`;
  await unlinkIfThere(fileSystem, path);
  const file = await fileSystem.open(path, 'create');
  const hash = createHash('sha256');
  let isOpen = true;
  let isPlaced = false;
  let written = 0;
  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;

  async function flush(): Promise<void> {
    if (gatheredBytes === 0) return;
    const bytes = Buffer.concat(gathered);
    gathered = [];
    gatheredBytes = 0;
    await writeWhole(file, bytes, bytes.length, written);
    written += bytes.length;
  }

  async function close(): Promise<void> {
    if (!isOpen) return;
    isOpen = false;
    await file.close();
  }

  return {
    async write(bytes) {
      hash.update(bytes);
      gathered.push(bytes);
      gatheredBytes += bytes.length;
      if (gatheredBytes >= gatherBytes) await flush();
    },
    async finish() {
      await flush();
      await file.sync();
      await close();
      return {
        bytes: written,
        sha256: hash.digest('hex'),
        async place(name) {
          await fileSystem.rename(path, `${directory}/${name}`);
          isPlaced = true;
        },
      };
    },
    async discard() {
      await close();
      if (!isPlaced) await unlinkIfThere(fileSystem, path);
    },
  };
}
