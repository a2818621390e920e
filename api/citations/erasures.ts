/**
 * What the law has erased must be in no citation: those that hold such an observation lose their
 * bytes. Until it is known of a citation whether it holds one, its bytes are given to nobody.
 */
import { setImmediate } from 'node:timers/promises';

import { comesTrue } from '../../ingest/feed/comes-true.ts';
import { behindMaxMs } from '../../ingest/feed/places/places.ts';
import type { ObservationKey, ObservationRow } from '../../ingest/observation.ts';
import type { ApiContext } from '../context.ts';
import { apiError } from '../errors.ts';
import type { Blobs } from './blobs.ts';
import type { CitationRecords, CitedBytes } from './records.ts';
import type { Room } from './room.ts';

export interface Erasures {
  note(row: ObservationRow): void;
  /**
   * Begins before something is read to be cited; its end, behind the record of the citation, has
   * what was erased meanwhile looked for in it too.
   */
  watch(): () => void;
  /**
   * Resolves when every observation that was noted is in no citation, nor in one that is being made;
   * rejects when one may be. Only then may what was noted be forgotten.
   */
  settled(): Promise<void>;
  /** Every erasure that was there at the start has been noted. */
  begin(): void;
  /**
   * As `settled`, of all erasures that this server has had, those before its start too. Throws
   * API_UNAVAILABLE where they are not known yet.
   */
  known(): Promise<void>;
  /**
   * The log does not tell any more what was erased since it was last followed: the rows do, which
   * stay behind as deletions. Notes those of all that is cited.
   */
  lookAtRows(): Promise<void>;
}

export interface ErasuresOptions {
  readonly context: ApiContext;
  readonly records: CitationRecords;
  readonly blobs: Blobs;
  readonly room: Room;
}

interface Erased {
  readonly datastream: string;
  readonly id: string;
  readonly endAt: number;
  /** A cursor behind it: what was read there or later cannot hold it. Undefined: anything may. */
  readonly cursor?: string;
}

export function createErasures(options: ErasuresOptions): Erasures {
  const { context } = options;
  let waiting: Erased[] = [];
  let working: Promise<void> | undefined;
  const watching = new Set<Erased[]>();
  const ended: (() => void)[] = [];
  /** Bytes that nobody is given any more and that are still on the disk. */
  const orphans = new Map<string, CitedBytes>();
  let hasBegun = false;

  /** Something that is being cited may hold what was erased since it was read. */
  const isWatched = (): boolean => [...watching].some((meanwhile) => meanwhile.length > 0);

  async function work(): Promise<void> {
    try {
      while (waiting.length > 0 || isWatched()) {
        // Of its own: what is noted meanwhile has its turn behind these.
        const taken = [...waiting];
        await eraseAll(options, taken, orphans);
        waiting = waiting.slice(taken.length);
        if (waiting.length > 0 || !isWatched()) continue;
        await new Promise<void>((resolve) => {
          ended.push(resolve);
        });
      }
    } finally {
      working = undefined;
    }
  }

  function settled(): Promise<void> {
    if (waiting.length === 0 && !isWatched()) return Promise.resolve();
    working ??= work();
    return working;
  }

  function note(row: ObservationRow, cursor?: string): void {
    const known = context.registry.current().bySeries[row.series];
    const rows = context.networks.viewOf(operatorView).rows;
    const id = rows.context(row.series)?.id(row);
    if (known === undefined || id === undefined) return;
    const behind = cursor === undefined ? {} : { cursor };
    const erased = { datastream: known.id, id, endAt: row.endAt, ...behind };
    waiting.push(erased);
    for (const each of watching) each.push(erased);
  }

  return {
    note: (row) => note(row),
    watch() {
      const meanwhile: Erased[] = [];
      watching.add(meanwhile);
      return () => {
        watching.delete(meanwhile);
        waiting = [...waiting, ...meanwhile];
        for (const resolve of ended.splice(0)) resolve();
      };
    },
    settled,
    begin() {
      hasBegun = true;
    },
    async known() {
      if (!(await comesTrue(context.clock, behindMaxMs, () => hasBegun))) {
        throw apiError('API_UNAVAILABLE');
      }
      await settled();
    },
    lookAtRows: () => noteErasedRows(options, note),
  };
}

const rowsPerLook = 5_000;

async function noteErasedRows(
  { context, records }: ErasuresOptions,
  note: (row: ObservationRow, cursor: string) => void,
): Promise<void> {
  const { store, places } = context;
  let publishedAt = NaN;
  let cursor = '';
  for (const { datastream, fromAt, toAt } of records.spans()) {
    const series = context.registry.current().datastreams.get(datastream)?.series;
    if (series === undefined) continue;
    let after: ObservationKey = { series, endAt: fromAt - 1, startAt: fromAt, heightMm: NaN };
    for (;;) {
      await setImmediate();
      const rows = store.kept({ series, after, toAt, limit: rowsPerLook });
      for (const row of rows) {
        if (row.cause !== 'erasure') continue;
        // Many are erased together.
        if (row.publishedAt !== publishedAt) ({ cursor } = await places.asOf(row.publishedAt));
        publishedAt = row.publishedAt;
        note(row, cursor);
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < rowsPerLook) break;
      after = last;
    }
  }
}

/** Ids of observations are the same for all; of what is not open too. */
const operatorView = {
  principal: { kind: 'token', role: 'operator', subject: 'erasures' },
  key: 'operator:',
  actor: 'erasures',
} as const;

async function eraseAll(
  { context, records, blobs, room }: ErasuresOptions,
  erased: readonly Erased[],
  orphans: Map<string, CitedBytes>,
): Promise<void> {
  // What a run before this one could not remove any more is removed here.
  await room.ready();
  const candidates = new Map<string, { readonly record: CitedBytes; readonly ids: string[] }>();
  for (const { datastream, id, endAt, cursor } of erased) {
    // Others are answered between the questions: many rows may be erased at once.
    await setImmediate();
    for (const record of records.about(datastream, endAt)) {
      if (cursor !== undefined && (await isBehind(context, record, cursor))) continue;
      const found = candidates.get(record.sha256);
      if (found === undefined) candidates.set(record.sha256, { record, ids: [id] });
      else found.ids.push(id);
    }
  }
  for (const { record, ids } of candidates.values()) {
    if (!(await mayHold(blobs, record, ids))) continue;
    records.erase(record.sha256, context.clock.now());
    orphans.set(record.sha256, record);
  }
  // Of an earlier try too: its records say already that they are erased.
  for (const { sha256, stored } of orphans.values()) {
    room.add(-(await blobs.remove(sha256, stored)));
    orphans.delete(sha256);
  }
}

/** Whether the bytes were read there or later: of a cursor that tells nothing any more nobody knows. */
async function isBehind(
  { places }: ApiContext,
  { cursor }: CitedBytes,
  end: string,
): Promise<boolean> {
  const place = cursor === null ? undefined : await places.locate(cursor);
  return place !== undefined && places.hasReached(place, places.readEnd(end, 'cursor'));
}

/** Of rows, with the id of each. */
const searchable = /^(text\/csv|application\/(json|geo\+json|x-ndjson))(;|$)/;

/** All else holds what it is made of, and names it otherwise or not at all: sums, JSON-LD, Parquet. */
async function mayHold(
  blobs: Blobs,
  { sha256, stored, url, mediaType }: CitedBytes,
  ids: readonly string[],
): Promise<boolean> {
  const isRows = /^\/api\/v1\/(observations|latest)(\.|\?|$)/.test(url);
  if (stored === 'plain' || !isRows || !searchable.test(mediaType)) return true;
  const bytes = await blobs.read(sha256);
  return ids.some((id) => bytes.includes(id));
}
