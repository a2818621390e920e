/**
 * The chain of manifests: each is fetched once, believed only when it is signed with a trusted key and
 * joins the one before, and kept byte for byte in `manifests/`. A server that was restored from a
 * backup goes on from an earlier manifest: those that it does not have any more are put aside in
 * `forks/`, and the chain goes on from the last that both have. Only a manifest that says so does
 * that: of another store, made later than all that is held, signed with the newest key that is
 * trusted. What only is not served any more, or was signed before a key was given up, ends the run:
 * else whoever stands between could take the copy back to any earlier day. A server that was restored
 * answers a little before that manifest of its own is made, so it is waited for first.
 */
import { type PublicKey } from '../proof/key.ts';
import {
  keyBehind,
  problemInChain,
  readManifest,
  sha256Of,
  type ChainPlace,
  type Manifest,
} from '../proof/manifest.ts';
import type { MirrorFiles } from './files.ts';
import type { Server } from './http.ts';
import { fetchKey, fetchManifest, hasStill, notTrusted, type ServedManifest } from './served.ts';
import type { ChainState, MirrorState } from './state.ts';
import type { Waiting } from './waiting.ts';

/** What it stands for now. */
export interface ChainNow {
  readonly chain: ChainState | null;
  readonly keys: readonly PublicKey[];
  readonly forks: MirrorState['forks'];
}

export interface Chain {
  readonly now: ChainNow;
  readonly newest: Manifest | undefined;
  /**
   * Takes every manifest up to this one, or to the latest; true too where it is held already; false
   * where the server has none (yet).
   */
  advance(upTo?: number): Promise<boolean>;
  /** A manifest of the chain that is held. */
  held(sequence: number): Manifest | undefined;
  /** True once the server had left what this chain held. */
  takeForked(): boolean;
}

export interface ChainOptions {
  readonly files: MirrorFiles;
  readonly server: Server;
  readonly state: ChainNow;
  /** The key to trust, as its 32 bytes in base64url or as its thumbprint; else the first that is met. */
  readonly key: string | undefined;
  readonly onManifest: (manifest: Manifest) => void;
  /** Files of manifests were put aside: what `now` says is to be kept at once. */
  readonly onLeft: (now: ChainNow) => void;
  /** Begins to wait for something that the server may be making. */
  readonly wait: () => Waiting;
}

export function manifestName(sequence: number): string {
  return `manifests/${String(sequence).padStart(8, '0')}.json`;
}

interface Link extends ChainOptions {
  now: ChainNow;
  newest: Manifest | undefined;
  isForked: boolean;
}

export function openChain(options: ChainOptions): Chain {
  const { files, state } = options;
  const { chain, keys, forks } = state;
  const newest = chain === null ? undefined : readKept(files, chain.sequence);
  const link: Link = { ...options, now: { chain, keys, forks }, newest, isForked: false };
  return {
    get now() {
      return link.now;
    },
    get newest() {
      return link.newest;
    },
    advance: (upTo) => advance(link, upTo),
    held: (sequence) => (isHeld(link, sequence) ? readKept(files, sequence) : undefined),
    takeForked() {
      const was = link.isForked;
      link.isForked = false;
      return was;
    },
  };
}

async function advance(link: Link, upTo: number | undefined): Promise<boolean> {
  const waiting = link.wait();
  for (;;) {
    const end = await look(link, upTo);
    if (end !== 'left') return end === 'there';
    const next = await waiting();
    if (next === 'stopping') return false;
    if (next === 'over') throw notTrusted(link.now.chain?.sequence ?? 0, leftProblem);
  }
}

const endOfTrust = 'ask who runs the server by another way, and if it was restored mirror it anew';
const leftProblem = `is not served any more, and none of a restored server in its place: if it was restored, run again once it has made a manifest; else ${endOfTrust}`;

/** `left`: the server has what is held no more, and nothing in its place (yet). */
async function look(link: Link, upTo: number | undefined): Promise<'there' | 'none' | 'left'> {
  const { server } = link;
  const which = upTo === undefined ? 'latest' : String(upTo);
  const latest = await fetchManifest(server, which, link.now.chain?.sha256);
  if (latest === 'known') return 'there';
  if (latest === undefined) return 'none';
  const held = link.now.chain;
  if (held === null) await begin(link, latest);
  else if (isKept(link, latest) && (upTo !== undefined || (await isThere(link, held))))
    return 'there';
  else if (!(await isThere(link, held)) && !(await leave(link, latest))) return 'left';
  return takeUpTo(link, latest);
}

async function takeUpTo(link: Link, latest: ServedManifest): Promise<'there' | 'none'> {
  const last = latest.manifest.sequence;
  while (link.now.chain !== null && link.now.chain.sequence < last) {
    const next = link.now.chain.sequence + 1;
    const found = next === last ? latest : await fetchManifest(link.server, String(next));
    if (found === undefined || found === 'known') return 'none';
    accept(link, found, placeBehind(link));
  }
  return 'there';
}

function isHeld({ now: { chain } }: Link, sequence: number): boolean {
  return chain !== null && chain.first <= sequence && sequence <= chain.sequence;
}

/** The copy may stand before the end of the chain: then it meets manifests that are held already. */
function isKept(link: Link, { manifest: { sequence }, sha256 }: ServedManifest): boolean {
  if (!isHeld(link, sequence)) return false;
  const kept = link.files.read(manifestName(sequence));
  return kept !== undefined && sha256Of(kept) === sha256;
}

function isThere({ server }: Link, { sequence, sha256 }: ChainState): Promise<boolean> {
  return hasStill(server, sequence, sha256);
}

/** Whoever has no manifest begins with the latest, and trusts its key or the one that was named. */
async function begin(link: Link, latest: ServedManifest): Promise<void> {
  if (link.now.keys.length === 0) {
    link.now = { ...link.now, keys: [await fetchKey(link.server, latest.manifest, link.key)] };
  }
  accept(link, latest, undefined);
}

/** What the next manifest has to join. */
function placeBehind({ now, newest }: Pick<Link, 'now' | 'newest'>): ChainPlace['before'] {
  if (now.chain === null || newest === undefined) return undefined;
  const { sequence, sha256 } = now.chain;
  const key = keyBehind(newest, now.keys);
  if (key === undefined) throw notTrusted(sequence, 'names a key that is not known');
  return { sequence, sha256, key };
}

function requireTrusted(link: Link, manifest: Manifest, before: ChainPlace['before']): void {
  const problem = problemInChain(manifest, { keys: link.now.keys, before });
  if (problem !== undefined) throw notTrusted(manifest.sequence, problem);
}

function accept(link: Link, found: ServedManifest, before: ChainPlace['before']): void {
  const { files } = link;
  const { manifest, document, sha256 } = found;
  requireTrusted(link, manifest, before);
  const { nextKey, sequence } = manifest;
  const isNew = nextKey !== undefined && !link.now.keys.some(({ kid }) => kid === nextKey.kid);
  files.write(manifestName(sequence), document);
  files.sync(manifestName(sequence));
  const first = link.now.chain?.first ?? sequence;
  const keys = isNew ? [...link.now.keys, nextKey] : link.now.keys;
  link.now = { ...link.now, keys, chain: { first, sequence, sha256 } };
  link.newest = manifest;
  link.onManifest(manifest);
}

/**
 * Puts aside what the server has left, once it is clear that what it goes on with can be believed.
 * False where it goes on with nothing.
 */
async function leave(link: Link, latest: ServedManifest): Promise<boolean> {
  const { files, now } = link;
  if (now.chain === null) return true;
  const { first, sequence, sha256 } = now.chain;
  const common = await lastCommon(link, Math.min(sequence, latest.manifest.sequence), first);
  const kept = common === undefined ? undefined : readKept(files, common.sequence);
  if (!(await requireRestored(link, latest, { common, kept }))) return false;
  const folder = `forks/${String(now.forks.length + 1).padStart(4, '0')}`;
  for (let each = (common?.sequence ?? first - 1) + 1; each <= sequence; each++) {
    const name = manifestName(each);
    if (files.read(name) !== undefined) files.move(name, folder + name.slice('manifests'.length));
  }
  const forks = [...now.forks, { folder, sha256 }];
  const chain = common === undefined ? null : { first, ...common };
  link.now = { ...now, forks, chain };
  link.newest = kept;
  link.isForked = true;
  if (chain === null) await begin(link, latest);
  link.onLeft(link.now);
  return true;
}

interface Common {
  readonly common: Pick<ChainState, 'sequence' | 'sha256'> | undefined;
  /** The manifest of that number. */
  readonly kept: Manifest | undefined;
}

/** Behind what is common there is a manifest of a server that was restored; false where there is none. */
async function requireRestored(
  link: Link,
  latest: ServedManifest,
  { common, kept }: Common,
): Promise<boolean> {
  const { now, newest, server } = link;
  const { first = 1 } = now.chain ?? {};
  let next: Manifest | undefined = latest.manifest;
  let before: ChainPlace['before'];
  if (common !== undefined && kept !== undefined) {
    before = placeBehind({ now: { ...now, chain: { first, ...common } }, newest: kept });
    next = await servedAt(server, common.sequence + 1);
  }
  if (next === undefined || newest === undefined) return false;
  // Older than the first that is held, so of those that it never had.
  if (next.sequence < first && next.storeId === newest.storeId) return false;
  requireTrusted(link, next, before);
  const isOther = next.storeId !== newest.storeId && next.storeId !== kept?.storeId;
  const isLater = Date.parse(next.madeAt) >= Date.parse(newest.madeAt);
  const problem = 'stands in the place of one that is held, and is not';
  if (!isOther || !isLater) {
    throw notTrusted(next.sequence, `${problem} a later one of a restored server: ${endOfTrust}`);
  }
  if (next.key !== now.keys.at(-1)?.kid) {
    const how = `${endOfTrust} into a new folder, naming its key`;
    throw notTrusted(next.sequence, `${problem} signed with the newest key: ${how}`);
  }
  return true;
}

async function servedAt(server: Server, sequence: number): Promise<Manifest | undefined> {
  const found = await fetchManifest(server, String(sequence));
  return found === undefined || found === 'known' ? undefined : found.manifest;
}

/** The last manifest that is here and at the server. */
async function lastCommon(
  { files, server }: Link,
  from: number,
  first: number,
): Promise<Pick<ChainState, 'sequence' | 'sha256'> | undefined> {
  for (let sequence = from; sequence >= first; sequence--) {
    const kept = files.read(manifestName(sequence));
    if (kept === undefined) continue;
    const sha256 = sha256Of(kept);
    if (await hasStill(server, sequence, sha256)) return { sequence, sha256 };
  }
  return undefined;
}

function readKept(files: MirrorFiles, sequence: number): Manifest | undefined {
  const document = files.read(manifestName(sequence));
  const read = document === undefined ? undefined : readManifest(document);
  return read !== undefined && 'manifest' in read ? read.manifest : undefined;
}
