/**
 * Makes the next manifest: pins the feed, finds what the log says has changed since the last one and
 * which datastreams were opened or closed, sums up those buckets as they are at the pinned moment, and
 * signs. All of it in steps of some milliseconds between the answers; what it writes means nothing
 * before its last insert (`buckets.ts`).
 */
import { transaction } from '../../devices/database.ts';
import type { Datastream } from '../../devices/model.ts';
import { visible } from '../../devices/visible.ts';
import { canonicalJson } from '../../proof/canonical-json.ts';
import { dayBefore, monthOf, spanOfDay } from '../../proof/day.ts';
import {
  manifestFormat,
  manifestText,
  sha256Of,
  type ChangedBucket,
  type UnsignedManifest,
} from '../../proof/manifest.ts';
import { sumBranches, type Branch } from '../../proof/tree.ts';
import type { ApiContext } from '../context.ts';
import { apiError } from '../errors.ts';
import { everFromAt, everToAt } from '../instant.ts';
import type { NetworkView } from '../network.ts';
import type { Moment } from '../../ingest/feed/places/places.ts';
import { anonymousViewer } from '../viewer.ts';
import type { Archive, ManifestHead } from './archive.ts';
import type { Buckets } from './buckets.ts';
import { readChangedDays } from './changed-days.ts';
import type { ManifestKeys } from './keys.ts';
import { stagedTransaction } from './staged.ts';
import { sumDays } from './sum-days.ts';
import { createTurns } from './turns.ts';

export interface MakeOptions {
  readonly context: ApiContext;
  readonly archive: Archive;
  readonly buckets: Buckets;
  readonly keys: ManifestKeys;
  /** Told the cursor as soon as it is pinned: no reader has gone beyond it yet. */
  readonly pinned: (sequence: number, cursor: string) => void;
  /** The server is ending: the making stops at its next step. */
  readonly isEnding: () => boolean;
}

export interface MadeManifest {
  readonly head: ManifestHead;
  readonly rows: number;
  readonly changed: number;
}

interface Pinned {
  readonly position: number;
  readonly moment: Moment;
  readonly view: NetworkView;
  /** What everybody sees, both at the pinned moment and now, by id. */
  readonly open: ReadonlyMap<string, Datastream>;
}

interface Making extends MakeOptions {
  readonly before: ManifestHead | undefined;
  readonly sequence: number;
  readonly pin: Pinned;
  readonly turn: () => Promise<void>;
}

export async function makeManifest(options: MakeOptions): Promise<MadeManifest> {
  const { context, archive, buckets } = options;
  const before = archive.latest();
  const sequence = (before?.sequence ?? 0) + 1;
  buckets.begin(sequence);
  const pin = await pinNow(context, (cursor) => options.pinned(sequence, cursor));
  const takeTurn = createTurns(context.clock);
  const turn = async (): Promise<void> => {
    await takeTurn();
    if (options.isEnding()) throw apiError('API_UNAVAILABLE');
  };
  const making: Making = { ...options, before, sequence, pin, turn };
  const changed = await changeTree(making);
  return sign(making, changed);
}

async function pinNow(context: ApiContext, pinned: (cursor: string) => void): Promise<Pinned> {
  const { feed, store, places, networks, registryAt } = context;
  await feed.waitFor(store.position);
  const position = Math.max(feed.position, store.position);
  const view = networks.viewOf(anonymousViewer);
  const pinning = async (): Promise<Moment> => {
    const at = await places.at(position);
    pinned(at.cursor);
    return at;
  };
  // In the feed a datastream opens and closes where the marker of the version stands.
  const [moment, versionOf] = await Promise.all([pinning(), places.versionsAt(position)]);
  const open = view.datastreams.filter(({ id, series }) => {
    const version = versionOf(series);
    const followed = (version === undefined ? undefined : registryAt(version)) ?? view.registry;
    const datastream = followed.datastreams.get(id);
    return datastream !== undefined && visible('anonymous', datastream, followed);
  });
  return { position, moment, view, open: new Map(open.map((each) => [each.id, each])) };
}

/** Writes what is not as it was, and says what that is, sorted by datastream and day. */
async function changeTree(making: Making): Promise<readonly ChangedBucket[]> {
  const { buckets, sequence, pin, turn } = making;
  const known = new Map<string, Branch>();
  for (const page of buckets.open(sequence - 1)) {
    for (const branch of page) known.set(branch.name, branch);
    await turn();
  }
  const days = await changedDays(making);
  const changed: ChangedBucket[] = [];
  const closed = [...known.keys()].filter((id) => !pin.open.has(id));
  for (const ids of chunksOf(closed)) {
    stagedTransaction(making.context.kept, () => ids.forEach((id) => buckets.close(id, sequence)));
    changed.push(...ids.map((id): ChangedBucket => [id, null, 0, null]));
    await turn();
  }
  const isWhole = ({ id }: Datastream): boolean => days === undefined || !known.has(id);
  const wanted = [...pin.open.values()].filter(
    (each) => isWhole(each) || days?.has(each.series) === true,
  );
  for (const datastreams of chunksOf(wanted)) {
    const found: ChangedDays[] = [];
    for (const each of datastreams) {
      const ofDays = isWhole(each) ? undefined : days?.get(each.series);
      found.push(await readChanged(making, each, { known: known.get(each.id), days: ofDays }));
    }
    changed.push(...writeChanged(making, found));
    await turn();
  }
  return changed.sort(compareChanged);
}

/** Datastreams of one transaction: a few milliseconds. */
const chunkMax = 20;

function* chunksOf<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let at = 0; at < items.length; at += chunkMax) yield items.slice(at, at + chunkMax);
}

function compareChanged(one: ChangedBucket, other: ChangedBucket): number {
  if (one[0] !== other[0]) return one[0] < other[0] ? -1 : 1;
  return (one[1] ?? '') < (other[1] ?? '') ? -1 : 1;
}

/** Undefined where everything is to be summed up: at the first manifest, or where the log cannot tell. */
async function changedDays({
  context,
  before,
  pin,
  turn,
}: Making): Promise<ReadonlyMap<number, ReadonlySet<string>> | undefined> {
  const from = before === undefined ? undefined : await context.places.locate(before.cursor);
  if (from === undefined) return undefined;
  const source = context.observations;
  return readChangedDays({ source, from: from.position, upTo: pin.position, turn });
}

interface ChangedDays {
  readonly id: string;
  /** What is not as it was; rows 0 where nothing is left. */
  readonly days: readonly Branch[];
  /** All days were read: of a datastream that was opened, or of which it is not known what changed. */
  readonly isWhole: boolean;
  readonly known: Branch | undefined;
}

async function readChanged(
  making: Making,
  datastream: Datastream,
  { known, days }: { readonly known: Branch | undefined; days: ReadonlySet<string> | undefined },
): Promise<ChangedDays> {
  const { buckets, sequence } = making;
  const { id } = datastream;
  const isWhole = days === undefined;
  const found: Branch[] = [];
  if (isWhole)
    found.push(...(await daysOf(making, datastream, { fromAt: everFromAt, toAt: everToAt })));
  for (const day of days ?? []) {
    const [branch] = await daysOf(making, datastream, spanOfDay(day));
    found.push(branch ?? goneDay(day));
  }
  const held = new Map(
    (isWhole ? buckets.days(id, sequence - 1) : heldDays(making, id, days)).map((each) => [
      each.name,
      each,
    ]),
  );
  const names = new Set(found.map(({ name }) => name));
  const gone = [...held.keys()].filter((name) => !names.has(name)).map(goneDay);
  const isAsItWas = ({ name, rows, sha256 }: Branch): boolean =>
    rows === (held.get(name)?.rows ?? 0) && sha256 === (held.get(name)?.sha256 ?? '');
  const changed = [...found, ...(isWhole ? gone : [])].filter((each) => !isAsItWas(each));
  return { id, days: changed, isWhole, known };
}

function goneDay(name: string): Branch {
  return { name, rows: 0, sha256: '' };
}

function heldDays(
  { buckets, sequence }: Making,
  id: string,
  days: ReadonlySet<string>,
): readonly Branch[] {
  const months = new Set([...days].map(monthOf));
  return [...months].flatMap((month) => buckets.days(id, sequence - 1, month));
}

function writeChanged(
  { buckets, sequence, context }: Making,
  found: readonly ChangedDays[],
): readonly ChangedBucket[] {
  return stagedTransaction(context.kept, () =>
    found.flatMap(({ id, days, isWhole, known }): readonly ChangedBucket[] => {
      // One that was not open is written down as open, though it has no rows.
      if (days.length === 0 && known !== undefined) return [];
      buckets.setDays(id, sequence, days);
      const sum = buckets.sumUp(id, sequence, days);
      if (isWhole && sum.rows === 0 && (known?.rows ?? 0) === 0) return [];
      if (isWhole) return [[id, null, sum.rows, sum.rows === 0 ? null : sum.sha256]];
      return days.map(({ name, rows, sha256 }) => [id, name, rows, rows === 0 ? null : sha256]);
    }),
  );
}

async function daysOf(
  { context, pin, turn }: Making,
  datastream: Datastream,
  span: { readonly fromAt: number; readonly toAt: number },
): Promise<readonly Branch[]> {
  const series = pin.view.rows.context(datastream.series);
  if (series === undefined) return [];
  return sumDays({ context, moment: pin.moment, datastream, series, ...span, turn });
}

async function sign(making: Making, changed: readonly ChangedBucket[]): Promise<MadeManifest> {
  const { context, archive, buckets, keys, before, sequence, pin, turn } = making;
  const branches: Branch[] = [];
  for (const page of buckets.open(sequence)) {
    branches.push(...page.filter(({ rows }) => rows > 0));
    await turn();
  }
  const root = sumBranches('root', branches);
  await turn();
  const { files, upTo: filesUpTo } = archive.filesSince(before?.filesUpTo ?? 0);
  const key = keys.signerOf(sequence);
  const nextKey = keys.announcedIn(sequence);
  const madeAt = context.clock.now();
  const day = dayBefore(madeAt);
  const { cursor } = pin.moment;
  const unsigned: Omit<UnsignedManifest, 'changed'> = {
    format: manifestFormat,
    storeId: context.storeId,
    sequence,
    previous: before?.sha256 ?? null,
    day,
    cursor,
    madeAt: new Date(madeAt).toISOString(),
    root: root.sha256,
    datastreams: branches.length,
    rows: root.rows,
    files,
    key: key.publicKey.kid,
    ...(nextKey === undefined ? {} : { nextKey }),
  };
  const texts: string[] = [];
  for (const bucket of changed) {
    texts.push(canonicalJson(bucket));
    await turn();
  }
  const signature = await key.sign(Buffer.from(manifestText(unsigned, texts)));
  const document = Buffer.from(manifestText({ ...unsigned, signature }, texts));
  await turn();
  const sha256 = sha256Of(document);
  const head = { sequence, day, madeAt, cursor, sha256, bytes: document.length, filesUpTo };
  transaction(context.kept, () => {
    archive.add(head, document);
    buckets.end();
  });
  keys.forgetBefore(sequence + 1);
  await prune(making, changed);
  return { head, rows: root.rows, changed: changed.length };
}

async function prune(
  { context, buckets, sequence, turn }: Making,
  changed: readonly ChangedBucket[],
): Promise<void> {
  const ids = [...new Set(changed.map(([datastream]) => datastream))];
  for (const chunk of chunksOf(ids)) {
    stagedTransaction(context.kept, () => chunk.forEach((id) => buckets.prune(id, sequence)));
    await turn();
  }
}
