import type { FileSystem, OpenFile } from './file-system.ts';

/** Which call fails, and how. `SHORT` writes half of the bytes and says so, as a full disk may. */
export interface Fault {
  readonly call: FaultyCall;
  /** From 1: which call of its kind fails. */
  readonly nth: number;
  readonly code: 'EIO' | 'ENOSPC' | 'EMFILE' | 'SHORT';
  /** How many calls in a row fail; 1 unless told. */
  readonly times?: number;
}

export const faultyCalls = [
  'open',
  'read',
  'write',
  'sync',
  'truncate',
  'rename',
  'unlink',
  'list',
  'syncDirectory',
] as const;
export type FaultyCall = (typeof faultyCalls)[number];

export interface FaultyFileSystem extends FileSystem {
  /** How often each call has been made. */
  readonly calls: Readonly<Record<FaultyCall, number>>;
  /** How many calls failed. */
  readonly failures: number;
  /** Replaces the faults to come; calls are counted on. */
  setFaults(faults: readonly Fault[]): void;
}

/** The inner file system, with faults. A failed sync makes it lose what was unsynced, where it can. */
export function createFaultyFileSystem(
  inner: FileSystem & { loseUnsynced?: (path: string) => void },
  faults: readonly Fault[] = [],
): FaultyFileSystem {
  const calls: Record<FaultyCall, number> = {
    open: 0,
    read: 0,
    write: 0,
    sync: 0,
    truncate: 0,
    rename: 0,
    unlink: 0,
    list: 0,
    syncDirectory: 0,
  };
  let planned = faults;
  let failures = 0;

  function faultOf(call: FaultyCall): Fault['code'] | null {
    const count = ++calls[call];
    const fault = planned.find(
      (one) => one.call === call && count >= one.nth && count < one.nth + (one.times ?? 1),
    );
    if (fault === undefined) return null;
    failures++;
    return fault.code;
  }

  async function step<Result>(call: FaultyCall, run: () => Promise<Result>): Promise<Result> {
    const code = faultOf(call);
    if (code !== null) throw Object.assign(new Error(`${code}: ${call}`), { code });
    return run();
  }

  function wrap(path: string, file: OpenFile): OpenFile {
    return {
      read: (target, at, length, offset) =>
        step('read', () => file.read(target, at, length, offset)),
      async write(source, at, length, offset) {
        const code = faultOf('write');
        if (code === null) return file.write(source, at, length, offset);
        if (code === 'SHORT') return file.write(source, at, Math.ceil(length / 2), offset);
        throw Object.assign(new Error(`${code}: write`), { code });
      },
      async sync() {
        const code = faultOf('sync');
        if (code === null) return file.sync();
        inner.loseUnsynced?.(path);
        throw Object.assign(new Error(`${code}: sync`), { code });
      },
      truncate: (bytes) => step('truncate', () => file.truncate(bytes)),
      size: () => file.size(),
      close: () => file.close(),
    };
  }

  return {
    calls,
    get failures() {
      return failures;
    },
    setFaults: (next) => void (planned = next),
    open: (path, mode) => step('open', async () => wrap(path, await inner.open(path, mode))),
    rename: (from, to) => step('rename', () => inner.rename(from, to)),
    unlink: (path) => step('unlink', () => inner.unlink(path)),
    list: (directory) => step('list', () => inner.list(directory)),
    makeDirectory: (path) => inner.makeDirectory(path),
    syncDirectory: (path) => step('syncDirectory', () => inner.syncDirectory(path)),
    freeBytes: (path) => inner.freeBytes(path),
  };
}
