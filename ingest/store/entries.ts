/**
 * Quarantine and control. An `open` entry of quarantine is a row; an entry that ends it (`replayed`,
 * `dismissed`) is none: it marks every open row of the same reading and channel before it. The mark
 * carries the ending batch, so that a reader pinned before it still sees the row open.
 */
import type { Position } from '../log/log.ts';
import type { ControlEntry, QuarantineEntry } from '../observations/batch.ts';
import type { Placed } from './tail-entries.ts';
import type { Tail } from './tail.ts';
import type { View } from './view.ts';

export interface QuarantineQuery {
  readonly beforePosition?: Position;
  readonly limit: number;
  readonly state?: QuarantineEntry['state'];
  readonly device?: string;
}

interface QuarantineRow {
  readonly batch: number;
  readonly ordinal: number;
  readonly position: number;
  readonly received_at: number;
  readonly device: string;
  readonly topic: string;
  readonly channel: string | null;
  readonly code: string;
  readonly offset: number;
  readonly detail: string;
  readonly payload: Uint8Array | null;
  readonly ended_by: number | null;
  readonly ended_state: QuarantineEntry['state'] | null;
}

interface ControlRow {
  readonly batch: number;
  readonly ordinal: number;
  readonly position: number;
  readonly received_at: number;
  readonly device: string;
  readonly kind: string;
  readonly text: string;
}

function comparePlaces(
  a: { readonly batch: number; readonly ordinal: number },
  b: { readonly batch: number; readonly ordinal: number },
): number {
  return a.batch - b.batch || a.ordinal - b.ordinal;
}

/** Newest reading first; of one reading the entry met last first. */
function compareNewest(a: Placed<QuarantineEntry>, b: Placed<QuarantineEntry>): number {
  return b.entry.position - a.entry.position || comparePlaces(b, a);
}

function subjectOf(entry: QuarantineEntry): string {
  return `${entry.position} ${entry.channel === null ? '' : `c${entry.channel}`}`;
}

function quarantineOf(row: QuarantineRow, pin: Position): Placed<QuarantineEntry> {
  const ended = row.ended_by !== null && row.ended_by <= pin;
  return {
    batch: row.batch,
    ordinal: row.ordinal,
    entry: {
      position: row.position,
      receivedAt: row.received_at,
      device: row.device,
      topic: row.topic,
      channel: row.channel,
      code: row.code,
      offset: row.offset,
      detail: row.detail,
      state: ended ? row.ended_state! : 'open',
      payload: row.payload,
    },
  };
}

export interface EntryReader {
  /** Inside `view.reading`. Entries of one reading are never parted: the last one's all come along. */
  quarantine(tail: Tail, pin: Position, query: QuarantineQuery): QuarantineEntry[];
  control(
    tail: Tail,
    pin: Position,
    query: { readonly device: string; readonly limit: number },
  ): ControlEntry[];
}

export function createEntryReader(view: View): EntryReader {
  const { database } = view;
  const newest = 'position < ? AND batch <= ? ORDER BY position DESC, batch DESC, ordinal DESC';
  const all = database.prepare(`SELECT * FROM quarantine WHERE ${newest}`);
  const open = database.prepare(
    `SELECT * FROM quarantine WHERE (ended_by IS NULL OR ended_by > ?) AND ${newest}`,
  );
  const ofDevice = database.prepare(`SELECT * FROM quarantine WHERE device = ? AND ${newest}`);
  const controls = database.prepare(
    'SELECT * FROM control WHERE device = ? AND batch <= ? ORDER BY batch DESC, ordinal DESC LIMIT ?',
  );

  function stored(query: QuarantineQuery, pin: Position): Iterable<unknown> {
    const before = query.beforePosition ?? Number.MAX_SAFE_INTEGER;
    if (query.device !== undefined) return ofDevice.iterate(query.device, before, pin);
    return query.state === 'open' ? open.iterate(pin, before, pin) : all.iterate(before, pin);
  }

  return {
    quarantine(tail, pin, query) {
      const replayed = replayTail(tail, pin);
      const before = query.beforePosition ?? Number.MAX_SAFE_INTEGER;
      const fits = ({ entry }: Placed<QuarantineEntry>): boolean =>
        entry.position < before &&
        (query.state === undefined || entry.state === query.state) &&
        (query.device === undefined || entry.device === query.device);
      const fresh = [...replayed.rows.values()].filter(fits).toSorted(compareNewest);
      const found: Placed<QuarantineEntry>[] = [];
      let at = 0;
      const isFull = (position: Position): boolean =>
        found.length >= query.limit && found.at(-1)!.entry.position !== position;
      for (const row of stored(query, pin)) {
        const placed = replayed.apply(quarantineOf(row as QuarantineRow, pin));
        if (replayed.rows.has(placeKey(placed)) || !fits(placed)) continue;
        while (at < fresh.length && compareNewest(fresh[at]!, placed) < 0) found.push(fresh[at++]!);
        if (found.length > 0 && isFull(placed.entry.position)) break;
        found.push(placed);
      }
      found.push(...fresh.slice(at));
      return cutAtReading(found, query.limit).map(({ entry }) => entry);
    },
    control(tail, pin, { device, limit }) {
      const fresh = tail.control.filter(
        ({ entry, batch }) => entry.device === device && batch <= pin,
      );
      const known = new Set(fresh.map(placeKey));
      const rows = controls.all(device, pin, limit) as unknown as ControlRow[];
      const held = rows.filter((row) => !known.has(placeKey(row))).map(controlOf);
      return [...fresh, ...held]
        .toSorted((a, b) => comparePlaces(b, a))
        .slice(0, limit)
        .map(({ entry }) => entry);
    },
  };
}

function controlOf(row: ControlRow): Placed<ControlEntry> {
  const { batch, ordinal, position, device, kind, text } = row;
  return { batch, ordinal, entry: { position, receivedAt: row.received_at, device, kind, text } };
}

function placeKey(place: { readonly batch: number; readonly ordinal: number }): string {
  return `${place.batch}/${place.ordinal}`;
}

/** At most `limit`, and then the rest of the last one's reading. */
function cutAtReading(
  found: readonly Placed<QuarantineEntry>[],
  limit: number,
): readonly Placed<QuarantineEntry>[] {
  const last = found[limit - 1];
  if (last === undefined) return limit <= 0 ? [] : found;
  let end = limit;
  while (found[end]?.entry.position === last.entry.position) end++;
  return found.slice(0, end);
}

interface ReplayedTail {
  /** Rows that the tail adds, by place. */
  readonly rows: ReadonlyMap<string, Placed<QuarantineEntry>>;
  /** A stored row with the ends that the tail holds. */
  apply(placed: Placed<QuarantineEntry>): Placed<QuarantineEntry>;
}

function replayTail(tail: Tail, pin: Position): ReplayedTail {
  const rows = new Map<string, Placed<QuarantineEntry>>();
  const openRows = new Map<string, string[]>();
  const ends = new Map<string, Placed<QuarantineEntry>[]>();
  for (const placed of tail.quarantine) {
    if (placed.batch > pin) break;
    const subject = subjectOf(placed.entry);
    if (placed.entry.state === 'open') {
      rows.set(placeKey(placed), placed);
      openRows.set(subject, [...(openRows.get(subject) ?? []), placeKey(placed)]);
      continue;
    }
    for (const key of openRows.get(subject) ?? []) {
      const row = rows.get(key)!;
      rows.set(key, { ...row, entry: { ...row.entry, state: placed.entry.state } });
    }
    openRows.delete(subject);
    ends.set(subject, [...(ends.get(subject) ?? []), placed]);
  }
  return {
    rows,
    apply(placed) {
      if (placed.entry.state !== 'open') return placed;
      const end = ends.get(subjectOf(placed.entry))?.find((one) => comparePlaces(one, placed) > 0);
      return end === undefined
        ? placed
        : { ...placed, entry: { ...placed.entry, state: end.entry.state } };
    },
  };
}

export interface EntryWriter {
  putQuarantine(placed: Placed<QuarantineEntry>): void;
  putControl(placed: Placed<ControlEntry>): void;
}

/** Writing the same entry again changes nothing. */
export function createEntryWriter(view: View): EntryWriter {
  const { database } = view;
  const putOpen = database.prepare(
    `INSERT OR IGNORE INTO quarantine (batch, ordinal, position, received_at, device, topic, channel,
     code, offset, detail, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const end = database.prepare(
    `UPDATE quarantine SET ended_by = ?, ended_state = ? WHERE position = ? AND channel IS ?
     AND ended_by IS NULL AND (batch < ? OR (batch = ? AND ordinal < ?))`,
  );
  const putControl = database.prepare('INSERT OR IGNORE INTO control VALUES (?, ?, ?, ?, ?, ?, ?)');
  return {
    putQuarantine({ batch, ordinal, entry }) {
      const { position, channel } = entry;
      if (entry.state !== 'open') {
        end.run(batch, entry.state, position, channel, batch, batch, ordinal);
        return;
      }
      const { receivedAt, device, topic, code, offset, detail, payload } = entry;
      const place = [batch, ordinal, position, receivedAt, device, topic, channel] as const;
      putOpen.run(...place, code, offset, detail, payload);
    },
    putControl({ batch, ordinal, entry }) {
      const { position, receivedAt, device, kind, text } = entry;
      putControl.run(batch, ordinal, position, receivedAt, device, kind, text);
    },
  };
}
