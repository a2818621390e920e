/**
 * What clients with a key are given of the open feeds, counted until the access log asks for it. A
 * message costs two additions on a counter that its subscription holds; subscriptions of one key to
 * the same share one. Nothing is counted of who shows no key.
 */
import type { Clock } from '../devices/clock.ts';
import type { Principal } from '../devices/visible.ts';

/** What is followed: the shape of a topic filter, and what it names. */
export interface Followed {
  readonly path:
    | 'open/v1/{stationId}/{slug}'
    | 'open/v1/_changes/{stationId}/{slug}'
    | 'open/v1/_changes/after/{cursor}/{stationId}/{slug}';
  readonly station?: string | undefined;
  readonly slug?: string | undefined;
}

/** What one key was given of one thing followed, from `at` until it was asked for. */
export interface Given extends Followed {
  /** Integer ms UTC. */
  readonly at: number;
  /** Id of the token. */
  readonly key: string;
  /** 200, or the status of the problem that ended it. */
  readonly status: number;
  /** Subscriptions made since; on a new day (UTC) those that go on too. */
  readonly requests: number;
  /** Messages handed to the session's connection, apart from those about the stream itself. */
  readonly rows: number;
  /** Of their packets, and of those about the stream. */
  readonly bytes: number;
}

export interface GivenPage {
  readonly given: readonly Given[];
  /** Subscriptions that went on uncounted because as many as may be are counted. */
  readonly dropped: number;
  readonly hasMore: boolean;
}

/** Held by whoever sends; counts go on for what a session sends behind the end of its subscription. */
export interface Counter {
  add(rows: number, bytes: number): void;
}

/** One subscription, while it is there. */
export interface Giving {
  readonly counter: Counter;
  /** What comes now tells of a problem that ends it. */
  fail(status: number): void;
  end(): void;
}

export interface GivenBook {
  /** Undefined for one who shows no key. */
  open(principal: Principal, followed: Followed): Giving | undefined;
  /** What was given since it was last asked for, in pages of so many. */
  take(most: number): GivenPage;
}

const good = 200;
const dayMs = 86_400_000;

export function createGivenBook({
  clock,
  countersMax,
}: {
  readonly clock: Clock;
  readonly countersMax: number;
}): GivenBook {
  /** Also those that count for a session what its ended subscription left in its queue. */
  const counting = new Set<Cell>();
  const known = new Map<string, Cell>();
  const uncounted = new Cell(undefined, clock.now(), () => {});
  let leaving: Given[] = [];

  function cellOf(key: string, followed: Followed, status: number): Cell {
    const { path, station, slug } = followed;
    const name = JSON.stringify([key, path, station, slug, status]);
    const found = known.get(name);
    if (found !== undefined) return found;
    if (known.size >= countersMax) return uncounted;
    const cell: Cell = new Cell({ ...followed, key, status, name }, clock.now(), () => {
      counting.add(cell);
    });
    known.set(name, cell);
    counting.add(cell);
    return cell;
  }

  function collect(): number {
    const at = clock.now();
    for (const cell of counting) {
      const given = cell.read(at);
      if (given !== undefined) leaving.push(given);
      if (cell.subscriptions > 0) continue;
      counting.delete(cell);
      cell.isAsleep = true;
      if (known.get(cell.name) === cell) known.delete(cell.name);
    }
    return uncounted.readSubscriptions();
  }

  return {
    open(principal, followed) {
      if (principal === 'anonymous' || principal.kind !== 'token') return undefined;
      const key = principal.subject;
      return openGiving(cellOf(key, followed, good), (status) => cellOf(key, followed, status));
    },
    take(most) {
      const dropped = leaving.length === 0 ? collect() : 0;
      const given = leaving.slice(0, most);
      leaving = leaving.slice(most);
      return { given, dropped, hasMore: leaving.length > 0 };
    },
  };
}

function openGiving(first: Cell, failing: (status: number) => Cell): Giving {
  let cell = first;
  let isEnded = false;
  const readsAtStart = cell.reads;
  cell.enter(true);
  return {
    get counter() {
      return cell;
    },
    fail(status) {
      if (isEnded) return;
      // A request that nothing was told of yet is one that failed.
      const isNew = cell.reads === readsAtStart;
      cell.leave(isNew);
      cell = failing(status);
      cell.enter(isNew);
    },
    end() {
      if (!isEnded) cell.leave(false);
      isEnded = true;
    },
  };
}

interface Kind extends Followed {
  readonly key: string;
  readonly status: number;
  readonly name: string;
}

class Cell implements Counter {
  subscriptions = 0;
  /** How often it was read. */
  reads = 0;
  /** Nobody reads it until something is counted again. */
  isAsleep = false;
  readonly #kind: Kind | undefined;
  readonly #woken: () => void;
  #rows = 0;
  #bytes = 0;
  #begun = 0;
  /** Subscriptions that were there when `#at` was. */
  #goingOn = 0;
  #at: number;
  #countedDay: number;

  /** Without a kind: of subscriptions that are not counted. */
  constructor(kind: Kind | undefined, at: number, woken: () => void) {
    this.#kind = kind;
    this.#woken = woken;
    this.#at = at;
    this.#countedDay = dayOf(at);
  }

  get name(): string {
    return this.#kind?.name ?? '';
  }

  add(rows: number, bytes: number): void {
    this.#rows += rows;
    this.#bytes += bytes;
    if (!this.isAsleep) return;
    this.isAsleep = false;
    this.#woken();
  }

  enter(isNew: boolean): void {
    this.subscriptions += 1;
    if (isNew) this.#begun += 1;
  }

  leave(isUndone: boolean): void {
    this.subscriptions -= 1;
    if (isUndone) this.#begun -= 1;
  }

  /** Undefined where nothing happened since. */
  read(at: number): Given | undefined {
    const day = dayOf(this.#at);
    const requests = this.#begun + (day === this.#countedDay ? 0 : this.#goingOn);
    const [rows, bytes, begun, since] = [this.#rows, this.#bytes, this.#begun, this.#at];
    this.#rows = this.#bytes = this.#begun = 0;
    this.#goingOn = this.subscriptions;
    this.#at = at;
    this.reads += 1;
    if (this.#kind === undefined || rows + bytes + begun === 0) return undefined;
    this.#countedDay = day;
    const { name: _name, ...kind } = this.#kind;
    return { ...kind, at: since, requests, rows, bytes };
  }

  /** How many there were since, whatever they were given. */
  readSubscriptions(): number {
    const count = this.#goingOn + this.#begun;
    this.#begun = 0;
    this.#goingOn = this.subscriptions;
    return count;
  }
}

/** Number of the UTC day. */
function dayOf(at: number): number {
  return Math.floor(at / dayMs);
}
