/**
 * A manifest, `quantrac-manifest/1`: what was open to everybody at one cursor, as one hash, with what
 * changed since the manifest before. It names that one by hash, so that none can be exchanged or left
 * out, and is signed. The document is canonical JSON (`canonical-json.ts`); what is signed is the
 * document without its member `signature`, and `previous` is the SHA-256 of the whole one before.
 */
import { createHash } from 'node:crypto';

import { canonicalJson, readCanonicalJson, type Json } from './canonical-json.ts';
import { isSignedBy, publicKeyOf, type PublicKey } from './key.ts';

export const manifestFormat = 'quantrac-manifest/1';

/**
 * [datastream, day, rows, sha256] of a bucket that is not as it was; sha256 null where it has no rows
 * any more; day null too where the whole datastream is not open any more.
 */
export type ChangedBucket = readonly [string, string | null, number, string | null];

/** [path below the folder of files, bytes, sha256] of a file made since. */
export type MadeFile = readonly [string, number, string];

export interface Manifest {
  readonly format: typeof manifestFormat;
  /** Of the history that `cursor` is of; another one than before after a restore. */
  readonly storeId: string;
  /** From 1, without holes. */
  readonly sequence: number;
  /** SHA-256 of the document before; null for the first. */
  readonly previous: string | null;
  /** The last UTC day that was over. */
  readonly day: string;
  /** Of `/changes`: the manifest is true here. */
  readonly cursor: string;
  /** RFC 3339 in UTC. */
  readonly madeAt: string;
  /** Over all datastreams (`tree.ts`). */
  readonly root: string;
  /** Datastreams that are open and have rows. */
  readonly datastreams: number;
  readonly rows: number;
  /** Sorted by datastream and day. */
  readonly changed: readonly ChangedBucket[];
  readonly files: readonly MadeFile[];
  /** Name of the key that signed. */
  readonly key: string;
  /** The key that signs from the next manifest on, where that is another one. */
  readonly nextKey?: PublicKey;
  /** Ed25519, 64 bytes in base64url. */
  readonly signature: string;
}

export type UnsignedManifest = Omit<Manifest, 'signature'>;

/**
 * The canonical text of a manifest whose changed buckets are text already, each as `canonicalJson`
 * writes it: there may be very many, and `changed` is the first member by name.
 */
export function manifestText(
  manifest: Omit<UnsignedManifest, 'changed'> & { readonly signature?: string },
  changed: readonly string[],
): string {
  const rest = canonicalJson(manifest as unknown as Json);
  return `{"changed":[${changed.join(',')}],${rest.slice(1)}`;
}

/** What is signed of a manifest. */
export function signedBytes(manifest: UnsignedManifest): Uint8Array {
  const { signature: _signature, ...unsigned } = manifest as Partial<Manifest>;
  return Buffer.from(canonicalJson(unsigned as unknown as Json));
}

export function sha256Of(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** What is wrong with a document, in one sentence; else the manifest. */
export type ReadManifest =
  | { readonly manifest: Manifest }
  | { readonly problem: string; readonly byte?: number };

export function readManifest(document: Uint8Array): ReadManifest {
  const text = Buffer.from(document).toString('utf8');
  const value = readCanonicalJson(text);
  if (value === undefined || sha256Of(text) !== sha256Of(document)) {
    return { problem: 'is not canonical JSON' };
  }
  const problem = problemOfMembers(value as Record<string, unknown> | null);
  return problem === undefined ? { manifest: value as unknown as Manifest } : { problem };
}

const hash = /^[0-9a-f]{64}$/;

const checks: Readonly<Record<string, (value: unknown) => boolean>> = {
  format: (value) => value === manifestFormat,
  storeId: isText,
  sequence: (value) => Number.isSafeInteger(value) && Number(value) >= 1,
  previous: (value) => value === null || isHash(value),
  day: (value) => isText(value) && /^\d{4}-\d\d-\d\d$/.test(value),
  cursor: isText,
  madeAt: isText,
  root: isHash,
  datastreams: isCount,
  rows: isCount,
  changed: (value) => Array.isArray(value) && value.every(isChanged),
  files: (value) => Array.isArray(value) && value.every(isFile),
  key: isText,
  nextKey: (value) => value === undefined || isKey(value),
  signature: isText,
};

function problemOfMembers(value: Record<string, unknown> | null): string | undefined {
  if (value === null || typeof value !== 'object') return 'is no object';
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(checks, name));
  if (unknown !== undefined) return `has the unknown member ${unknown}`;
  const wrong = Object.entries(checks).find(([name, isRight]) => !isRight(value[name]));
  return wrong === undefined ? undefined : `has no right member ${wrong[0]}`;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && hash.test(value);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isChanged(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 4) return false;
  const [datastream, day, rows, sha256] = value as unknown[];
  const isDay = day === null || (isText(day) && /^\d{4}-\d\d-\d\d$/.test(day));
  return isText(datastream) && isDay && isCount(rows) && (sha256 === null || isHash(sha256));
}

function isFile(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 3) return false;
  const [path, bytes, sha256] = value as unknown[];
  return isText(path) && isCount(bytes) && isHash(sha256);
}

function isKey(value: unknown): boolean {
  const { x, kid } = value as Partial<PublicKey>;
  try {
    return typeof x === 'string' && publicKeyOf(x).kid === kid;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** What a manifest must join: the keys that are trusted, and the manifest before it. */
export interface ChainPlace {
  readonly keys: readonly PublicKey[];
  /** Undefined where the manifest is the first that the verifier has. */
  readonly before:
    | { readonly sequence: number; readonly sha256: string; readonly key: PublicKey }
    | undefined;
}

/** Why the manifest cannot be believed; undefined where it can. */
export function problemInChain(
  manifest: Manifest,
  { keys, before }: ChainPlace,
): string | undefined {
  const key = keys.find(({ kid }) => kid === manifest.key);
  if (key === undefined) return `is signed with the key ${manifest.key}, which is not trusted`;
  if (!isSignedBy(key, signedBytes(manifest), manifest.signature)) {
    return 'does not have the signature of its key';
  }
  if (before === undefined) return undefined;
  if (manifest.sequence !== before.sequence + 1) {
    return `has the number ${manifest.sequence}, not ${before.sequence + 1}`;
  }
  if (manifest.previous !== before.sha256)
    return 'does not name the manifest before it by its hash';
  if (manifest.key !== before.key.kid) return 'is not signed with the key that was to sign it';
  return undefined;
}

/** The key that signs the manifest behind this one. */
export function keyBehind(manifest: Manifest, keys: readonly PublicKey[]): PublicKey | undefined {
  return manifest.nextKey ?? keys.find(({ kid }) => kid === manifest.key);
}
