/**
 * What the npm package offers as `quantrac/proof`: to verify manifests and rows with a program of
 * one's own. Inside the repository each file is imported by its name.
 */
export { canonicalJson, readCanonicalJson, type Json } from './canonical-json.ts';
export { dayOf, monthOf } from './day.ts';
export { isSignedBy, publicKeyOf, type PublicKey } from './key.ts';
export {
  keyBehind,
  problemInChain,
  readManifest,
  sha256Of,
  signedBytes,
  type ChainPlace,
  type ChangedBucket,
  type MadeFile,
  type Manifest,
} from './manifest.ts';
export { compareRows, lineOf, readLine, rowOfApi, type ApiRow, type ProofRow } from './row.ts';
export { emptyRoot, sumBranches, sumDay, type Branch } from './tree.ts';
