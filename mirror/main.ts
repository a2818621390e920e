/**
 * An exact local copy of what a Quantrac server gives out to everybody, kept by its change feed and
 * proved against its signed manifests. It speaks to the server over HTTP alone, without a key.
 */
import type { Clock } from '../devices/clock.ts';
import { canonicalJson } from '../proof/canonical-json.ts';
import { boundFiles } from './bounded.ts';
import { mirrorError } from './errors.ts';
import type { MirrorFiles } from './files.ts';
import { openServer } from './http.ts';
import { runMirror, type MirrorEvent, type RunResult } from './run.ts';
import { readState, stateName, writeState, type MirrorState } from './state.ts';

export { openMirrorFiles } from './files-node.ts';
export { verifyMirror, type MirrorFinding, type MirrorReport } from './verify.ts';
export type { MirrorEvent, MirrorFiles, MirrorState, RunResult };

export interface MirrorOptions {
  /** For example `https://data.example.vn`. */
  readonly url: string;
  readonly files: MirrorFiles;
  /** `datastream`, `station`, `property`, `dataset`: lists separated by commas. None: everything. */
  readonly filter?: Readonly<Record<string, string>>;
  /** The key to trust: its 32 bytes in base64url, or its thumbprint. None: the first that is met. */
  readonly key?: string | undefined;
  /** Goes on until `isStopping`. */
  readonly follow?: boolean;
  /** Between two looks at the feed. */
  readonly pollMs?: number;
  readonly isStopping?: () => boolean;
  readonly clock: Clock;
  readonly fetch: typeof fetch;
  /** Of the disk, that the folder may take. None: what is free but a reserve. */
  readonly bytesMax?: number | undefined;
  /**
   * Pages of the feed in sequence that bring no change and are not its end: beyond, it rejects with
   * MIRROR_SERVER_UNANSWERED. A page looks through 4 MiB of the server's log, so what is usual is more
   * than any server keeps (400 GB).
   */
  readonly emptyPagesMax?: number;
  /**
   * How long a server that was restored may take to make its first manifest; beyond, it rejects with
   * MIRROR_NOT_TRUSTED.
   */
  readonly restoredWaitMs?: number;
  /** Tries of one question before it gives up. */
  readonly triesMax?: number;
  readonly tell?: (event: MirrorEvent) => void;
  readonly onWait?: (wait: { readonly path: string; readonly waitMs: number }) => void;
}

const pollMsDefault = 5_000;
const restoredWaitMsDefault = 600_000;
const triesMaxDefault = 10;
const emptyPagesMaxDefault = 100_000;

/**
 * Brings the folder to the end of the feed, or keeps it there with `follow`. Rejects with a MIRROR_
 * error; what was copied until then stays, and the next run goes on from it.
 */
export async function mirror(options: MirrorOptions): Promise<RunResult> {
  const { clock } = options;
  const files = boundFiles(options.files, options.bytesMax);
  const state = readState(files) ?? begin({ ...options, files });
  requireSame(state, options);
  const server = openServer({
    url: options.url,
    fetch: options.fetch,
    clock,
    triesMax: options.triesMax ?? triesMaxDefault,
    onWait: options.onWait ?? (() => undefined),
  });
  return runMirror({
    files,
    server,
    clock,
    state,
    key: options.key,
    follow: options.follow ?? false,
    pollMs: options.pollMs ?? pollMsDefault,
    emptyPagesMax: options.emptyPagesMax ?? emptyPagesMaxDefault,
    restoredWaitMs: options.restoredWaitMs ?? restoredWaitMsDefault,
    isStopping: options.isStopping ?? (() => false),
    tell: options.tell ?? (() => undefined),
  });
}

function begin({ files, url, filter = {} }: MirrorOptions): MirrorState {
  const found = files.list('.');
  if (found.length > 0) throw mirrorError('MIRROR_FOLDER_STRANGE', { found: found.slice(0, 3) });
  const state: MirrorState = {
    format: 'quantrac-mirror/1',
    url,
    filter,
    keys: [],
    cursor: null,
    chain: null,
    proven: null,
    index: null,
    metadata: {},
    forks: [],
  };
  writeState(files, state);
  return state;
}

/** A server may move to another address: only the choice of datastreams is for good. */
function requireSame(state: MirrorState, { filter = {}, key }: MirrorOptions): void {
  const textOf = (of: Readonly<Record<string, string>>): string => canonicalJson(of);
  if (textOf(state.filter) !== textOf(filter)) {
    throw mirrorError('MIRROR_FOLDER_STRANGE', { file: stateName, filter: state.filter });
  }
  const isTrusted = state.keys.some(({ kid, x }) => kid === key || x === key);
  if (key !== undefined && state.keys.length > 0 && !isTrusted) {
    throw mirrorError('MIRROR_NOT_TRUSTED', {
      key,
      problem: 'the mirror trusts another',
      exitCode: 1,
    });
  }
}
