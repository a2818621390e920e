/**
 * When datasets were opened and last changed, from the history of the registry alone: the same on
 * every node that has this history, and after every restore. What no one may see moves no date: of
 * what is hidden only the moment counts at which it was hidden.
 */
import type { Visibility } from '../../devices/model.ts';
import type { HistoryRow, Registry } from '../../devices/registry.ts';
import { followHistory, type HistorySource } from '../../devices/registry/history-follower.ts';
import type { Dataset } from './datasets.ts';

export interface ChronicleSource extends HistorySource {
  current(): Registry;
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

export function createChronicle(source: ChronicleSource): Chronicle {
  const book = openBook(source);
  return {
    follow: followHistory(source, (row) => book.take(row)),
    timesOf: (dataset) => book.timesOf(dataset),
  };
}

interface Book {
  take(row: HistoryRow): void;
  timesOf(dataset: Dataset): DatasetTimes;
}

interface State {
  readonly entries: Readonly<Record<Kind, Map<string, Entry>>>;
  readonly lives: Map<string, Life>;
  /** Stations of an owner, datastreams of a station: all that ever were. */
  readonly members: Readonly<Record<'owner' | 'station', Map<string, Set<string>>>>;
  /** By dataset: when something of it was last hidden. */
  readonly hiddenAt: Map<string, number>;
}

function openBook(source: Pick<ChronicleSource, 'current'>): Book {
  const state: State = {
    entries: { owner: new Map(), station: new Map(), datastream: new Map() },
    lives: new Map(),
    members: { owner: new Map(), station: new Map() },
    hiddenAt: new Map(),
  };

  function datasetsOf(id: string): readonly string[] {
    const { station = '', property = '' } = state.entries.datastream.get(id) ?? {};
    const owner = state.entries.station.get(station)?.owner;
    const domain = source.current().properties.get(property)?.domain;
    return [`${owner}~${domain}`, `${station}~${property}`];
  }

  return {
    take(row) {
      const kind = kinds.find((each) => each === row.kind);
      if (kind === undefined) return;
      const { id, at } = row;
      const before = under(state, kind, id)
        .filter((each) => isOpen(state, each, at))
        .map((each) => ({ id: each, datasets: datasetsOf(each) }));
      put(state, kind, row);
      for (const each of before) {
        const now = isOpen(state, each.id, at) ? datasetsOf(each.id) : [];
        for (const dataset of each.datasets) {
          if (!now.includes(dataset)) state.hiddenAt.set(dataset, at);
        }
      }
      for (const each of under(state, kind, id)) noteOpened(state, each, at);
    },
    timesOf: (dataset) => timesOf(state, dataset),
  };
}

function isOpen({ entries }: State, id: string, at: number): boolean {
  const datastream = entries.datastream.get(id);
  if (datastream === undefined) return false;
  const station = entries.station.get(datastream.station ?? '') ?? {};
  const owner = entries.owner.get(station.owner ?? '') ?? {};
  const visibility = datastream.visibility ?? station.visibility ?? owner.visibility ?? 'open';
  const until = datastream.embargoUntil ?? station.embargoUntil ?? owner.embargoUntil;
  return visibility === 'open' && !(until !== undefined && Date.parse(until) > at);
}

/** Datastreams whose visibility may follow from the entry. */
function under(state: State, kind: Kind, id: string): readonly string[] {
  if (kind === 'datastream') return [id];
  const members = [...(state.members[kind].get(id) ?? [])];
  return kind === 'station'
    ? members
    : members.flatMap((station) => under(state, 'station', station));
}

function put({ entries, lives, members }: State, kind: Kind, { id, after, at }: HistoryRow): void {
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

function noteOpened(state: State, id: string, at: number): void {
  const key = `datastream:${id}`;
  const life = state.lives.get(key);
  if (life !== undefined && life.openedAt === undefined && isOpen(state, id, at)) {
    state.lives.set(key, { ...life, openedAt: at });
  }
}

function timesOf({ lives, hiddenAt }: State, dataset: Dataset): DatasetTimes {
  const { id, owner, stations, datastreams } = dataset;
  const changes = [
    hiddenAt.get(id),
    lives.get(`owner:${owner.id}`)?.lastAt,
    ...stations.map((station) => lives.get(`station:${station.id}`)?.lastAt),
  ];
  let issuedAt = Infinity;
  let modifiedAt = changes.reduce<number>((last, at) => Math.max(last, at ?? 0), 0);
  for (const datastream of datastreams) {
    const life = lives.get(`datastream:${datastream.id}`);
    issuedAt = Math.min(issuedAt, life?.openedAt ?? life?.firstAt ?? Infinity);
    modifiedAt = Math.max(modifiedAt, life?.lastAt ?? 0);
  }
  // Of a version that came in since the last `follow`: as old as what is known of it.
  return { issuedAt: issuedAt === Infinity ? modifiedAt : issuedAt, modifiedAt };
}

function addTo(groups: Map<string, Set<string>>, id: string, member: string): void {
  const group = groups.get(id);
  if (group === undefined) groups.set(id, new Set([member]));
  else group.add(member);
}
