/** Manifests as the server gives them. */
import { publicKeyOf, type PublicKey } from '../proof/key.ts';
import { readManifest, sha256Of, type Manifest } from '../proof/manifest.ts';
import { mirrorError } from './errors.ts';
import type { Answer, Server } from './http.ts';

export interface ServedManifest {
  readonly manifest: Manifest;
  readonly document: Buffer;
  readonly sha256: string;
}

/** Undefined where there is none; `known` where it is the one with this SHA-256. */
export async function fetchManifest(
  server: Server,
  which: string,
  known?: string,
): Promise<ServedManifest | 'known' | undefined> {
  const etag = known === undefined ? undefined : `"${known}"`;
  const answer = await server.ask(`/manifests/${which}`, { etag });
  if (answer.status === 404) return undefined;
  if (answer.status === 304) return 'known';
  const document = requireGood(answer).body;
  const read = readManifest(document);
  if ('problem' in read) throw notTrusted(which, read.problem);
  return { manifest: read.manifest, document, sha256: sha256Of(document) };
}

/** Whether the manifest of this number is still the one with this SHA-256. */
export async function hasStill(server: Server, sequence: number, sha256: string): Promise<boolean> {
  const { status, body } = await server.ask(`/manifests/${sequence}`, { etag: `"${sha256}"` });
  return status === 304 || (status === 200 && sha256Of(body) === sha256);
}

/** The key that signed a manifest, as the server names it; `wanted`: only this one. */
export async function fetchKey(
  server: Server,
  { sequence, key: kid }: Manifest,
  wanted: string | undefined,
): Promise<PublicKey> {
  const { body } = requireGood(await server.ask('/manifests/keys'));
  const given = JSON.parse(body.toString('utf8')) as { readonly keys: readonly PublicKey[] };
  const found = given.keys.map(({ x }) => publicKeyOf(x)).find((each) => each.kid === kid);
  if (found === undefined) throw notTrusted(sequence, 'is signed with a key that is not published');
  if (wanted !== undefined && wanted !== found.kid && wanted !== found.x) {
    throw notTrusted(sequence, `is signed with ${kid}, not with the key that was named`);
  }
  return found;
}

export function notTrusted(manifest: number | string, problem: string): Error {
  return mirrorError('MIRROR_NOT_TRUSTED', { manifest, problem, exitCode: 1 });
}

/** Throws MIRROR_SERVER_UNANSWERED for any other answer. */
export function requireGood(answer: Answer): Answer {
  if (answer.status === 200) return answer;
  const problem = `it answered ${answer.status}: ${answer.body.toString('utf8').slice(0, 300)}`;
  throw mirrorError('MIRROR_SERVER_UNANSWERED', { address: answer.path, problem });
}
