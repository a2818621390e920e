/**
 * The newest of what readers should know without following every value: corrections, deletions, and
 * datastreams that were opened or closed. Values of one datastream that one batch changed for one
 * cause are one event, so that a corrected day is one line and not 144.
 */
import { setImmediate } from 'node:timers/promises';

import { decodeBatch } from '../../ingest/observations/batch-codec.ts';
import type { Position } from '../../ingest/log/log.ts';
import type { Batch } from '../../ingest/observations/batch.ts';
import type { ChangeCause, ChangeType, ObservationRow } from '../../ingest/observation.ts';
import { itemsOf, type FeedItem, type RegistryAt } from '../../ingest/feed/changes.ts';
import type { Feed, LogSource } from '../../ingest/feed/feed.ts';
import type { Pins } from '../../ingest/feed/places/places.ts';
import { readOrSkip } from '../../ingest/feed/reading.ts';

/** The batch that an event is of. */
interface EventPlace {
  /** In this node's own log. */
  readonly position: Position;
  /** Of the batch among all, or in a copy among those of its partition: the same on every node. */
  readonly number: Position;
  readonly publishedAt: number;
}

/** Rows of one datastream that were changed together. */
export interface RowsEvent extends EventPlace {
  readonly kind: 'rows';
  readonly type: Exclude<ChangeType, 'insert'>;
  readonly cause: ChangeCause;
  /** By it, and its revision, the event is known. */
  readonly first: ObservationRow;
  readonly rows: number;
  /** Ends of the phenomenon times, the earliest and the latest. */
  readonly fromAt: number;
  readonly toAt: number;
}

export interface DatastreamEvent extends EventPlace {
  readonly kind: 'datastream';
  readonly item: Extract<FeedItem, { readonly kind: 'datastream' }>;
}

export type RecentEvent = RowsEvent | DatastreamEvent;

export interface RecentEvents {
  /**
   * The newest `eventsMax` of those that were there at the moment, in an order that depends on the
   * events alone: by the time of publishing, the newest first, then by number.
   */
  listAt(pins: Pins): Promise<readonly RecentEvent[]>;
}

export interface RecentEventsOptions {
  readonly feed: Feed;
  readonly source: LogSource;
  readonly registryAt: RegistryAt;
  /** Events shown; as many more are kept for moments that others have come after. */
  readonly eventsMax: number;
  /** Batches before the start that are looked through, once, when somebody asks first. */
  readonly lookBackBatches: number;
}

const readBytes = 65_536;

/** Follows the feed from here on; it ends with the feed. */
export function createRecentEvents(options: RecentEventsOptions): RecentEvents {
  const { feed, source, registryAt, eventsMax } = options;
  const keptMax = 2 * eventsMax;
  const startPosition = feed.position;
  let newer: RecentEvent[] = [];
  let older: Promise<readonly RecentEvent[]> | undefined;

  feed.listen((position, batch) => {
    const found = eventsOf(position, batch, registryAt);
    if (found.length > 0) newer = [...newer, ...found].slice(-keptMax);
  });

  async function lookBack(): Promise<readonly RecentEvent[]> {
    const found: RecentEvent[] = [];
    const from = Math.max(1, startPosition - options.lookBackBatches + 1);
    const reader = await source.openReader(from);
    try {
      while (reader.next <= startPosition) {
        const { records } = await readOrSkip(reader, readBytes);
        if (records.length === 0) break;
        for (const { position, body } of records) {
          if (position > startPosition) return found;
          found.push(...eventsOf(position, decodeBatch(position, body), registryAt));
        }
        await setImmediate();
      }
      return found;
    } finally {
      await reader.close();
    }
  }

  return {
    async listAt(pins) {
      // Asked again where the log could not be read.
      older ??= lookBack().catch((error: unknown) => {
        older = undefined;
        throw error;
      });
      const all = [...(await older), ...newer].slice(-keptMax);
      return all
        .filter((event) => event.position <= pins.pinOf(seriesOf(event)))
        .slice(-eventsMax)
        .sort((a, b) => b.publishedAt - a.publishedAt || b.number - a.number);
    },
  };
}

function seriesOf(event: RecentEvent): number {
  return event.kind === 'rows' ? event.first.series : event.item.change.datastream.series;
}

function eventsOf(position: Position, batch: Batch, registryAt: RegistryAt): RecentEvent[] {
  const { publishedAt, place } = batch;
  const number = place?.positions[place.partition] ?? position;
  const at = { position, number, publishedAt };
  const isQuiet = batch.control.length === 0 && batch.rows.every(({ type }) => type === 'insert');
  if (isQuiet) return [];
  const events: DatastreamEvent[] = [];
  const groups = new Map<string, RowsEvent>();
  for (const item of itemsOf(batch, registryAt)) {
    if (item.kind === 'datastream') events.push({ kind: 'datastream', item, ...at });
    else if (item.row.type !== 'insert') addRow(groups, item.row, at);
  }
  return [...events, ...groups.values()];
}

function addRow(groups: Map<string, RowsEvent>, row: ObservationRow, at: EventPlace): void {
  const { series, type, cause, endAt } = row;
  if (type === 'insert') return;
  const key = `${series} ${type} ${cause}`;
  const known = groups.get(key);
  groups.set(
    key,
    known === undefined
      ? {
          kind: 'rows',
          type,
          cause,
          first: row,
          rows: 1,
          fromAt: endAt,
          toAt: endAt,
          ...at,
        }
      : {
          ...known,
          rows: known.rows + 1,
          fromAt: Math.min(known.fromAt, endAt),
          toAt: Math.max(known.toAt, endAt),
        },
  );
}
