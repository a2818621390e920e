/**
 * When datasets were opened and last changed, from the history of the registry alone: the same on
 * every node that has this history, and after every restore. What no one may see moves no date: of
 * what is hidden only the moment counts at which it was hidden.
 */
import { setImmediate } from 'node:timers/promises';

import type { Visibility } from '../../devices/model.ts';
import type { HistoryRow, HistorySlice, Registry } from '../../devices/registry.ts';
import type { Dataset } from './datasets.ts';

export interface ChronicleSource {
  current(): Registry;
  historySlice(after: number, limit: number): HistorySlice;
}

interface DatasetTimes {
  /** Integer milliseconds UTC. */
  readonly issuedAt: number;
  readonly modifiedAt: number;
}

export interface Chronicle {
  /** Reads what was added to the history since, in slices of a few milliseconds. */
  follow(): Promise<void>;
  /** As of the last `follow`. */
  timesOf(dataset: Dataset): DatasetTimes;
}

const kinds = ['owner', 'station', 'datastream'] as const;
type Kind = (typeof kinds)[number];

/** What of an entry decides who sees it, as the registry file writes it. */
interface Entry {
  readonly visibility?: Visibility;
  /** RFC 3339. */
  readonly embargoUntil?: string;
  readonly owner?: string;
  readonly station?: string;
  readonly property?: string;
}

interface Life {
  readonly firstAt: number;
  /** Since when it was ever open; undefined while it never was. */
  readonly openedAt: number | undefined;
  readonly lastAt: number;
}

const rowsPerSlice = 500;

export function createChronicle(source: ChronicleSource): Chronicle {
  const book = openBook(source);
  let end = -1;
  let following: Promise<void> | undefined;

  async function readOn(): Promise<void> {
    for (;;) {
      const slice = source.historySlice(end, rowsPerSlice);
      if (slice.rows.length === 0) return;
      for (const row of slice.rows) book.take(row);
      end = slice.end;
      await setImmediate();
    }
  }

  return {
    follow() {
      following ??= readOn().finally(() => {
        following = undefined;
      });
      return following;
    },
    timesOf: (dataset) => book.timesOf(dataset),
  };
}

interface Book {
  take(row: HistoryRow): void;
  timesOf(dataset: Dataset): DatasetTimes;
}

function openBook(source: Pick<ChronicleSource, 'current'>): Book {
  const entries: Readonly<Record<Kind, Map<string, Entry>>> = {
    owner: new Map(),
    station: new Map(),
    datastream: new Map(),
  };
  const lives = new Map<string, Life>();
  const members: Readonly<Record<'owner' | 'station', Map<string, Set<string>>>> = {
    owner: new Map(),
    station: new Map(),
  };
  /** By dataset: when something of it was last hidden. */
  const hiddenAt = new Map<string, number>();

  function isOpen(id: string, at: number): boolean {
    const datastream = entries.datastream.get(id);
    if (datastream === undefined) return false;
    const station = entries.station.get(datastream.station ?? '');
    const owner = entries.owner.get(station?.owner ?? '');
    const visibility = datastream.visibility ?? station?.visibility ?? owner?.visibility ?? 'open';
    const until = datastream.embargoUntil ?? station?.embargoUntil ?? owner?.embargoUntil;
    return visibility === 'open' && !(until !== undefined && Date.parse(until) > at);
  }

  function datasetsOf(id: string): readonly string[] {
    const { station = '', property = '' } = entries.datastream.get(id) ?? {};
    const owner = entries.station.get(station)?.owner;
    const domain = source.current().properties.get(property)?.domain;
    return [`${owner}~${domain}`, `${station}~${property}`];
  }

  /** Datastreams whose visibility may follow from the entry. */
  function under(kind: Kind, id: string): readonly string[] {
    if (kind === 'datastream') return [id];
    if (kind === 'station') return [...(members.station.get(id) ?? [])];
    return [...(members.owner.get(id) ?? [])].flatMap((station) => under('station', station));
  }

  function put(kind: Kind, { id, after, at }: HistoryRow): void {
    const entry = (after ?? undefined) as Entry | undefined;
    const key = `${kind}:${id}`;
    const life = lives.get(key);
    lives.set(key, { firstAt: life?.firstAt ?? at, openedAt: life?.openedAt, lastAt: at });
    if (entry === undefined) entries[kind].delete(id);
    else entries[kind].set(id, entry);
    if (kind === 'station' && entry?.owner !== undefined) addTo(members.owner, entry.owner, id);
    if (kind === 'datastream' && entry?.station !== undefined) {
      addTo(members.station, entry.station, id);
    }
  }

  function noteOpened(id: string, at: number): void {
    const life = lives.get(`datastream:${id}`);
    if (life !== undefined && life.openedAt === undefined && isOpen(id, at)) {
      lives.set(`datastream:${id}`, { ...life, openedAt: at });
    }
  }

  return {
    take(row) {
      const kind = kinds.find((each) => each === row.kind);
      if (kind === undefined) return;
      const { id, at } = row;
      const before = under(kind, id)
        .filter((each) => isOpen(each, at))
        .map((each) => ({ id: each, datasets: datasetsOf(each) }));
      put(kind, row);
      for (const each of before) {
        const now = datasetsOf(each.id);
        for (const dataset of each.datasets) {
          if (!isOpen(each.id, at) || !now.includes(dataset)) hiddenAt.set(dataset, at);
        }
      }
      for (const each of under(kind, id)) noteOpened(each, at);
    },
    timesOf({ id, owner, stations, datastreams }) {
      let issuedAt = Infinity;
      let modifiedAt = Math.max(hiddenAt.get(id) ?? 0, lives.get(`owner:${owner.id}`)?.lastAt ?? 0);
      for (const station of stations) {
        modifiedAt = Math.max(modifiedAt, lives.get(`station:${station.id}`)?.lastAt ?? 0);
      }
      for (const datastream of datastreams) {
        const life = lives.get(`datastream:${datastream.id}`);
        issuedAt = Math.min(issuedAt, life?.openedAt ?? life?.firstAt ?? Infinity);
        modifiedAt = Math.max(modifiedAt, life?.lastAt ?? 0);
      }
      // Of a version that came in since the last `follow`: as old as what is known of it.
      return { issuedAt: issuedAt === Infinity ? modifiedAt : issuedAt, modifiedAt };
    },
  };
}

function addTo(groups: Map<string, Set<string>>, id: string, member: string): void {
  const group = groups.get(id);
  if (group === undefined) groups.set(id, new Set([member]));
  else group.add(member);
}
