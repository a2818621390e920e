/**
 * Makes the copy that of the latest manifest, however it was before: compares hashes from the root
 * down and fetches only what differs, as it was at the manifest's cursor. The first copy is the same
 * with nothing to compare.
 */
import type { Manifest } from '../proof/manifest.ts';
import { rowOfApi, type ApiRow, type ProofRow } from '../proof/row.ts';
import { spanOfDay } from '../proof/day.ts';
import { sumBranches, type Branch } from '../proof/tree.ts';
import { requireGood } from './served.ts';
import { readBranches, idGrammar, type Copy } from './copy.ts';
import { mirrorError } from './errors.ts';
import { CutShort, NotThere, type Server } from './http.ts';

/** Every datastream of a manifest; undefined where the server has gone on to another. */
export async function fetchTree(
  server: Server,
  { sequence, root }: Manifest,
): Promise<ReadonlyMap<string, Branch> | undefined> {
  const { body } = requireGood(await server.ask('/manifests/latest/buckets'));
  const given = JSON.parse(body.toString('utf8')) as Buckets;
  if (given.sequence !== sequence) return undefined;
  const branches = readBranches(given.datastreams);
  if (branches === undefined || sumBranches('root', branches).sha256 !== root) {
    throw mirrorError('MIRROR_NOT_TRUSTED', {
      manifest: sequence,
      problem: 'the hashes of its datastreams do not give its root',
      exitCode: 1,
    });
  }
  return new Map(
    branches.filter(({ name }) => idGrammar.test(name)).map((each) => [each.name, each]),
  );
}

interface Buckets {
  readonly sequence: number;
  readonly datastreams: unknown;
  readonly days?: Readonly<Record<string, unknown>>;
}

export interface CompareOptions {
  readonly server: Server;
  readonly copy: Copy;
  readonly manifest: Manifest;
  /** Of the manifest. */
  readonly tree: ReadonlyMap<string, Branch>;
  /** What is to be held, as far as it is visible. */
  readonly wanted: ReadonlySet<string>;
  readonly onProgress: (done: number, all: number) => void;
  /** Told of what the server gives otherwise than its manifest says. */
  readonly onDifference: (datastream: string, problem: string) => void;
}

export async function makeEqual(options: CompareOptions): Promise<void> {
  const { copy, tree, wanted } = options;
  for (const id of copy.ids()) {
    if (!wanted.has(id) || !tree.has(id)) copy.drop(id);
  }
  const differing = [...wanted].sort().filter((id) => {
    const branch = tree.get(id);
    return branch !== undefined && branch.sha256 !== copy.branch(id).sha256;
  });
  for (const [index, id] of differing.entries()) {
    await makeOneEqual(options, tree.get(id)!);
    options.onProgress(index + 1, differing.length);
  }
}

/** A list that was cut is asked for again, so often. */
const triesMax = 5;

async function makeOneEqual(options: CompareOptions, branch: Branch): Promise<void> {
  const { copy, manifest, server } = options;
  const id = branch.name;
  if (copy.branch(id).rows === 0) {
    if (!(await fetchWhole(server, copy, { id, cursor: manifest.cursor }))) return;
  } else {
    const days = await differingDays(options, id);
    for (const day of days ?? []) if (!(await fetchDay(options, id, day))) return copy.drop(id);
    if (days === undefined) return copy.drop(id);
  }
  const found = sumMonths(copy.days(id));
  if (found.sha256 !== branch.sha256) {
    options.onDifference(id, `has ${found.rows} rows that are not the ${branch.rows} of its hash`);
  }
}

/**
 * All rows of a datastream as they were at a cursor; none, and false, where it is not visible any
 * more: the feed closes it further on.
 */
export async function fetchWhole(
  server: Server,
  copy: Copy,
  { id, cursor }: { readonly id: string; readonly cursor: string },
): Promise<boolean> {
  const path = `/observations.ndjson?datastream=${encodeURIComponent(id)}&at=${cursor}`;
  for (let tries = 1; ; tries++) {
    try {
      await copy.replace(id, rowsOf(server.lines(path)));
      return true;
    } catch (error) {
      if (error instanceof NotThere) {
        copy.drop(id);
        return false;
      }
      if (!(error instanceof CutShort) || tries >= triesMax) throw error;
    }
  }
}

async function* rowsOf(lines: AsyncIterable<unknown>): AsyncGenerator<ProofRow> {
  for await (const line of lines) yield rowOfApi(line as ApiRow);
}

async function fetchDay(
  { server, copy, manifest }: CompareOptions,
  id: string,
  day: string,
): Promise<boolean> {
  const { fromAt, toAt } = spanOfDay(day);
  const text = (at: number): string => new Date(at).toISOString();
  const span = `from=${text(fromAt)}&to=${text(toAt)}`;
  const path = `/observations.ndjson?datastream=${encodeURIComponent(id)}&${span}&at=${manifest.cursor}`;
  for (let tries = 1; ; tries++) {
    try {
      const rows: ProofRow[] = [];
      for await (const row of rowsOf(server.lines(path))) rows.push(row);
      copy.replaceDay(id, day, rows);
      return true;
    } catch (error) {
      if (error instanceof NotThere) return false;
      if (!(error instanceof CutShort) || tries >= triesMax) throw error;
    }
  }
}

/** Undefined where the datastream is not visible any more. */
async function differingDays(
  { server, copy, manifest, tree }: CompareOptions,
  id: string,
): Promise<readonly string[] | undefined> {
  const path = `/manifests/latest/buckets?datastream=${encodeURIComponent(id)}`;
  const answer = await server.ask(path);
  if (answer.status === 404) return undefined;
  const given = JSON.parse(requireGood(answer).body.toString('utf8')) as Buckets;
  const days = readBranches(given.days?.[id]) ?? [];
  const isOf =
    given.sequence === manifest.sequence && sumMonths(days).sha256 === tree.get(id)?.sha256;
  const held = new Map(copy.days(id).map((each) => [each.name, each.sha256]));
  const all = new Set([...held.keys(), ...days.map(({ name }) => name)]);
  // Days of another manifest say nothing: every day is fetched.
  if (!isOf) return [...all].sort();
  const wanted = new Map(days.map((each) => [each.name, each.sha256]));
  return [...all].filter((day) => held.get(day) !== wanted.get(day)).sort();
}

/** Of a datastream, from its days. */
export function sumMonths(days: readonly Branch[]): Pick<Branch, 'rows' | 'sha256'> {
  const months = Map.groupBy(days, ({ name }) => name.slice(0, 7));
  return sumBranches(
    'datastream',
    [...months].map(([name, each]) => ({ name, ...sumBranches('month', each) })),
  );
}
