/**
 * Keeps the marks true: notes every batch that the feed gives, reads what came while nobody noted,
 * and compares the series that are open with those that were. What is known is kept together with
 * the cursor up to which it is whole, so that a kill costs the reading of what came since.
 */
import { setImmediate } from 'node:timers/promises';

import { CodedError } from '../../devices/coded-error.ts';
import type { Position } from '../../ingest/log/log.ts';
import type { ObservationRow } from '../../ingest/observation.ts';
import { readOrSkip } from '../../ingest/feed/reading.ts';
import { decodeBatch } from '../../ingest/observations/batch-codec.ts';
import { everFromAt, everToAt } from '../instant.ts';
import type { Batch } from '../../ingest/observations/batch.ts';
import type { ApiContext } from '../context.ts';
import type { Marks } from './marks.ts';
import { monthOf, type Month } from './months.ts';
import { openNetworkOf, type OpenNetwork, type OpenSeries } from './open-series.ts';
import type { BulkRecords, DirtyMonth, FileRecord, KnownSeries } from './records.ts';

export interface BulkFollowing {
  /** Whether everything is marked that the feed has told. */
  readonly isWhole: boolean;
  /**
   * From here on the feed tells which series were opened, of whose rows nothing is marked yet;
   * Infinity while the series that are open are those that were compared last.
   */
  readonly openingsFrom: Position;
  /** Everything is marked that had changed when it was called. Rejects with what could not be read. */
  catchUp(): Promise<void>;
  /** Keeps what is marked, where that has changed or the cursor is old. */
  save(): Promise<void>;
  close(): void;
}

export interface FollowingOptions {
  readonly context: ApiContext;
  readonly records: BulkRecords;
  readonly marks: Marks;
  /** An observation was erased by law: what holds it must go at once. */
  readonly onErased: (row: ObservationRow, position: Position) => void;
  /** Batches came in that nobody can be told of any more: what they have erased is to be found otherwise. */
  readonly onGap: () => Promise<void>;
  /** Batches somewhere from the first to the last of these positions cannot be read. */
  readonly onDamage: (first: Position, last: Position) => void;
  /** All of these that were told have gone: before that nothing is kept as followed. */
  readonly settled: () => Promise<void>;
}

const readBytes = 262_144;
/** A start reads no more of the log again than what came in so long. */
const saveAtLeastMs = 60_000;

export function openBulkFollowing(options: FollowingOptions): BulkFollowing {
  const { context, records, marks } = options;
  const { feed, clock } = context;
  let known: ReadonlyMap<string, KnownSeries> = records.series();
  let network: OpenNetwork | undefined;
  let comparedUpTo = 0;
  /** Batches up to here came in before anybody noted them; they are read from the log once. */
  const missedUpTo = feed.position;
  let notedUpTo = missedUpTo;
  let isWhole = false;
  let isGap = false;
  let savedAtMs = -Infinity;

  const stop = feed.listen((position, batch) => {
    // The feed tells of every batch, or it has passed over some that it could not read.
    if (position === notedUpTo + 1) notedUpTo = position;
    noteBatch(options, position, batch);
  });

  async function readMissed(): Promise<void> {
    if (isWhole && notedUpTo === feed.position && !isGap) return;
    const from = isWhole ? undefined : await placeOf(context, records.followed());
    if (!isWhole) await markAgain(options, missedUpTo);
    notedUpTo = Math.max(notedUpTo, feed.position);
    // Nobody can tell what a batch that cannot be read has changed: the view holds it all the same.
    isGap ||= from === undefined || (await readFrom(options, { from, upTo: missedUpTo }));
    if (isGap) {
      // Everything is another than what is known of it.
      known = new Map();
      network = undefined;
      markFiles(options, () => true);
      await options.onGap();
      isGap = false;
    }
    isWhole = true;
  }

  async function compareSeries(): Promise<void> {
    const next = openNetworkOf(context);
    if (next === network) return;
    // The marker of any later version of the registry stands behind this.
    const { position } = feed;
    marks.useNetwork(next);
    await markChanged(options, known, next);
    network = next;
    comparedUpTo = position;
    known = knownOf(next);
    await save(known);
  }

  async function save(series?: ReadonlyMap<string, KnownSeries>): Promise<void> {
    const { cursor: followed } = await context.places.at(feed.position);
    await options.settled();
    savedAtMs = clock.monotonicMs();
    // Since the question for the cursor more may have been marked, never less.
    const dirty = await dirtyOf(context, marks);
    records.saveFollowing({ dirty, followed, ...(series === undefined ? {} : { series }) });
  }

  return {
    get isWhole() {
      return isWhole && notedUpTo === feed.position;
    },
    get openingsFrom() {
      return openNetworkOf(context) === network ? Infinity : comparedUpTo + 1;
    },
    async catchUp() {
      await readMissed();
      await compareSeries();
    },
    async save() {
      const isOld = clock.monotonicMs() - savedAtMs >= saveAtLeastMs;
      if (isWhole && (marks.takeChanged() || isOld)) await save();
    },
    close: stop,
  };
}

function noteBatch(
  { context, marks, onErased }: FollowingOptions,
  position: Position,
  batch: Batch,
): void {
  marks.useNetwork(openNetworkOf(context));
  for (const row of batch.rows) {
    marks.note(row, position);
    if (row.cause === 'erasure') onErased(row, position);
  }
}

/** What was marked in an earlier run; of another history everything is looked at anew. */
async function markAgain(
  { context, records, marks }: FollowingOptions,
  changedUpTo: Position,
): Promise<void> {
  for (const { dataset, month, since, firstCursor } of records.dirty()) {
    const firstAt = (await placeOf(context, firstCursor)) ?? 1;
    marks.mark({ dataset, month, since, firstAt, changedUpTo, registryVersion: 0 });
  }
}

async function dirtyOf({ places }: ApiContext, marks: Marks): Promise<readonly DirtyMonth[]> {
  const cursors = new Map<Position, string>();
  const dirty: DirtyMonth[] = [];
  for (const { dataset, month, since, firstAt } of marks.all()) {
    const firstCursor = cursors.get(firstAt) ?? (await places.at(firstAt - 1)).cursor;
    cursors.set(firstAt, firstCursor);
    dirty.push({ dataset, month, since, firstCursor });
  }
  return dirty;
}

function knownOf({ byDatastream }: OpenNetwork): ReadonlyMap<string, KnownSeries> {
  return new Map(
    [...byDatastream].map(([id, { dataset, shape }]) => [id, { dataset: dataset.id, shape }]),
  );
}

/** Where reading goes on; undefined where all must be looked at anew. */
async function placeOf(
  { places }: ApiContext,
  cursor: string | undefined,
): Promise<Position | undefined> {
  if (cursor === undefined) return undefined;
  try {
    return (await places.read(cursor, 'cursor')).position;
  } catch (error) {
    // Of another store, or of a history that a restore took back: what was known is not of this one.
    if (error instanceof CodedError) return undefined;
    throw error;
  }
}

interface Missed {
  readonly from: Position;
  readonly upTo: Position;
}

/** Steps over what is damaged, tells of it, and says whether there was any. */
async function readFrom(options: FollowingOptions, { from, upTo }: Missed): Promise<boolean> {
  const { context, onDamage } = options;
  if (from > upTo) return false;
  const reader = await context.observations.openReader(Math.max(1, from));
  let isDamaged = false;
  try {
    for (;;) {
      const { next } = reader;
      const { records, isBehindDamage } = await readOrSkip(reader, readBytes);
      if (isBehindDamage) onDamage(next, (records[0]?.position ?? reader.next) - 1);
      isDamaged ||= isBehindDamage;
      if (records.length === 0) return isDamaged;
      for (const { position, body } of records) {
        if (position > upTo) return isDamaged;
        noteBatch(options, position, decodeBatch(position, body));
      }
      await setImmediate();
    }
  } finally {
    await reader.close();
  }
}

/** Months of series that are open no more, are new, or are shown otherwise. */
async function markChanged(
  options: FollowingOptions,
  known: ReadonlyMap<string, KnownSeries>,
  network: OpenNetwork,
): Promise<void> {
  const { context, marks } = options;
  const { registryVersion } = network;
  const changedUpTo = context.feed.position;
  const gone = new Set<string>();
  for (const [id, { shape }] of known) {
    if (network.byDatastream.get(id)?.shape !== shape) gone.add(id);
  }
  markFiles(
    options,
    ({ dataset, content }) =>
      !network.isOpen(dataset, content) ||
      (gone.size > 0 && content.some((entry) => gone.has(idOf(entry)))),
  );
  for (const series of network.byDatastream.values()) {
    if (known.get(series.datastream.id)?.shape === series.shape) continue;
    for await (const month of monthsOf(context, series)) {
      marks.mark({ dataset: series.dataset.id, month, changedUpTo, registryVersion });
    }
  }
}

function markFiles(
  { context, records, marks }: FollowingOptions,
  isWanted: (file: FileRecord) => boolean,
): void {
  const { registryVersion } = openNetworkOf(context);
  const changedUpTo = context.feed.position;
  for (const file of records.current().filter(isWanted)) {
    const { dataset, month } = file;
    marks.mark({ dataset, month, changedUpTo, registryVersion });
  }
}

function idOf(entry: string): string {
  return (JSON.parse(entry) as readonly [string])[0];
}

/** Months in which the series has rows now, by one short question each. */
async function* monthsOf(
  context: ApiContext,
  { datastream, time }: OpenSeries,
): AsyncGenerator<Month> {
  const { series } = datastream;
  for (let fromAt = everFromAt; ;) {
    await setImmediate();
    const moment = await context.places.at(context.store.position);
    const query = { series, fromAt, toAt: everToAt, order: 'asc', limit: 1 } as const;
    const [first] = await context.questions.range(query, moment);
    if (first === undefined) return;
    const span = monthOf(first.endAt, time);
    yield span.month;
    fromAt = span.toAt;
  }
}
