/**
 * Proves a mirror without its server: every file is read and summed up anew, every manifest's form,
 * hash, signature and place in the chain is checked, and the copy is held against the last manifest
 * that it was proved with. Any byte that is not as the mirror left it is found.
 */
import { readCanonicalJson } from '../proof/canonical-json.ts';
import {
  keyBehind,
  problemInChain,
  readManifest,
  sha256Of,
  type Manifest,
} from '../proof/manifest.ts';
import { sumBranches, type Branch } from '../proof/tree.ts';
import { manifestName } from './chain.ts';
import {
  branchesText,
  folderOf,
  idGrammar,
  indexName,
  observationsFolder,
  readBranches,
} from './copy.ts';
import { mirrorError } from './errors.ts';
import type { MirrorFiles } from './files.ts';
import { daysOf, readMonth } from './lines.ts';
import { readProven } from './proven.ts';
import { provenName, readState, stateName, unsealedName, type MirrorState } from './state.ts';

export interface MirrorFinding {
  /** From the folder of the mirror. */
  readonly file: string;
  /** From 1, where a line is wrong. */
  readonly line?: number;
  readonly problem: string;
}

export interface MirrorReport {
  readonly findings: readonly MirrorFinding[];
  readonly datastreams: number;
  readonly rows: number;
  readonly manifests: number;
  /** The manifest that the copy is held against. */
  readonly proven: number | null;
  /** Rows in months that are as the manifest says; the others have come or changed since. */
  readonly provenRows: number;
  /** The first key, which all others are announced behind: its thumbprint. */
  readonly trusted: string | null;
}

export interface VerifyOptions {
  /** The first key must be this one: its 32 bytes in base64url, or its thumbprint. */
  readonly key?: string | undefined;
}

interface Verifying {
  readonly files: MirrorFiles;
  readonly state: MirrorState;
  readonly found: (finding: MirrorFinding) => void;
}

/** Throws MIRROR_FOLDER_EMPTY or MIRROR_STATE_DAMAGED, where nothing can be held against anything. */
export function verifyMirror(
  files: MirrorFiles,
  { key }: VerifyOptions = {},
  onFinding: (finding: MirrorFinding) => void = () => undefined,
): MirrorReport {
  const state = readState(files);
  if (state === undefined || state.cursor === null) throw mirrorError('MIRROR_FOLDER_EMPTY');
  const findings: MirrorFinding[] = [];
  const found = (finding: MirrorFinding): void => {
    findings.push(finding);
    onFinding(finding);
  };
  const verifying: Verifying = { files, state, found };
  if (files.read(unsealedName) !== undefined) {
    found({ file: unsealedName, problem: 'the last run was cut short: run the mirror again' });
  }
  const trusted = requireKey(verifying, key);
  findStrangers(verifying);
  verifyMetadata(verifying);
  const newest = verifyManifests(verifying);
  const copy = verifyCopy(verifying);
  const provenRows = verifyProof(verifying, copy, newest);
  return {
    findings,
    datastreams: copy.length,
    rows: copy.reduce((sum, { branch }) => sum + branch.rows, 0),
    manifests: state.chain === null ? 0 : state.chain.sequence - state.chain.first + 1,
    proven: state.proven,
    provenRows,
    trusted,
  };
}

function requireKey({ state, found }: Verifying, key: string | undefined): string | null {
  const [first] = state.keys;
  if (key !== undefined && key !== first?.kid && key !== first?.x) {
    found({ file: stateName, problem: `trusts the key ${first?.kid ?? '(none)'}, not ${key}` });
  }
  return first?.kid ?? null;
}

function findStrangers({ files, state, found }: Verifying): void {
  const known = new Set([
    stateName,
    unsealedName,
    provenName(state.proven ?? 0),
    observationsFolder,
    'manifests',
    'forks',
    ...Object.keys(state.metadata),
  ]);
  for (const name of files.list('.')) {
    if (!known.has(name)) found({ file: name, problem: 'is not of the mirror' });
  }
}

function verifyMetadata({ files, state, found }: Verifying): void {
  for (const [file, { sha256 }] of Object.entries(state.metadata)) {
    const bytes = files.read(file);
    if (bytes === undefined) found({ file, problem: 'is missing' });
    else if (sha256Of(bytes) !== sha256) {
      found({ file, problem: 'does not have the SHA-256 that state.json names' });
    }
  }
}

/** Undefined where the newest cannot be read. */
function verifyManifests({ files, state, found }: Verifying): Manifest | undefined {
  const { chain, forks, keys } = state;
  for (const { folder, sha256 } of forks) {
    const names = files.list(folder).map((name) => `${folder}/${name}`);
    const { last } = verifyChain({ files, names, keys, found });
    if (last !== sha256) {
      found({ file: folder, problem: 'does not end with the manifest that state.json names' });
    }
  }
  const folders = new Set(forks.map(({ folder }) => folder.slice('forks/'.length)));
  for (const name of files.list('forks')) {
    if (!folders.has(name)) found({ file: `forks/${name}`, problem: 'is not of the mirror' });
  }
  if (chain === null) return undefined;
  const names: string[] = [];
  for (let each = chain.first; each <= chain.sequence; each++) names.push(manifestName(each));
  for (const name of files.list('manifests')) {
    if (!names.includes(`manifests/${name}`)) {
      found({ file: `manifests/${name}`, problem: 'is not of the mirror' });
    }
  }
  const { last, manifest } = verifyChain({ files, names, keys, found });
  if (last !== chain.sha256) {
    found({
      file: manifestName(chain.sequence),
      problem: 'does not have the SHA-256 that state.json names',
    });
  }
  return manifest;
}

function verifyChain({
  files,
  names,
  keys,
  found,
}: Pick<Verifying, 'files' | 'found'> & {
  readonly names: readonly string[];
  readonly keys: MirrorState['keys'];
}): { readonly last: string | undefined; readonly manifest: Manifest | undefined } {
  let before: Parameters<typeof problemInChain>[1]['before'];
  let last: string | undefined;
  let manifest: Manifest | undefined;
  for (const file of names) {
    const bytes = files.read(file);
    const read = bytes === undefined ? { problem: 'is missing' } : readManifest(bytes);
    last = bytes === undefined ? undefined : sha256Of(bytes);
    manifest = 'manifest' in read ? read.manifest : undefined;
    const problem =
      'problem' in read ? read.problem : problemInChain(read.manifest, { keys, before });
    if (problem !== undefined) found({ file, problem });
    const key = manifest === undefined ? undefined : keyBehind(manifest, keys);
    before =
      manifest === undefined || last === undefined || key === undefined
        ? undefined
        : { sequence: manifest.sequence, sha256: last, key };
  }
  return { last, manifest };
}

interface VerifiedSeries {
  readonly branch: Branch;
  readonly months: readonly Branch[];
  readonly proven: readonly Branch[];
}

function verifyCopy(verifying: Verifying): readonly VerifiedSeries[] {
  const { files, found } = verifying;
  const listed = verifyIndex(verifying);
  const copy: VerifiedSeries[] = [];
  for (const id of files.list(observationsFolder)) {
    const path = `${observationsFolder}/${id}`;
    if (path === indexName) continue;
    const isSeries = idGrammar.test(id) && files.list(path).length > 0;
    if (isSeries) copy.push(verifySeries(verifying, id, listed?.get(id)));
    else found({ file: path, problem: 'is not of the mirror' });
  }
  const held = new Map(copy.map(({ branch }) => [branch.name, branch.sha256]));
  for (const { name, sha256 } of listed?.values() ?? []) {
    if (!held.has(name)) found({ file: folderOf(name), problem: 'is missing' });
    else if (held.get(name) !== sha256) {
      found({ file: folderOf(name), problem: 'is not what index.json names' });
    }
  }
  return copy;
}

/** Every datastream that is held; undefined where that cannot be known. */
function verifyIndex({ files, state, found }: Verifying): ReadonlyMap<string, Branch> | undefined {
  const bytes = files.read(indexName);
  const isRight = bytes !== undefined && sha256Of(bytes) === state.index;
  if (!isRight) {
    found({ file: indexName, problem: 'does not have the SHA-256 that state.json names' });
    return undefined;
  }
  const branches = readBranches(readCanonicalJson(bytes.toString('utf8'))) ?? [];
  return new Map(branches.map((each) => [each.name, each]));
}

function verifySeries(
  verifying: Verifying,
  id: string,
  listed: Branch | undefined,
): VerifiedSeries {
  const { files, found } = verifying;
  const folder = folderOf(id);
  const hashesName = `${folder}/hashes.json`;
  const hashes = readHashes(files.read(hashesName));
  const { months: listedMonths, proven } = hashes ?? { months: [], proven: [] };
  const sum = sumBranches('datastream', listedMonths);
  if (hashes === undefined) found({ file: hashesName, problem: 'is missing or not canonical' });
  else if (listed !== undefined && sum.sha256 !== listed.sha256) {
    found({ file: hashesName, problem: 'is not what index.json names' });
  }
  const named = new Map(listedMonths.map((each) => [each.name, each.sha256]));
  const months: Branch[] = [];
  for (const name of files.list(folder)) {
    if (`${folder}/${name}` === hashesName) continue;
    const branch = verifyMonth(verifying, id, name);
    if (branch === undefined) continue;
    if (named.get(branch.name) !== branch.sha256) {
      found({
        file: `${folder}/${name}`,
        problem: 'does not have the hash that hashes.json names',
      });
    }
    months.push(branch);
    named.delete(branch.name);
  }
  for (const month of named.keys()) requireFile(verifying, `${folder}/${month}.ndjson`);
  const branch = { name: id, ...sumBranches('datastream', months) };
  return { branch, months, proven };
}

function requireFile({ files, found }: Verifying, file: string): void {
  if (files.read(file) === undefined) found({ file, problem: 'is missing' });
}

/** Undefined where the file is none of a month, or has a line that is wrong. */
function verifyMonth({ files, found }: Verifying, id: string, name: string): Branch | undefined {
  const file = `${folderOf(id)}/${name}`;
  const month = /^(\d{4}-\d\d)\.ndjson$/.exec(name)?.[1];
  const bytes = files.read(file);
  if (month === undefined || bytes === undefined) {
    found({ file, problem: 'is not of the mirror' });
    return undefined;
  }
  const read = readMonth(bytes, month);
  if ('problem' in read) {
    found({ file, ...read });
    return undefined;
  }
  const stranger = read.rows.findIndex((row) => !isOfSeries(row.id, id));
  if (stranger >= 0) found({ file, line: stranger + 1, problem: 'is of another datastream' });
  return { name: month, ...sumBranches('month', daysOf(read.rows)) };
}

/** An id ends with its datastream's, or where that is too long with a hash of it. */
function isOfSeries(observation: string, id: string): boolean {
  return observation.endsWith(`.${id}`) || /\.\.[0-9a-z]{25}$/.test(observation);
}

interface Hashes {
  readonly months: readonly Branch[];
  readonly proven: readonly Branch[];
}

function readHashes(bytes: Buffer | undefined): Hashes | undefined {
  if (bytes === undefined) return undefined;
  const text = bytes.toString('utf8');
  const value = readCanonicalJson(text) as
    | { readonly months?: unknown; proven?: unknown }
    | undefined;
  const months = readBranches(value?.months);
  const proven = readBranches(value?.proven);
  if (months === undefined || proven === undefined) return undefined;
  const again = `{"months":${branchesText(months)},"proven":${branchesText(proven)}}`;
  return Buffer.from(again).equals(bytes) ? { months, proven } : undefined;
}

/** Rows that the signed manifest vouches for. */
function verifyProof(
  { files, state, found }: Verifying,
  copy: readonly VerifiedSeries[],
  newest: Manifest | undefined,
): number {
  if (state.proven === null) return 0;
  const manifest = provenManifest(files, state.proven, newest);
  const file = provenName(state.proven);
  const listed = readProven(files.read(file), state.proven);
  if (listed === undefined || manifest === undefined) {
    found({ file, problem: 'is missing, or not that of the proved manifest' });
    return 0;
  }
  if (sumBranches('root', listed).sha256 !== manifest.root) {
    found({ file, problem: 'does not have the root that the manifest signs' });
    return 0;
  }
  const signed = new Map(listed.map((each) => [each.name, each]));
  const isAtManifest = manifest.cursor === state.cursor;
  let rows = 0;
  for (const { branch, months, proven } of copy) {
    const hashesFile = `${folderOf(branch.name)}/hashes.json`;
    const of = sumBranches('datastream', proven);
    const isSigned = proven.length === 0 || signed.get(branch.name)?.sha256 === of.sha256;
    if (!isSigned)
      found({ file: hashesFile, problem: 'names proved months that the manifest does not sign' });
    const before = new Map(proven.map((each) => [each.name, each.sha256]));
    for (const month of months) {
      if (before.get(month.name) === month.sha256) rows += month.rows;
      else if (isAtManifest) {
        const path = `${folderOf(branch.name)}/${month.name}.ndjson`;
        found({ file: path, problem: 'is not what the manifest signs' });
      }
    }
  }
  return rows;
}

function provenManifest(
  files: MirrorFiles,
  sequence: number,
  newest: Manifest | undefined,
): Manifest | undefined {
  if (newest?.sequence === sequence) return newest;
  const bytes = files.read(manifestName(sequence));
  const read = bytes === undefined ? undefined : readManifest(bytes);
  return read !== undefined && 'manifest' in read ? read.manifest : undefined;
}
