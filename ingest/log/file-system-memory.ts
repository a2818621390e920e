import type { Random } from '../../devices/random.ts';
import type { FileSystem, OpenFile, OpenMode } from './file-system.ts';

/**
 * A disk in memory that knows what was synced. What a program reads back is what it wrote; what a
 * loss of power leaves is only what `sync` and `syncDirectory` covered, plus any part of the rest:
 * each unsynced sector, each unsynced creation, rename and removal survives or not by itself, as a
 * disk that reorders its writes would have it. Syncing a file does not make its name durable.
 */
export interface MemoryFileSystem extends FileSystem {
  /** Bytes that all files together may have; beyond it writes are short, then fail with ENOSPC. */
  capacityBytes: number;
  /** Forgets or tears what was not synced and closes all files. */
  powerCut(random: Random): void;
  /** Ends the program: all files are closed, all content stays. */
  kill(): void;
  /** After a failed sync the system holds the unsynced pages clean: no later sync writes them. */
  loseUnsynced(path: string): void;
  /** What a program would read now. */
  contents(path: string): Buffer;
  /** Sets content and name, durably: to damage a file as a disk would. */
  setContents(path: string, bytes: Uint8Array): void;
  paths(): string[];
}

const sectorBytes = 512;

interface Change {
  readonly offset: number;
  /** Null: the file was cut at `offset`. */
  readonly bytes: Buffer | null;
  /** `doubtful`: a sync failed for it; it may be on the disk, and no sync will bring it there. */
  state: 'unsynced' | 'synced' | 'doubtful';
}

interface Inode {
  live: Content;
  durable: Content;
  /** Everything since `durable`, in order; its synced beginning is moved there. */
  changes: Change[];
}

interface NameChange {
  readonly set?: { readonly name: string; readonly inode: Inode };
  readonly remove?: string;
}

interface Directory {
  live: Map<string, Inode>;
  durable: Map<string, Inode>;
  unsynced: NameChange[];
}

interface Disk {
  readonly directories: Map<string, Directory>;
  /** Grows with each loss of power or kill: a file opened before is gone. */
  age: number;
  capacityBytes: number;
}

export function createMemoryFileSystem(): MemoryFileSystem {
  const disk: Disk = { directories: new Map(), age: 0, capacityBytes: Infinity };
  return {
    ...names(disk),
    ...switches(disk),
    get capacityBytes() {
      return disk.capacityBytes;
    },
    set capacityBytes(bytes: number) {
      disk.capacityBytes = bytes;
    },
    freeBytes: async () => Math.max(0, disk.capacityBytes - usedBytes(disk)),
  };
}

function names(disk: Disk): Omit<FileSystem, 'freeBytes'> {
  return {
    async open(path, mode) {
      const directory = directoryOf(disk, path);
      const name = nameOf(path);
      let inode = directory.live.get(name);
      if (mode === 'create' || mode === 'createSecret') {
        if (inode !== undefined) throw failure('EEXIST', path);
        inode = inodeWith(Buffer.alloc(0));
        setName(directory, name, inode);
      }
      if (inode === undefined) throw failure('ENOENT', path);
      return createFile(disk, inode, mode);
    },
    async rename(from, to) {
      const source = directoryOf(disk, from);
      const inode = source.live.get(nameOf(from));
      if (inode === undefined) throw failure('ENOENT', from);
      if (source !== directoryOf(disk, to)) throw failure('EXDEV', to);
      source.live.delete(nameOf(from));
      source.live.set(nameOf(to), inode);
      source.unsynced.push({ set: { name: nameOf(to), inode }, remove: nameOf(from) });
    },
    async unlink(path) {
      const directory = directoryOf(disk, path);
      if (!directory.live.delete(nameOf(path))) throw failure('ENOENT', path);
      directory.unsynced.push({ remove: nameOf(path) });
    },
    async list(path) {
      return [...(disk.directories.get(path) ?? missing(path)).live.keys()];
    },
    async makeDirectory(path) {
      if (disk.directories.has(path)) return;
      disk.directories.set(path, { live: new Map(), durable: new Map(), unsynced: [] });
    },
    async syncDirectory(path) {
      const directory = disk.directories.get(path) ?? missing(path);
      for (const change of directory.unsynced) applyName(directory.durable, change);
      directory.unsynced = [];
    },
  };
}

function createFile(disk: Disk, inode: Inode, mode: OpenMode): OpenFile {
  const age = disk.age;
  let open = true;
  const check = (writes: boolean): void => {
    if (!open || age !== disk.age || (writes && mode === 'read')) throw failure('EBADF', 'file');
  };
  return {
    async read(target, at, length, offset) {
      check(false);
      return bytesOf(inode.live).copy(target, at, offset, offset + length);
    },
    async write(source, at, length, offset) {
      check(true);
      const free = disk.capacityBytes - usedBytes(disk) + inode.live.length - offset;
      const taken = Math.min(length, Math.max(0, free));
      if (taken === 0 && length > 0) throw failure('ENOSPC', 'file');
      applyLive(inode, offset, Buffer.from(source.subarray(at, at + taken)));
      return taken;
    },
    async sync() {
      check(false);
      settle(inode, 'synced');
      const kept = inode.changes.findIndex((change) => change.state !== 'synced');
      const synced = inode.changes.splice(0, kept < 0 ? inode.changes.length : kept);
      for (const change of synced) apply(inode.durable, change.offset, change.bytes);
    },
    async truncate(bytes) {
      check(true);
      applyLive(inode, bytes, null);
    },
    async size() {
      check(false);
      return inode.live.length;
    },
    async close() {
      check(false);
      open = false;
    },
  };
}

function switches(
  disk: Disk,
): Pick<
  MemoryFileSystem,
  'powerCut' | 'kill' | 'loseUnsynced' | 'contents' | 'setContents' | 'paths'
> {
  return {
    powerCut(random) {
      disk.age++;
      const inodes = new Set<Inode>();
      for (const directory of disk.directories.values()) {
        for (const inode of directory.live.values()) inodes.add(inode);
        for (const inode of directory.durable.values()) inodes.add(inode);
        for (const change of directory.unsynced) {
          if (random.next() < 0.5) applyName(directory.durable, change);
        }
        directory.unsynced = [];
        directory.live = new Map(directory.durable);
      }
      for (const inode of inodes) tear(inode, random);
    },
    kill() {
      disk.age++;
    },
    loseUnsynced(path) {
      const inode = directoryOf(disk, path).live.get(nameOf(path));
      if (inode !== undefined) settle(inode, 'doubtful');
    },
    contents: (path) => Buffer.from(bytesOf(inodeOf(disk, path).live)),
    setContents(path, bytes) {
      const directory = directoryOf(disk, path);
      const inode = inodeWith(bytes);
      directory.live.set(nameOf(path), inode);
      directory.durable.set(nameOf(path), inode);
    },
    paths: () =>
      [...disk.directories].flatMap(([path, directory]) =>
        [...directory.live.keys()].map((name) => `${path}/${name}`),
      ),
  };
}

function settle(inode: Inode, state: Change['state']): void {
  for (const change of inode.changes) if (change.state === 'unsynced') change.state = state;
}

/** In their order: what was synced is there, each other change wholly, not at all, or by sectors. */
function tear(inode: Inode, random: Random): void {
  for (const { offset, bytes, state } of inode.changes) {
    const fate = state === 'synced' ? 0.5 : random.next();
    if (fate < 0.3) continue;
    if (fate < 0.6 || bytes === null) apply(inode.durable, offset, bytes);
    else tearWrite(inode, offset, bytes, random);
  }
  inode.changes = [];
  inode.live = contentOf(bytesOf(inode.durable));
}

function tearWrite(inode: Inode, offset: number, bytes: Buffer, random: Random): void {
  let at = 0;
  while (at < bytes.length) {
    const end = Math.min(bytes.length, at + sectorBytes - ((offset + at) % sectorBytes));
    if (random.next() < 0.5) {
      apply(inode.durable, offset + at, bytes.subarray(at, end));
    }
    at = end;
  }
}

function applyLive(inode: Inode, offset: number, bytes: Buffer | null): void {
  apply(inode.live, offset, bytes);
  inode.changes.push({ offset, bytes, state: 'unsynced' });
}

/** Bytes in a buffer that grows by doubling. */
interface Content {
  buffer: Buffer;
  length: number;
}

function contentOf(bytes: Uint8Array): Content {
  return { buffer: Buffer.from(bytes), length: bytes.length };
}

function bytesOf(content: Content): Buffer {
  return content.buffer.subarray(0, content.length);
}

function apply(content: Content, offset: number, bytes: Buffer | null): void {
  const end = offset + (bytes?.length ?? 0);
  if (end > content.buffer.length) {
    const larger = Buffer.alloc(Math.max(end, 2 * content.buffer.length));
    content.buffer.copy(larger, 0, 0, content.length);
    content.buffer = larger;
  }
  if (bytes !== null) {
    bytes.copy(content.buffer, offset);
    content.length = Math.max(content.length, end);
  } else {
    content.buffer.fill(0, end);
    content.length = end;
  }
}

function inodeWith(bytes: Uint8Array): Inode {
  return { live: contentOf(bytes), durable: contentOf(bytes), changes: [] };
}

function setName(directory: Directory, name: string, inode: Inode): void {
  directory.live.set(name, inode);
  directory.unsynced.push({ set: { name, inode } });
}

function applyName(into: Map<string, Inode>, change: NameChange): void {
  if (change.remove !== undefined) into.delete(change.remove);
  if (change.set !== undefined) into.set(change.set.name, change.set.inode);
}

function usedBytes(disk: Disk): number {
  let used = 0;
  for (const directory of disk.directories.values()) {
    for (const inode of directory.live.values()) used += inode.live.length;
  }
  return used;
}

function directoryOf(disk: Disk, path: string): Directory {
  return disk.directories.get(path.slice(0, path.lastIndexOf('/'))) ?? missing(path);
}

function inodeOf(disk: Disk, path: string): Inode {
  return directoryOf(disk, path).live.get(nameOf(path)) ?? missing(path);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function missing(path: string): never {
  throw failure('ENOENT', path);
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
