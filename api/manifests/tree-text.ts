/**
 * The tree of the latest manifest, as everybody is told it. It holds only what is open now: where a
 * datastream was closed since, the next manifest is made first, which does not have it, and the tree
 * of that one is told. Leaving it out of an older tree would be no help: what is left would not have
 * the root that is signed. The older documents name it as it was while it was open.
 */
import type { ApiContext } from '../context.ts';
import { apiError } from '../errors.ts';
import type { NetworkView } from '../network.ts';
import { anonymousViewer } from '../viewer.ts';
import type { ManifestHead } from './archive.ts';
import type { Manifests } from './manifests.ts';
import { createTurns } from './turns.ts';

export interface TreeQuestion {
  /** Null: every datastream, without its days. */
  readonly ids: ReadonlySet<string> | null;
  /** UTC days, from inclusive, to exclusive. */
  readonly from: string;
  readonly to: string;
}

export interface TreeAnswer {
  readonly text: string;
  /** Branches that it tells. */
  readonly branches: number;
}

/** Times that a tree may have gone under the one who reads it. */
const triesMax = 5;
/** About a millisecond of reading. */
const daysPerStep = 250;

interface Telling {
  readonly context: ApiContext;
  readonly manifests: Manifests;
  readonly view: NetworkView;
  readonly latest: ManifestHead;
  readonly turn: () => Promise<void>;
}

/** In steps, between which others are answered. */
export async function treeText(
  context: ApiContext,
  manifests: Manifests,
  question: TreeQuestion,
): Promise<TreeAnswer> {
  const { networks } = context;
  const turn = createTurns(context.clock);
  for (let tries = 0; tries < triesMax; tries++) {
    const latest = manifests.archive.latest();
    if (latest === undefined) throw apiError('API_MANIFEST_UNKNOWN', { parameter: 'sequence' });
    const { version } = networks;
    const view = networks.viewOf(anonymousViewer);
    const telling = { context, manifests, view, latest, turn };
    const { ids } = question;
    const told = ids === null ? await wholeText(telling) : await daysText(telling, question, ids);
    if (told === undefined) {
      await manifests.makeWithout(latest.sequence);
      continue;
    }
    // What was replaced meanwhile is deleted behind the next manifest; what was closed is not told.
    const isSame = manifests.archive.latest()?.sequence === latest.sequence;
    if (!isSame || networks.version !== version) continue;
    const head = `{"sequence":${latest.sequence},"cursor":${JSON.stringify(latest.cursor)}`;
    return { text: `${head},${told.text}}`, branches: told.branches };
  }
  throw apiError('API_UNAVAILABLE');
}

function branchText(branch: { readonly name: string; rows: number; sha256: string }): string {
  return JSON.stringify([branch.name, branch.rows, branch.sha256]);
}

function isOpenNow(view: NetworkView, id: string): boolean {
  const datastream = view.registry.datastreams.get(id);
  return datastream !== undefined && view.sees(datastream.series);
}

/** Undefined where something of it is not open any more. */
async function wholeText({
  manifests: { buckets },
  view,
  latest,
  turn,
}: Telling): Promise<TreeAnswer | undefined> {
  const texts: string[] = [];
  for (const page of buckets.open(latest.sequence)) {
    for (const branch of page) {
      if (!isOpenNow(view, branch.name)) return undefined;
      if (branch.rows > 0) texts.push(branchText(branch));
    }
    await turn();
  }
  return { text: `"datastreams":[${texts.join(',')}]`, branches: texts.length };
}

async function daysText(
  { context, manifests: { buckets }, view, latest: { sequence }, turn }: Telling,
  { from, to }: TreeQuestion,
  ids: ReadonlySet<string>,
): Promise<TreeAnswer> {
  const { manifestDaysMax } = context.config;
  for (const id of ids) {
    if (isOpenNow(view, id)) continue;
    throw apiError('API_DATASTREAM_UNKNOWN', { parameter: 'datastream', value: id.slice(0, 100) });
  }
  const datastreams: string[] = [];
  const days: string[] = [];
  let branches = 0;
  for (const id of ids) {
    const branch = buckets.datastream(id, sequence);
    if (branch === undefined || !branch.isOpen || branch.rows === 0) continue;
    datastreams.push(branchText(branch));
    const texts: string[] = [];
    for (const page of buckets.daysBetween(id, sequence, { from, to, daysPerPage: daysPerStep })) {
      texts.push(...page.map(branchText));
      if (branches + texts.length > manifestDaysMax) {
        throw apiError('API_PARAMETER_INVALID', {
          parameter: 'datastream',
          expected: `datastreams with at most ${manifestDaysMax} days together: fewer of them, or a shorter time (from, to)`,
        });
      }
      await turn();
    }
    branches += texts.length;
    days.push(`${JSON.stringify(id)}:[${texts.join(',')}]`);
    await turn();
  }
  const text = `"datastreams":[${datastreams.join(',')}],"days":{${days.join(',')}}`;
  return { text, branches: branches + datastreams.length };
}
