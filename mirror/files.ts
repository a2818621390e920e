/**
 * What a mirror needs of a folder, as a port: the machine's (`files-node.ts`), and in tests one that
 * dies at a given step. Paths are relative to the folder, with `/`. Whatever is written is there for
 * readers at once, and survives a loss of power once it is synced.
 */
export interface MirrorFiles {
  /** Undefined where there is no such file. */
  read(path: string): Buffer | undefined;
  /** The last bytes of a file, at most so many. */
  readEnd(path: string, bytesMax: number): Buffer | undefined;
  /** Makes the file or replaces it, whole or not at all; makes its folder. */
  write(path: string, bytes: Uint8Array | string): void;
  /** Puts bytes behind the file's last one; a kill may leave a part of them. Makes what is missing. */
  append(path: string, bytes: string): void;
  /** Cuts the file to so many bytes. */
  cut(path: string, bytes: number): void;
  /** A file, or a folder with all that is in it; none is no error. */
  remove(path: string): void;
  /** Into a folder that is made where it is missing. */
  move(from: string, to: string): void;
  /** Names in a folder, sorted; none where there is no folder. */
  list(folder: string): readonly string[];
  /** Makes a file and its name durable. */
  sync(path: string): void;
  /** What a file, or a folder with all that is in it, takes of the disk, in bytes; 0 where it is not. */
  taken(path: string): number;
  /** Bytes that are free on its disk, and all of it. */
  disk(): { readonly freeBytes: number; readonly allBytes: number };
}

/** Disks give out blocks: millions of short files take far more than their bytes. */
const blockBytes = 4_096;

/** What a file of so many bytes takes. */
export function takenBy(bytes: number): number {
  return Math.ceil(bytes / blockBytes) * blockBytes;
}
