/**
 * A copy that follows `changes`: rows by their id, held up to a cursor. It drops what it knows by
 * (id, revision), notices where a revision is missing, drops and fetches what is closed and opened,
 * and takes everything anew where its cursor is good no more.
 */
import { sleep, type Clock } from '../../../devices/clock.ts';
import { readLive } from './live.ts';
import { keep } from './promise.ts';
import { readRows, type Row, type Rows } from './rows.ts';
import type { Wire } from './wire.ts';

/** What a copy begins with, and begins with again. */
export interface Beginning {
  readonly rows: Rows;
  readonly cursor: string;
}

export interface FollowerOptions {
  readonly wire: Wire;
  readonly clock: Clock;
  /** Address of the changes of the dataset, with its filter; the same of its rows. */
  readonly changes: string;
  readonly observations: string;
  /** Address of the stream, by which it follows then; without it, by pages. */
  readonly live?: string;
  /** Whether a row belongs to the copy. */
  readonly isWanted: (row: Row) => boolean;
  readonly begin: () => Promise<Beginning>;
}

export interface FollowerFigures {
  /** Streams that broke. */
  readonly breaks: number;
  readonly taken: number;
  readonly repeated: number;
  readonly inserts: number;
  readonly corrections: number;
  readonly deletions: number;
  readonly opened: readonly string[];
  readonly closed: readonly string[];
  /** Codes of the refusals after which everything was taken anew. */
  readonly lost: readonly string[];
}

export interface Follower {
  readonly rows: Rows;
  readonly figures: FollowerFigures;
  /** Throws what ended its following. */
  requireWell(): void;
  /** Goes on until `pause`, which resolves when nothing is under way. */
  follow(): void;
  pause(): Promise<void>;
}

interface Change {
  readonly cursor: string;
  readonly type: 'insert' | 'correction' | 'deletion' | 'datastream';
  readonly observation?: Row | null;
  readonly datastream?: string;
  readonly visible?: boolean;
}

interface Page {
  readonly changes: readonly Change[];
  readonly next: string;
  readonly atEnd: boolean;
}

const pollMs = 200;
const perPage = 1_000;

export async function openFollower(options: FollowerOptions): Promise<Follower> {
  const { wire, clock, isWanted } = options;
  const rows = new Map<string, Row>();
  /** Of rows that were deleted. */
  const revisions = new Map<string, number>();
  /** Their history before they were opened, or since it was fetched, is not known. */
  const fetched = new Set<string>();
  const figures = {
    breaks: 0,
    taken: 0,
    repeated: 0,
    inserts: 0,
    corrections: 0,
    deletions: 0,
    opened: [] as string[],
    closed: [] as string[],
    lost: [] as string[],
  };
  let cursor = '';

  async function begin(): Promise<void> {
    const beginning = await options.begin();
    rows.clear();
    revisions.clear();
    fetched.clear();
    for (const [id, row] of beginning.rows) rows.set(id, row);
    ({ cursor } = beginning);
  }

  function drop(datastream: string): void {
    for (const [id, row] of rows) if (row.datastream === datastream) rows.delete(id);
  }

  async function takeDatastream({ datastream = '', visible }: Change): Promise<void> {
    drop(datastream);
    fetched.add(datastream);
    if (visible !== true) {
      figures.closed.push(datastream);
      return;
    }
    figures.opened.push(datastream);
    const url = new URL(options.observations);
    url.search = new URLSearchParams({ datastream }).toString();
    const { status, bytes } = await wire.ask(`${url.href}&limit=1`);
    // Closed again further on in the feed.
    if (status === 404) return;
    keep('what was opened can be fetched', status === 200, () => [url.href, bytes.toString()]);
    const now = await readRows(wire, url.href);
    for (const row of now.rows.values()) if (isWanted(row)) rows.set(row.id, row);
  }

  function takeRow(type: Change['type'], row: Row): void {
    const known = rows.get(row.id)?.revision ?? revisions.get(row.id);
    if (known !== undefined && row.revision <= known) {
      figures.repeated += 1;
      return;
    }
    const isNext = row.revision === (known ?? -1) + 1;
    keep('changes have no gap', isNext || fetched.has(row.datastream), () => ({
      known,
      type,
      row,
    }));
    figures.taken += 1;
    if (type === 'deletion') {
      figures.deletions += 1;
      rows.delete(row.id);
      revisions.set(row.id, row.revision);
      return;
    }
    figures[type === 'insert' ? 'inserts' : 'corrections'] += 1;
    revisions.delete(row.id);
    rows.set(row.id, row);
  }

  async function take(change: Change): Promise<void> {
    const { type, observation } = change;
    if (type === 'datastream') await takeDatastream(change);
    else if (observation !== undefined && observation !== null && isWanted(observation)) {
      takeRow(type, observation);
    }
  }

  async function beginAgain(refusal: string): Promise<void> {
    figures.lost.push((JSON.parse(refusal) as { readonly code: string }).code);
    await begin();
  }

  async function takePage(): Promise<boolean> {
    const url = new URL(options.changes);
    url.searchParams.set('after', cursor);
    url.searchParams.set('limit', String(perPage));
    const { status, bytes } = await wire.ask(url.href);
    const text = bytes.toString();
    if (status === 410) {
      await beginAgain(text);
      return false;
    }
    keep('changes go on from any cursor that is good', status === 200, () => [url.href, text]);
    const page = JSON.parse(text) as Page;
    for (const change of page.changes) await take(change);
    cursor = page.next;
    return page.atEnd;
  }

  let letGo: AbortController | undefined;
  let running: Promise<void> = Promise.resolve();
  let failure: unknown;

  async function followPages({ signal }: AbortController): Promise<void> {
    while (!signal.aborted) if (await takePage()) await sleep(clock, pollMs);
  }

  async function followLive({ signal }: AbortController, live: string): Promise<void> {
    while (!signal.aborted) {
      const url = new URL(live);
      url.searchParams.set('after', cursor);
      const refused = await readLive(url.href, signal, async ({ id, event, data }) => {
        if (signal.aborted) return;
        if (event === 'change') await take(JSON.parse(data) as Change);
        if (id !== '') cursor = id;
      });
      if (signal.aborted) return;
      figures.breaks += 1;
      const isKnown = refused === undefined || [410, 429, 503].includes(refused.status);
      keep('a stream goes on from any cursor that is good', isKnown, () => [url.href, refused]);
      if (refused?.status === 410) await beginAgain(refused.text);
      else await sleep(clock, pollMs);
    }
  }

  async function pause(): Promise<void> {
    letGo?.abort();
    letGo = undefined;
    await running;
    requireWell();
  }

  function requireWell(): void {
    if (failure !== undefined) throw failure;
  }

  await begin();
  return {
    rows,
    figures,
    pause,
    requireWell,
    follow() {
      if (letGo !== undefined) return;
      letGo = new AbortController();
      const { live } = options;
      const run = live === undefined ? followPages(letGo) : followLive(letGo, live);
      running = run.catch((error: unknown) => {
        failure = error;
      });
    },
  };
}
