/**
 * One run of a mirror. Its state is written only where everything it speaks of is durable (`seal`), so
 * a run that is cut short anywhere is gone on with from the last such place, and takes again what it
 * has taken already.
 *
 *   chain of manifests up to the latest → first copy, or what the server has left: compare
 *   → changes, page by page, each up to the next manifest → at it: the copy has its root
 */
import { sleep, type Clock } from '../devices/clock.ts';
import { sha256Of, type Manifest } from '../proof/manifest.ts';
import { rowOfApi, type ApiRow } from '../proof/row.ts';
import { sumBranches } from '../proof/tree.ts';
import { openChain, type Chain, type ChainNow } from './chain.ts';
import { openChoice, type Choice, type ChosenNow } from './choice.ts';
import { fetchTree, fetchWhole, makeEqual } from './compare.ts';
import { idGrammar, openCopy, type Copy, type RowChange } from './copy.ts';
import { mirrorError } from './errors.ts';
import type { MirrorFiles } from './files.ts';
import type { Server } from './http.ts';
import { unfinishedSuffix } from './files-node.ts';
import { refreshMetadata } from './metadata.ts';
import { notTrusted, requireGood } from './served.ts';
import { provenText, readProven } from './proven.ts';
import { pause, waitWithin, type Waiting } from './waiting.ts';
import { provenName, unsealedName, writeState, type MirrorState } from './state.ts';

export interface RunOptions {
  readonly files: MirrorFiles;
  readonly server: Server;
  readonly clock: Clock;
  readonly state: MirrorState;
  readonly key: string | undefined;
  /** Goes on until it is told to stop; otherwise it ends where the feed does. */
  readonly follow: boolean;
  readonly pollMs: number;
  /** Answers of the feed in sequence that bring no change and are not its end. */
  readonly emptyPagesMax: number;
  /** How long the first manifest of a server that was restored may take to be there. */
  readonly restoredWaitMs: number;
  readonly isStopping: () => boolean;
  readonly tell: (event: MirrorEvent) => void;
}

/** What a mirror tells while it works. */
export type MirrorEvent =
  | { readonly event: 'manifest'; readonly sequence: number; readonly day: string; rows: number }
  | { readonly event: 'comparing'; readonly reason: 'first' | 'gone' | 'forked' | 'different' }
  | { readonly event: 'fetched'; readonly done: number; readonly all: number }
  | { readonly event: 'changes'; readonly taken: number; readonly cursor: string }
  | { readonly event: 'opened' | 'closed'; readonly datastream: string }
  | { readonly event: 'proven'; readonly sequence: number; readonly rows: number }
  | { readonly event: 'unproven'; readonly sequence: number; readonly reason: string }
  | { readonly event: 'difference'; readonly datastream: string; readonly problem: string };

export interface RunResult {
  readonly state: MirrorState;
  readonly rows: number;
  readonly datastreams: number;
  readonly differences: number;
}

interface Run extends RunOptions {
  readonly copy: Copy;
  readonly chain: Chain;
  readonly choice: Choice;
  state: MirrorState;
  chosen: ChosenNow;
  /** Opened in the feed, to be fetched where it next stands still. */
  readonly opening: Set<string>;
  differences: number;
  /** Taken so far. */
  changes: number;
}

const changesPerPage = 10_000;
/** However long the feed is, a run that is cut short takes no more pages than these again. */
const pagesPerSeal = 50;
/** Datastreams that the feed opens before they are fetched; more than any network has. */
const openingMax = 1_000_000;
/** Until a node of the server that is behind this copy is asked again. */
const behindWaitMs = 1_000;
/** How long a manifest that a page of changes ended at may take to be there. */
const manifestWaitMsMax = 120_000;

export async function runMirror(options: RunOptions): Promise<RunResult> {
  const { files, server, state, tell } = options;
  const onManifest = ({ sequence, day, rows }: Manifest): void =>
    tell({ event: 'manifest', sequence, day, rows });
  const onLeft = (now: ChainNow): void => writeState(files, { ...state, ...now, cursor: null });
  const wait = (): Waiting => waitWithin(options, options.restoredWaitMs);
  const chain = openChain({ files, server, state, key: options.key, onManifest, onLeft, wait });
  const choice = openChoice(server, state.filter);
  const copy = openCopy(files);
  mendCopy(files, copy, state);
  const chosen = await choice.read();
  const run: Run = {
    ...options,
    copy,
    chain,
    choice,
    chosen,
    opening: new Set(),
    differences: 0,
    changes: 0,
  };
  if (chosen.query === undefined && state.cursor === null) {
    throw mirrorError('MIRROR_NOTHING_VISIBLE', { ...state.filter });
  }
  if (!(await chain.advance())) throw mirrorError('MIRROR_NO_MANIFEST');
  if (state.cursor === null) await compare(run, 'first');
  else if (chain.takeForked()) await compare(run, 'forked');
  await followChanges(run);
  const held = copy.ids().map((id) => copy.branch(id));
  const rows = held.reduce((sum, branch) => sum + branch.rows, 0);
  return { state: run.state, rows, datastreams: held.length, differences: run.differences };
}

/** The last run may have been cut short: hashes may be behind the files, and proofs ahead of the state. */
function mendCopy(files: MirrorFiles, copy: Copy, { proven }: MirrorState): void {
  const unsealed = files.read(unsealedName)?.toString('utf8');
  if (unsealed === undefined) return;
  if (unsealed === 'comparing') copy.recount();
  const bytes = proven === null ? undefined : files.read(provenName(proven));
  const tree = proven === null ? undefined : readProven(bytes, proven);
  copy.keepProved(new Map(tree?.map((branch) => [branch.name, branch])));
}

async function followChanges(run: Run): Promise<void> {
  let pages = 0;
  let emptyPages = 0;
  while (!run.isStopping()) {
    const { changes } = run;
    const end = await takePage(run);
    emptyPages = end === 'end' || run.changes > changes ? 0 : emptyPages + 1;
    if (emptyPages > run.emptyPagesMax) throw endless(run);
    if (end === 'more') {
      pages += 1;
      // What was opened is fetched where the feed stands still: until then this is no place to seal.
      if (pages % pagesPerSeal === 0 && run.opening.size === 0) await settle(run);
      continue;
    }
    await settle(run);
    if (await proveHere(run)) continue;
    if (!run.follow) return;
    await pause(run);
  }
  if (run.copy.isChanged) await settle(run);
}

/** No feed is so long; the next run goes on from where the state was last written. */
function endless({ state, emptyPagesMax }: Run): Error {
  const problem = `it gives more than ${emptyPagesMax} pages in sequence without a change`;
  const address = `${state.url}/api/v1/changes`;
  return mirrorError('MIRROR_SERVER_UNANSWERED', { address, problem });
}

/** A manifest that was made where the copy stands already; true where there is more to do. */
async function proveHere(run: Run): Promise<boolean> {
  const { chain } = run;
  await chain.advance();
  if (chain.takeForked()) {
    await compare(run, 'forked');
    return true;
  }
  const { newest } = chain;
  if (newest === undefined || newest.sequence === run.state.proven) return false;
  if (newest.cursor !== run.state.cursor) return false;
  await prove(run, newest);
  return false;
}

interface ChangesPage {
  readonly changes: readonly GivenChange[];
  readonly next: string;
  readonly atEnd: boolean;
  readonly manifest?: number;
}

type GivenChange =
  | { readonly type: RowChange['type']; readonly observation: ApiRow | null }
  | { readonly type: 'datastream'; readonly datastream: string; readonly visible: boolean };

async function takePage(run: Run): Promise<'more' | 'end'> {
  const { server, state, chosen } = run;
  if (chosen.query === undefined) return chooseAgain(run);
  const path = `/changes?after=${state.cursor}&until=manifest&limit=${changesPerPage}&${chosen.query}`;
  const answer = await server.ask(path.replace(/&$/, ''));
  if (answer.status === 410) {
    await run.chain.advance();
    await compare(run, run.chain.takeForked() ? 'forked' : 'gone');
    return 'more';
  }
  // Something that the filters name is not visible any more.
  if (answer.status === 404) return chooseAgain(run);
  const page = JSON.parse(requireGood(answer).body.toString('utf8')) as ChangesPage;
  takeChanges(run, page);
  if (page.manifest !== undefined && page.atEnd) {
    await meetManifest(run, page.manifest);
    return 'more';
  }
  if (page.atEnd) return 'end';
  // A node that is not so far yet, as the server says it: it is asked again a little later.
  if (page.changes.length === 0 && page.next === state.cursor) await sleep(run.clock, behindWaitMs);
  return 'more';
}

async function chooseAgain(run: Run): Promise<'more' | 'end'> {
  const before = run.chosen.query;
  run.chosen = await run.choice.read();
  for (const id of run.copy.ids()) {
    if (!run.chosen.ids.has(id)) close(run, id);
  }
  return run.chosen.query === undefined || run.chosen.query === before ? 'end' : 'more';
}

function takeChanges(run: Run, { changes, next }: ChangesPage): void {
  const byDatastream = new Map<string, RowChange[]>();
  if (changes.length > 0) run.files.write(unsealedName, 'following');
  for (const change of changes) {
    if (change.type === 'datastream') {
      const { datastream, visible } = change;
      byDatastream.delete(datastream);
      if (visible) open(run, datastream);
      else close(run, datastream);
    } else if (change.observation !== null && !run.opening.has(change.observation.datastream)) {
      const { datastream } = change.observation;
      const taken = { type: change.type, row: rowOfApi(change.observation) };
      const of = byDatastream.get(datastream);
      if (of === undefined) byDatastream.set(datastream, [taken]);
      else of.push(taken);
    }
  }
  for (const [id, of] of byDatastream) run.copy.take(id, of);
  run.state = { ...run.state, cursor: next };
  run.changes += changes.length;
  if (changes.length > 0) run.tell({ event: 'changes', taken: changes.length, cursor: next });
}

/** Bounded, since nothing of it is on the disk yet. */
function open({ opening, state }: Run, datastream: string): void {
  opening.add(datastream);
  if (idGrammar.test(datastream) && opening.size <= openingMax) return;
  const problem = 'it opens datastreams without end, or such as cannot be';
  throw mirrorError('MIRROR_SERVER_UNANSWERED', { address: state.url, problem });
}

function close(run: Run, datastream: string): void {
  run.opening.delete(datastream);
  if (!run.copy.ids().includes(datastream)) return;
  run.files.write(unsealedName, 'following');
  run.copy.drop(datastream);
  run.tell({ event: 'closed', datastream });
}

/** What was opened is fetched as it is where the feed stands still. */
async function fetchOpened(run: Run): Promise<void> {
  const { server, copy, opening, state } = run;
  if (opening.size === 0 || state.cursor === null) return;
  run.chosen = await run.choice.read();
  for (const id of opening) {
    if (run.chosen.ids.has(id)) {
      const isThere = await fetchWhole(server, copy, { id, cursor: state.cursor });
      if (isThere) run.tell({ event: 'opened', datastream: id });
    }
    opening.delete(id);
  }
}

/** Everything that the state speaks of is durable, then the state. */
async function settle(run: Run, more: Partial<MirrorState> = {}): Promise<void> {
  const { files, server, copy, chain } = run;
  await fetchOpened(run);
  const { metadata: known } = run.state;
  const metadata = await refreshMetadata(server, files, { query: run.chosen.query, known });
  const index = sha256Of(copy.seal());
  run.state = {
    ...run.state,
    metadata,
    index,
    ...chain.now,
    ...more,
  };
  writeState(files, run.state);
  const { proven } = run.state;
  for (const name of files.list('.')) {
    const isOld = /^proven-\d+\.json$/.test(name) && name !== provenName(proven ?? 0);
    if (isOld || name.endsWith(unfinishedSuffix)) files.remove(name);
  }
  files.remove(unsealedName);
}

/** The page ended at the cursor of this manifest, which may still be in the making. */
async function meetManifest(run: Run, sequence: number): Promise<void> {
  const { chain, clock } = run;
  const untilMs = clock.monotonicMs() + manifestWaitMsMax;
  while (!(await chain.advance(sequence))) {
    if (clock.monotonicMs() > untilMs || run.isStopping()) return settle(run);
    await sleep(clock, 250);
  }
  if (chain.takeForked()) return compare(run, 'forked');
  const { proven } = run.state;
  if (proven !== null && sequence < proven && chain.held(proven) !== undefined) {
    throw notTrusted(sequence, `was passed by the feed: it led to ${proven} before`);
  }
  await settle(run);
  const met = chain.held(sequence);
  if (met?.cursor === run.state.cursor) await prove(run, met);
}

/** The copy stands where the manifest is true: it has its root, or differs from it in what is named. */
async function prove(run: Run, manifest: Manifest): Promise<void> {
  const { copy, chosen, server } = run;
  const own = copy.ids().map((id) => copy.branch(id));
  if (chosen.isAll && sumBranches('root', own).sha256 === manifest.root) {
    const present = own.filter(({ rows }) => rows > 0);
    return keepProof(run, manifest, { branches: present, rows: manifest.rows });
  }
  const tree = await fetchTree(server, manifest);
  const { sequence } = manifest;
  if (tree === undefined) {
    const reason = 'the server has gone on to a later one; that one is proved';
    return run.tell({ event: 'unproven', sequence, reason });
  }
  const { ids } = (run.chosen = await run.choice.read());
  // What is not visible any more is closed further on in the feed.
  const differing = [...ids].filter((id) => (tree.get(id)?.sha256 ?? null) !== shaOf(copy, id));
  if (differing.length === 0) {
    const rows = copy.ids().reduce((sum, id) => sum + (tree.get(id)?.rows ?? 0), 0);
    return keepProof(run, manifest, { branches: [...tree.values()], rows });
  }
  for (const id of differing) tellDifference(run, id, 'is not as the manifest says; fetched anew');
  await compare(run, 'different');
}

function shaOf(copy: Copy, id: string): string | null {
  const { rows, sha256 } = copy.branch(id);
  return rows === 0 ? null : sha256;
}

function tellDifference(run: Run, datastream: string, problem: string): void {
  run.differences += 1;
  run.tell({ event: 'difference', datastream, problem });
}

/** From now on it can be shown without the server that this is what the manifest signs. */
async function keepProof(
  run: Run,
  { sequence }: Manifest,
  {
    branches,
    rows,
  }: {
    readonly branches: readonly { name: string; rows: number; sha256: string }[];
    readonly rows: number;
  },
): Promise<void> {
  const { files, copy } = run;
  files.write(unsealedName, 'following');
  copy.prove();
  const name = provenName(sequence);
  files.write(name, provenText(sequence, branches));
  files.sync(name);
  await settle(run, { proven: sequence });
  run.tell({ event: 'proven', sequence, rows });
}

/** Makes the copy that of the latest manifest, and goes on from there. */
async function compare(run: Run, reason: 'first' | 'gone' | 'forked' | 'different'): Promise<void> {
  const { files, server, copy, chain } = run;
  run.tell({ event: 'comparing', reason });
  files.write(unsealedName, 'comparing');
  for (;;) {
    await chain.advance();
    const manifest = chain.newest;
    const tree = manifest === undefined ? undefined : await fetchTree(server, manifest);
    if (manifest === undefined || tree === undefined) continue;
    run.chosen = await run.choice.read();
    run.opening.clear();
    const before = run.differences;
    await makeEqual({
      server,
      copy,
      manifest,
      tree,
      wanted: run.chosen.ids,
      onProgress: (done, all) => run.tell({ event: 'fetched', done, all }),
      onDifference: (id, problem) => tellDifference(run, id, problem),
    });
    run.state = { ...run.state, cursor: manifest.cursor };
    await settle(run);
    if (run.differences > before) return;
    const rows = copy.ids().reduce((sum, id) => sum + copy.branch(id).rows, 0);
    return keepProof(run, manifest, { branches: [...tree.values()], rows });
  }
}
