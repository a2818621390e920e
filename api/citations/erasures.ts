/**
 * What the law has erased must be in no citation: those that hold such an observation lose their
 * bytes. Until it is known of a citation whether it holds one, its bytes are given to nobody.
 */
import { setImmediate } from 'node:timers/promises';

import type { ObservationRow } from '../../ingest/observation.ts';
import type { ApiContext } from '../context.ts';
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
  /** Resolves when every observation that was noted is in no citation; rejects when one may be. */
  settled(): Promise<void>;
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
}

export function createErasures(options: ErasuresOptions): Erasures {
  const { context } = options;
  let waiting: Erased[] = [];
  let working: Promise<void> | undefined;
  const watching = new Set<Erased[]>();

  async function work(): Promise<void> {
    try {
      while (waiting.length > 0) {
        const taken = waiting;
        await eraseAll(options, taken);
        waiting = waiting.slice(taken.length);
      }
    } finally {
      working = undefined;
    }
  }

  return {
    note(row) {
      const known = context.registry.current().bySeries[row.series];
      if (known === undefined) return;
      const rows = context.networks.viewOf(operatorView).rows;
      const id = rows.context(row.series)?.id(row);
      if (id === undefined) return;
      const erased = { datastream: known.id, id, endAt: row.endAt };
      waiting = [...waiting, erased];
      for (const each of watching) each.push(erased);
    },
    watch() {
      const meanwhile: Erased[] = [];
      watching.add(meanwhile);
      return () => {
        watching.delete(meanwhile);
        waiting = [...waiting, ...meanwhile];
      };
    },
    settled() {
      if (waiting.length === 0) return Promise.resolve();
      working ??= work();
      return working;
    },
  };
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
): Promise<void> {
  const candidates = new Map<string, { readonly record: CitedBytes; readonly ids: string[] }>();
  for (const { datastream, id, endAt } of erased) {
    // Others are answered between the questions: many rows may be erased at once.
    await setImmediate();
    for (const record of records.about(datastream, endAt)) {
      const found = candidates.get(record.sha256);
      if (found === undefined) candidates.set(record.sha256, { record, ids: [id] });
      else found.ids.push(id);
    }
  }
  for (const { record, ids } of candidates.values()) {
    if (!(await mayHold(blobs, record, ids))) continue;
    records.erase(record.sha256, context.clock.now());
    room.add(-(await blobs.remove(record.sha256, record.stored)));
  }
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
