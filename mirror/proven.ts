/** The file of the datastreams that a manifest signs, by which the copy was proved: its root is theirs. */
import { readCanonicalJson } from '../proof/canonical-json.ts';
import type { Branch } from '../proof/tree.ts';
import { branchesText, readBranches } from './copy.ts';

export function provenText(sequence: number, branches: Iterable<Branch>): string {
  return `{"datastreams":${branchesText(branches)},"manifest":${sequence}}`;
}

/** Undefined where the bytes are not exactly such a file of this manifest. */
export function readProven(
  bytes: Buffer | undefined,
  sequence: number,
): readonly Branch[] | undefined {
  if (bytes === undefined) return undefined;
  const value = readCanonicalJson(bytes.toString('utf8')) as
    | { readonly datastreams?: unknown }
    | undefined;
  const branches = readBranches(value?.datastreams);
  if (branches === undefined) return undefined;
  return Buffer.from(provenText(sequence, branches)).equals(bytes) ? branches : undefined;
}
