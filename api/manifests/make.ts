/**
 * Makes the next manifest: pins the feed, finds what the log says has changed since the last one and
 * which datastreams were opened or closed, sums up those buckets as they are at the pinned moment, and
 * signs. All of it in steps of some milliseconds between the answers; what it writes means nothing
 * before its last insert (`buckets.ts`).
 */
import { transaction } from '../../devices/database.ts';
import type { Datastream } from '../../devices/model.ts';
import { visible } from '../../devices/visible.ts';
import { dayBefore, spanOfDay } from '../../proof/day.ts';
import {
  documentOf,
  manifestFormat,
  sha256Of,
  signedBytes,
  type ChangedBucket,
  type UnsignedManifest,
} from '../../proof/manifest.ts';
import { sumBranches, type Branch } from '../../proof/tree.ts';
import type { ApiContext } from '../context.ts';
import { apiError } from '../errors.ts';
import type { NetworkView } from '../network.ts';
import type { Moment } from '../../ingest/feed/places/places.ts';
import { anonymousViewer } from '../viewer.ts';
import type { Archive, ManifestHead } from './archive.ts';
import type { Buckets } from './buckets.ts';
import { readChangedDays } from './changed-days.ts';
import type { ManifestKeys } from './keys.ts';
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

const timeMin = -62_135_596_800_000;
const timeMax = 39_000_000_000_000;

export async function makeManifest(options: MakeOptions): Promise<MadeManifest> {
  const { context, archive, buckets } = options;
  const before = archive.latest();
  const sequence = (before?.sequence ?? 0) + 1;
  buckets.begin(sequence);
  const pin = await pinNow(context);
  options.pinned(sequence, pin.moment.cursor);
  const takeTurn = createTurns(context.clock);
  const turn = async (): Promise<void> => {
    await takeTurn();
    if (options.isEnding()) throw apiError('API_UNAVAILABLE');
  };
  const making: Making = { ...options, before, sequence, pin, turn };
  const changed = await changeTree(making);
  return sign(making, changed);
}

async function pinNow(context: ApiContext): Promise<Pinned> {
  const { feed, store, places, networks, registryAt } = context;
  await feed.waitFor(store.position);
  const position = Math.max(feed.position, store.position);
  const view = networks.viewOf(anonymousViewer);
  // In the feed a datastream opens and closes where the marker of the version stands.
  const followed = registryAt(feed.registryVersion) ?? view.registry;
  const open = view.datastreams.filter(({ id }) => {
    const datastream = followed.datastreams.get(id);
    return datastream !== undefined && visible('anonymous', datastream, followed);
  });
  const moment = await places.at(position);
  return { position, moment, view, open: new Map(open.map((each) => [each.id, each])) };
}

/** Writes what is not as it was, and says what that is, sorted by datastream and day. */
async function changeTree(making: Making): Promise<readonly ChangedBucket[]> {
  const { buckets, sequence, pin, turn } = making;
  const { kept } = making.context;
  const known = new Map(buckets.open(sequence - 1).map((each) => [each.name, each]));
  const days = await changedDays(making);
  const changed: ChangedBucket[] = [];
  for (const id of known.keys()) {
    if (pin.open.has(id)) continue;
    transaction(kept, () => buckets.close(id, sequence));
    changed.push([id, null, 0, null]);
    await turn();
  }
  for (const datastream of pin.open.values()) {
    const isKnown = known.has(datastream.id) && days !== undefined;
    if (!isKnown) changed.push(...(await sumWhole(making, datastream, known.get(datastream.id))));
    const wanted = isKnown ? days.get(datastream.series) : undefined;
    if (wanted !== undefined) changed.push(...(await sumChanged(making, datastream, wanted)));
  }
  return changed.sort(compareChanged);
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

/** A datastream that was opened, or of which it is not known what has changed. */
async function sumWhole(
  making: Making,
  datastream: Datastream,
  known: Branch | undefined,
): Promise<readonly ChangedBucket[]> {
  const { buckets, sequence, context } = making;
  const days = await daysOf(making, datastream, { fromAt: timeMin, toAt: timeMax });
  const names = new Set(days.map(({ name }) => name));
  const gone = buckets
    .days(datastream.id, sequence - 1)
    .filter(({ name }) => !names.has(name))
    .map(({ name }) => ({ name, rows: 0, sha256: '' }));
  const sum = transaction(context.kept, () => {
    buckets.setDays(datastream.id, sequence, [...days, ...gone]);
    return buckets.sumUp(datastream.id, sequence, [...days, ...gone]);
  });
  await making.turn();
  if (sum.rows === (known?.rows ?? 0) && (sum.rows === 0 || sum.sha256 === known?.sha256))
    return [];
  return [[datastream.id, null, sum.rows, sum.rows === 0 ? null : sum.sha256]];
}

async function sumChanged(
  making: Making,
  datastream: Datastream,
  wanted: ReadonlySet<string>,
): Promise<readonly ChangedBucket[]> {
  const { buckets, sequence, context } = making;
  const changed: Branch[] = [];
  for (const day of wanted) {
    const [found] = await daysOf(making, datastream, spanOfDay(day));
    const branch = found ?? { name: day, rows: 0, sha256: '' };
    const [held] = buckets
      .days(datastream.id, sequence - 1, day.slice(0, 7))
      .filter(({ name }) => name === day);
    const isAsItWas = branch.rows === (held?.rows ?? 0) && branch.sha256 === (held?.sha256 ?? '');
    if (!isAsItWas) changed.push(branch);
  }
  if (changed.length === 0) return [];
  transaction(context.kept, () => {
    buckets.setDays(datastream.id, sequence, changed);
    buckets.sumUp(datastream.id, sequence, changed);
  });
  await making.turn();
  return changed.map(({ name, rows, sha256 }) => [
    datastream.id,
    name,
    rows,
    rows === 0 ? null : sha256,
  ]);
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
  const branches = buckets.open(sequence).filter(({ rows }) => rows > 0);
  const root = sumBranches('root', branches);
  const { files, upTo: filesUpTo } = archive.filesSince(before?.filesUpTo ?? 0);
  const key = keys.signerOf(sequence);
  const nextKey = keys.announcedIn(sequence);
  const madeAt = context.clock.now();
  const day = dayBefore(madeAt);
  const { cursor } = pin.moment;
  const unsigned: UnsignedManifest = {
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
    changed,
    files,
    key: key.publicKey.kid,
    ...(nextKey === undefined ? {} : { nextKey }),
  };
  await turn();
  const bytes = signedBytes(unsigned);
  await turn();
  const signature = await key.sign(bytes);
  const document = documentOf({ ...unsigned, signature });
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
  for (const id of new Set(changed.map(([datastream]) => datastream))) {
    transaction(context.kept, () => buckets.prune(id, sequence));
    await turn();
  }
}
