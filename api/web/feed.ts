/** The reading API as this page uses it (all of it public and documented at /api/v1/). */

export interface Names {
  readonly vi: string;
  readonly en: string;
}

export interface StationEntry {
  readonly id: string;
  readonly name: Names;
  readonly latitude: number;
  readonly longitude: number;
  readonly class: string;
  readonly timeZone: string;
}

export interface PropertyEntry {
  readonly id: string;
  readonly label: Names;
  readonly unit: string;
}

export interface Row {
  readonly id: string;
  readonly datastream: string;
  readonly station: string;
  readonly slug: string;
  readonly property: string;
  readonly phenomenonTime: string;
  readonly result: number | null;
  readonly unit: string;
  readonly flag: number;
  readonly tests: string;
  readonly qualifiers: readonly string[];
  readonly reason: string | null;
  readonly revision: number;
  readonly stale?: boolean;
  readonly ageSeconds?: number;
}

interface DatastreamEntry {
  readonly id: string;
  readonly intervalMs: number;
}

interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
  readonly cursor: string;
}

interface ChangeEvent {
  readonly type: 'insert' | 'correction' | 'deletion' | 'datastream';
  readonly observation?: Row;
}

async function fetchAll<Item>(path: string): Promise<{ items: Item[]; cursor: string }> {
  const items: Item[] = [];
  let cursor = '';
  for (let next: string | null = path; next !== null;) {
    const answer: Response = await fetch(next);
    if (!answer.ok) throw new Error(`${next}: ${answer.status}`);
    const page = (await answer.json()) as Page<Item>;
    items.push(...page.items);
    if (cursor === '') cursor = page.cursor;
    next = page.next;
  }
  return { items, cursor };
}

export const fetchStations = () => fetchAll<StationEntry>('/api/v1/stations?limit=5000');
export const fetchProperties = () => fetchAll<PropertyEntry>('/api/v1/properties?limit=5000');
export const fetchDatastreams = () => fetchAll<DatastreamEntry>('/api/v1/datastreams?limit=100000');
export const fetchLatest = () => fetchAll<Row>('/api/v1/latest?limit=100000');

/** Rows of the last `hours` of one datastream, oldest first. */
export async function fetchSeries(
  datastream: string,
  untilAt: number,
  hours: number,
): Promise<Row[]> {
  const from = new Date(untilAt - hours * 3_600_000).toISOString();
  const query = new URLSearchParams({ datastream, from, limit: '20000' });
  return (await fetchAll<Row>(`/api/v1/observations?${query}`)).items;
}

/** End of the phenomenon time, ms UTC. */
export function endOf(row: Row): number {
  return Date.parse(row.phenomenonTime.split('/').at(-1) ?? '');
}

interface Follower {
  readonly onRow: (row: Row) => void;
  readonly onState: (connected: boolean) => void;
  /** The network is another than before, or the feed cannot be gone on with: load anew. */
  readonly onOther: () => void;
}

/**
 * Follows the change feed from a cursor. The browser resumes by itself with Last-Event-ID, but never
 * after an answer that is no stream (a cursor too old, a server that just ends).
 */
export function followChanges(cursor: string, { onRow, onState, onOther }: Follower): () => void {
  const source = new EventSource(`/api/v1/live?after=${encodeURIComponent(cursor)}`);
  source.addEventListener('open', () => onState(true));
  source.addEventListener('error', () => {
    onState(false);
    if (source.readyState === EventSource.CLOSED) onOther();
  });
  source.addEventListener('change', (event) => {
    const change = JSON.parse((event as MessageEvent<string>).data) as ChangeEvent;
    if (change.observation !== undefined) onRow(change.observation);
    else onOther();
  });
  return () => source.close();
}
