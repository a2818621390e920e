/** The tables of the outbox, in `feeds.db`: `kept/tables.ts` makes them. */
import { transaction, type Database } from '../../devices/database.ts';
import type { Submitted } from './portal.ts';

/** What is to be so at the portal, and what was last confirmed to be. */
export interface OutboxItem {
  readonly dataset: string;
  /** Hash of its description; null: it is not to be there. */
  readonly wanted: string | null;
  /** What the portal has confirmed; null: that it is not there, or nothing yet. */
  readonly confirmed: string | null;
  readonly state: 'waiting' | 'done' | 'refused';
  readonly attempts: number;
  readonly nextAt: number;
  /** Since when this is wanted. */
  readonly since: number;
  /** 1 from a try on until an answer to one: what is there then is not known. */
  readonly uncertain: 0 | 1;
  readonly remoteId: string | null;
  /** Of the last try that failed. */
  readonly error: string | null;
}

/** One try: when, what, and what the portal said. */
export interface Receipt {
  readonly position: number;
  readonly at: number;
  readonly dataset: string;
  readonly action: Submitted['action'] | 'failed' | 'refused';
  readonly hash: string | null;
  readonly remoteId: string | null;
  readonly answer: string;
}

export interface OutboxStore {
  /** Version of the registry that was last compared; -1 before the first. */
  readonly followed: () => number;
  /** Makes `wanted` what there is to be, in one transaction. */
  readonly want: (wanted: ReadonlyMap<string, string>, version: number, nowAt: number) => void;
  /**
   * What waits and is due, the longest first. Whatever is to wait for longer than any wait is was put
   * off by a clock that was ahead, and has been mended since.
   */
  readonly due: (nowAt: number, waitMsMax: number) => OutboxItem | undefined;
  /** To be called before each try, so that a crash leaves what it was about uncertain. */
  readonly begin: (item: OutboxItem) => void;
  /** Notes the answer to what the item wanted, which may not be wanted any more. */
  readonly confirm: (item: OutboxItem, submitted: Submitted, at: number) => void;
  readonly fail: (item: OutboxItem, failure: Failure) => void;
  /** Everything that waits or was refused is tried at once. Answers how many. */
  readonly retry: (dataset: string | undefined, nowAt: number) => number;
  readonly items: () => readonly OutboxItem[];
  /** The newest first. */
  readonly receipts: (dataset: string | undefined, limit: number) => readonly Receipt[];
}

export interface Failure {
  readonly at: number;
  readonly error: string;
  readonly answer: string;
  /** Undefined: it is not tried again by itself. */
  readonly nextAt: number | undefined;
}

const receiptsPerDatasetMax = 100;

const columns =
  'dataset, wanted, confirmed, state, attempts, next_at AS nextAt, since, uncertain, remote_id AS remoteId, error';

/** `portal` is what tells this portal from another that was configured before. */
export function createOutboxStore(database: Database, portal: string): OutboxStore {
  return {
    ...createWants(database, portal),
    ...createOutcomes(database, portal),
    ...createReads(database, portal),
  };
}

function createWants(database: Database, portal: string): Pick<OutboxStore, 'followed' | 'want'> {
  const followed = database.prepare('SELECT version FROM outbox_followed WHERE portal = ?');
  const follow = database.prepare(
    `INSERT INTO outbox_followed VALUES (?, ?)
     ON CONFLICT DO UPDATE SET version = excluded.version`,
  );
  const known = database.prepare('SELECT dataset FROM outbox_item WHERE portal = ?');
  // What is confirmed is done, also where a change was taken back before it was ever submitted.
  const want = database.prepare(
    `INSERT INTO outbox_item
       (portal, dataset, wanted, confirmed, state, attempts, next_at, since, uncertain)
     VALUES (?1, ?2, ?3, NULL, 'waiting', 0, ?4, ?4, 0)
     ON CONFLICT DO UPDATE SET
       wanted = ?3, state = CASE WHEN confirmed IS ?3 AND uncertain = 0 THEN 'done' ELSE 'waiting' END,
       next_at = ?4, since = ?4, attempts = 0, error = NULL
     WHERE wanted IS NOT ?3`,
  );
  return {
    followed: () => Number(followed.get(portal)?.['version'] ?? -1),
    want: (wanted, version, nowAt) =>
      transaction(database, () => {
        for (const [dataset, hash] of wanted) want.run(portal, dataset, hash, nowAt);
        for (const row of known.all(portal)) {
          const dataset = String(row['dataset']);
          if (!wanted.has(dataset)) want.run(portal, dataset, null, nowAt);
        }
        follow.run(portal, version);
      }),
  };
}

function createOutcomes(
  database: Database,
  portal: string,
): Pick<OutboxStore, 'begin' | 'confirm' | 'fail' | 'retry'> {
  const begin = database.prepare(
    'UPDATE outbox_item SET uncertain = 1 WHERE portal = ? AND dataset = ?',
  );
  const confirm = database.prepare(
    `UPDATE outbox_item SET confirmed = ?3, remote_id = ?4, attempts = 0, error = NULL, uncertain = 0,
     state = CASE WHEN wanted IS ?3 THEN 'done' ELSE 'waiting' END
     WHERE portal = ?1 AND dataset = ?2`,
  );
  // Where something else is wanted meanwhile, that is tried as if nothing had happened.
  const fail = database.prepare(
    `UPDATE outbox_item SET state = ?4, attempts = attempts + 1, next_at = ?5, error = ?6
     WHERE portal = ?1 AND dataset = ?2 AND wanted IS ?3`,
  );
  const retry = database.prepare(
    `UPDATE outbox_item SET state = 'waiting', next_at = ?3, attempts = 0
     WHERE portal = ?1 AND (?2 IS NULL OR dataset = ?2) AND state <> 'done'`,
  );
  const note = database.prepare(
    `INSERT INTO outbox_receipt (portal, at, dataset, action, hash, remote_id, answer)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const forget = database.prepare(
    `DELETE FROM outbox_receipt WHERE portal = ?1 AND dataset = ?2 AND position <=
     (SELECT position FROM outbox_receipt WHERE portal = ?1 AND dataset = ?2
      ORDER BY position DESC LIMIT 1 OFFSET ${receiptsPerDatasetMax})`,
  );
  return {
    begin: ({ dataset }) => void begin.run(portal, dataset),
    confirm: ({ dataset, wanted }, { action, remoteId, answer }, at) =>
      transaction(database, () => {
        confirm.run(portal, dataset, wanted, remoteId);
        note.run(portal, at, dataset, action, wanted, remoteId, answer);
        forget.run(portal, dataset);
      }),
    fail: ({ dataset, wanted, nextAt: was, remoteId }, { at, error, answer, nextAt }) =>
      transaction(database, () => {
        const state = nextAt === undefined ? 'refused' : 'waiting';
        fail.run(portal, dataset, wanted, state, nextAt ?? was, error);
        const action = nextAt === undefined ? 'refused' : 'failed';
        note.run(portal, at, dataset, action, wanted, remoteId, answer);
        forget.run(portal, dataset);
      }),
    retry: (dataset, nowAt) => Number(retry.run(portal, dataset ?? null, nowAt).changes),
  };
}

function createReads(
  database: Database,
  portal: string,
): Pick<OutboxStore, 'due' | 'items' | 'receipts'> {
  const due = database.prepare(
    `SELECT ${columns} FROM outbox_item
     WHERE portal = ? AND state = 'waiting' AND (next_at <= ? OR next_at > ?) ORDER BY next_at, dataset LIMIT 1`,
  );
  const items = database.prepare(
    `SELECT ${columns} FROM outbox_item WHERE portal = ? ORDER BY dataset`,
  );
  const receipts = database.prepare(
    `SELECT position, at, dataset, action, hash, remote_id AS remoteId, answer FROM outbox_receipt
     WHERE portal = ?1 AND (?2 IS NULL OR dataset = ?2) ORDER BY position DESC LIMIT ?3`,
  );
  return {
    due: (nowAt, waitMsMax) => due.get(portal, nowAt, nowAt + waitMsMax) as OutboxItem | undefined,
    items: () => items.all(portal) as unknown as OutboxItem[],
    receipts: (dataset, limit) =>
      receipts.all(portal, dataset ?? null, limit) as unknown as Receipt[],
  };
}
