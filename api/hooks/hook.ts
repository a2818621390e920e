/** A subscription of a receiver, and the table in which it is kept. */
import { transaction, type Database } from '../../devices/database.ts';
import type { FilterQuery } from '../filter.ts';

/**
 * `unverified`: its address has not answered the challenge. `active`: changes go to it. `paused`: by
 * its owner or an operator. `disabled`: it failed for too long. `expired`: its cursor is gone.
 * `ended`: for good, by the receiver or with its key.
 */
export type HookState = 'unverified' | 'active' | 'paused' | 'disabled' | 'expired' | 'ended';

export interface Hook {
  readonly id: string;
  readonly url: string;
  readonly filter: FilterQuery;
  /** Id of the token that it was made with: it sees what that sees, as long as that is valid. */
  readonly subject: string | null;
  readonly createdAt: number;
  /** Of who made it without a key (`clientNetwork`), for the bounds; forgotten with the webhook. */
  readonly network: string | null;
  /** Since when it is in its state. */
  stateSince: number;
  secret: string;
  previousSecret: string | null;
  previousUntil: number | null;
  state: HookState;
  reason: string | null;
  isVerified: boolean;
  /** Everything before it was received. */
  cursor: string;
  /** So many changes were sent and not received: the next try sends the same. */
  batch: number | null;
  /** Failures since the last success. */
  attempts: number;
  failingSince: number | null;
  /** Nothing is sent before. */
  nextAt: number;
  deliveredAt: number | null;
  lastStatus: number | null;
  /** Why the last delivery failed; null behind a success. */
  lastFailure: string | null;
  /** Grows with each thing that is done to it by hand: what was sent before decides nothing then. */
  handled: number;
  /** Grows whenever it is given another cursor by hand: what was sent before moves it no further. */
  placed: number;
}

export interface HookStore {
  readonly all: ReadonlyMap<string, Hook>;
  add(hook: Hook): void;
  /** At once: something that a person asked for. */
  save(hook: Hook): void;
  /** With the next `flush`. */
  note(hook: Hook): void;
  /** With the next `flush` behind `noteMoved`: its place alone is another, and may be found again. */
  moved(hook: Hook): void;
  noteMoved(): void;
  /** Writes all that was noted, in one transaction; where it throws, all of it is still to be written. */
  flush(): void;
  remove(id: string): void;
}

const columns = [
  'id',
  'url',
  'filter',
  'subject',
  'secret',
  'previous_secret',
  'previous_until',
  'state',
  'reason',
  'is_verified',
  'cursor',
  'batch',
  'attempts',
  'failing_since',
  'next_at',
  'created_at',
  'delivered_at',
  'last_status',
  'last_failure',
] as const;

const selectAll = `SELECT hook.*, network, coalesce(state_since, created_at) AS state_since
  FROM hook LEFT JOIN hook_standing USING (id) ORDER BY created_at, id`;

export function openHookStore(database: Database): HookStore {
  const put = database.prepare(
    `INSERT OR REPLACE INTO hook (${columns.join()}) VALUES (${columns.map(() => '?').join()})`,
  );
  const putStanding = database.prepare(
    'INSERT OR REPLACE INTO hook_standing (id, network, state_since) VALUES (?, ?, ?)',
  );
  const erase = database.prepare('DELETE FROM hook WHERE id = ?');
  const eraseStanding = database.prepare('DELETE FROM hook_standing WHERE id = ?');
  const all = new Map<string, Hook>();
  for (const row of database.prepare(selectAll).all()) {
    const hook = hookOf(row as unknown as HookRow);
    all.set(hook.id, hook);
  }
  const noted = new Set<Hook>();
  const moved = new Set<Hook>();

  function write(hook: Hook): void {
    if (all.get(hook.id) !== hook) return;
    put.run(...valuesOf(hook));
    putStanding.run(hook.id, hook.network, hook.stateSince);
  }

  function save(hook: Hook): void {
    write(hook);
    noted.delete(hook);
  }

  return {
    all,
    add(hook) {
      all.set(hook.id, hook);
      save(hook);
    },
    save,
    note: (hook) => void noted.add(hook),
    moved: (hook) => void moved.add(hook),
    noteMoved() {
      for (const hook of moved) noted.add(hook);
      moved.clear();
    },
    flush() {
      if (noted.size === 0) return;
      transaction(database, () => noted.forEach(write));
      noted.clear();
    },
    remove(id) {
      all.delete(id);
      erase.run(id);
      eraseStanding.run(id);
    },
  };
}

interface HookRow {
  readonly id: string;
  readonly url: string;
  readonly filter: string;
  readonly subject: string | null;
  readonly secret: string;
  readonly previous_secret: string | null;
  readonly previous_until: number | null;
  readonly state: HookState;
  readonly reason: string | null;
  readonly is_verified: number;
  readonly cursor: string;
  readonly batch: number | null;
  readonly attempts: number;
  readonly failing_since: number | null;
  readonly next_at: number;
  readonly created_at: number;
  readonly network: string | null;
  readonly state_since: number;
  readonly delivered_at: number | null;
  readonly last_status: number | null;
  readonly last_failure: string | null;
}

function hookOf(row: HookRow): Hook {
  return {
    id: row.id,
    url: row.url,
    filter: JSON.parse(row.filter) as FilterQuery,
    subject: row.subject,
    createdAt: row.created_at,
    network: row.network,
    stateSince: row.state_since,
    secret: row.secret,
    previousSecret: row.previous_secret,
    previousUntil: row.previous_until,
    state: row.state,
    reason: row.reason,
    isVerified: row.is_verified === 1,
    cursor: row.cursor,
    batch: row.batch,
    attempts: row.attempts,
    failingSince: row.failing_since,
    nextAt: row.next_at,
    deliveredAt: row.delivered_at,
    lastStatus: row.last_status,
    lastFailure: row.last_failure,
    handled: 0,
    placed: 0,
  };
}

/** In the order of `columns`. */
function valuesOf(hook: Hook): (string | number | null)[] {
  const { id, url, subject, secret, previousSecret, previousUntil, state, reason } = hook;
  const { cursor, batch, attempts, failingSince, nextAt, createdAt } = hook;
  const { deliveredAt, lastStatus, lastFailure } = hook;
  const head = [id, url, JSON.stringify(hook.filter), subject, secret, previousSecret];
  const stands = [previousUntil, state, reason, hook.isVerified ? 1 : 0, cursor, batch];
  const tries = [attempts, failingSince, nextAt, createdAt, deliveredAt, lastStatus, lastFailure];
  return [...head, ...stands, ...tries];
}
