/**
 * `state.json`: what the mirror is of, whom it trusts, and where it stands. It is written when
 * everything that it speaks of is on the disk, and names its own SHA-256, so that a byte changed in it
 * is found too. `unsealed` lies beside it while files are further than it says.
 */
import { canonicalJson, readCanonicalJson, type Json } from '../proof/canonical-json.ts';
import type { PublicKey } from '../proof/key.ts';
import { sha256Of } from '../proof/manifest.ts';
import { mirrorError } from './errors.ts';
import type { MirrorFiles } from './files.ts';

export interface MirrorState {
  readonly format: 'quantrac-mirror/1';
  readonly url: string;
  /** By parameter of the API, as they were asked for. */
  readonly filter: Readonly<Record<string, string>>;
  /** Trusted: the first was pinned at the beginning, the others were announced by the one before. */
  readonly keys: readonly PublicKey[];
  /** Of `/changes`: the copy is true here; null before the first copy is whole. */
  readonly cursor: string | null;
  /** The last manifest of the chain that was verified. */
  readonly chain: ChainState | null;
  /** The manifest that the copy was last proved against. */
  readonly proven: number | null;
  /** Of `observations/index.json`. */
  readonly index: string | null;
  readonly metadata: Readonly<Record<string, { readonly sha256: string; readonly etag: string }>>;
  /** Manifests of histories that the server has left, each with the SHA-256 of its last one. */
  readonly forks: readonly { readonly folder: string; readonly sha256: string }[];
}

export interface ChainState {
  readonly first: number;
  readonly sequence: number;
  readonly sha256: string;
}

export const stateName = 'state.json';
export const unsealedName = 'unsealed';

/** The datastreams of the manifest that the copy was last proved against. */
export function provenName(sequence: number): string {
  return `proven-${String(sequence).padStart(8, '0')}.json`;
}

/** Undefined where there is none. Throws MIRROR_STATE_DAMAGED. */
export function readState(files: MirrorFiles): MirrorState | undefined {
  const bytes = files.read(stateName);
  if (bytes === undefined) return undefined;
  const text = bytes.toString('utf8');
  const value = readCanonicalJson(text) as (MirrorState & { readonly sha256: string }) | undefined;
  const isText = Buffer.from(text).equals(bytes);
  if (!isText || value === undefined || value === null || typeof value !== 'object')
    throw damaged();
  const { sha256, ...state } = value;
  if (state.format !== 'quantrac-mirror/1' || sha256Of(textOf(state)) !== sha256) throw damaged();
  return state;
}

/** Durable when it returns. */
export function writeState(files: MirrorFiles, state: MirrorState): void {
  const sha256 = sha256Of(textOf(state));
  files.write(stateName, canonicalJson({ ...state, sha256 } as unknown as Json));
  files.sync(stateName);
}

function textOf(state: MirrorState): string {
  return canonicalJson(state as unknown as Json);
}

function damaged(): Error {
  return mirrorError('MIRROR_STATE_DAMAGED', { file: stateName, exitCode: 1 });
}
