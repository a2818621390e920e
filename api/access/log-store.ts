/** The tables of the access log, in `feeds.db`: `kept/tables.ts` makes them. */
import { transaction, type Database } from '../../devices/database.ts';
import type { AccessDoor, Metered } from './meter.ts';

export interface LogRange {
  readonly fromAt: number;
  /** Exclusive. */
  readonly toAt: number;
  readonly key: string | undefined;
}

export interface LoggedRequest {
  readonly position: number;
  readonly at: number;
  readonly key: string;
  readonly path: string;
  readonly status: number;
  readonly rows: number;
  readonly bytes: number;
  readonly door: AccessDoor;
  readonly requests: number;
}

export interface DayRange {
  readonly fromDay: string;
  readonly toDay: string;
  readonly key: string | undefined;
}

export interface MeteredDay {
  readonly day: string;
  readonly key: string;
  /** What was asked: the template of a path, or the id of a dataset. */
  readonly kind: 'path' | 'dataset';
  readonly resource: string;
  readonly requests: number;
  /** Of a dataset: 0, since an answer may be about several. */
  readonly rows: number;
  readonly bytes: number;
}

const pageRows = 1_000;
const deletedPerTurn = 1_000;

export interface LogStore {
  /** In one transaction; `datasets` of each request in the same place. */
  write(batch: readonly Metered[], datasets: readonly (readonly string[])[]): void;
  readonly requests: (range: LogRange) => Generator<readonly LoggedRequest[], void>;
  /** Days are UTC, both inclusive. */
  readonly metering: (range: DayRange) => Generator<readonly MeteredDay[], void>;
  /** At most some thousands at once: what is left goes with the next call. */
  deleteBefore(requestsAt: number, day: string): void;
}

export function createLogStore(database: Database): LogStore {
  const oldRequests = database.prepare(
    `DELETE FROM access_request WHERE position IN
     (SELECT position FROM access_request WHERE at < ? ORDER BY at LIMIT ${deletedPerTurn})`,
  );
  const oldDays = database.prepare('DELETE FROM access_day WHERE day < ?');
  return {
    write: createWriter(database),
    ...createReader(database),
    deleteBefore(requestsAt, day) {
      oldRequests.run(requestsAt);
      oldDays.run(day);
    },
  };
}

function createWriter(database: Database): LogStore['write'] {
  const insert = database.prepare(
    `INSERT INTO access_request (at, key, path, status, rows, bytes, door, requests)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const add = database.prepare(
    `INSERT INTO access_day VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET requests = requests + excluded.requests,
     rows = rows + excluded.rows, bytes = bytes + excluded.bytes`,
  );
  return (batch, datasets) =>
    transaction(database, () => {
      for (const [index, metered] of batch.entries()) {
        const { at, key, path, status, requests, rows, bytes, door } = metered;
        insert.run(at, key, path, status, rows, bytes, door, requests);
        const day = dayOf(at);
        add.run(day, key, 'path', path, requests, rows, bytes);
        for (const dataset of datasets[index] ?? []) {
          add.run(day, key, 'dataset', dataset, requests, 0, 0);
        }
      }
    });
}

/** Rows of before there were doors say by their path and status which it was. */
const doorColumn = `coalesce(door, CASE
  WHEN path = 'webhook' THEN 'webhook'
  WHEN path = '/api/v1/live' AND status = 101 THEN 'websocket'
  WHEN path = '/api/v1/live' AND status = 200 THEN 'sse'
  ELSE 'http' END) AS door`;

function createReader(database: Database): Pick<LogStore, 'requests' | 'metering'> {
  const requests = database.prepare(
    `SELECT position, at, key, path, status, rows, bytes, ${doorColumn},
     coalesce(requests, 1) AS requests FROM access_request
     WHERE position > ? AND at >= ? AND at < ? AND (? IS NULL OR key = ?)
     ORDER BY position LIMIT ${pageRows}`,
  );
  const metering = database.prepare(
    `SELECT day, key, kind, resource, requests, rows, bytes FROM access_day
     WHERE (day, key, kind, resource) > (?, ?, ?, ?) AND day <= ? AND (? IS NULL OR key = ?)
     ORDER BY day, key, kind, resource LIMIT ${pageRows}`,
  );
  return {
    *requests({ fromAt, toAt, key = null }) {
      for (let position = 0; ;) {
        const page = requests.all(position, fromAt, toAt, key, key) as unknown as LoggedRequest[];
        if (page.length > 0) yield page;
        if (page.length < pageRows) return;
        position = page.at(-1)?.position ?? 0;
      }
    },
    *metering({ fromDay, toDay, key = null }) {
      for (let place = [fromDay, '', '', '']; ;) {
        const [day = '', of = '', kind = '', resource = ''] = place;
        const found = metering.all(day, of, kind, resource, toDay, key, key);
        const page = found as unknown as MeteredDay[];
        if (page.length > 0) yield page;
        const last = page.at(-1);
        if (page.length < pageRows || last === undefined) return;
        place = [last.day, last.key, last.kind, last.resource];
      }
    },
  };
}

/** The day of an instant, UTC. */
export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
