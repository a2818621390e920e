/**
 * A server that speaks as much InfluxDB as we do, keeps points as it does (same measurement, tags and
 * time: fields are united, the new value wins), and lies when told to. Written here, since a healthy
 * server gives none of these answers when asked for.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

/** What becomes of the next request that writes. */
export type Fault =
  | 'none'
  | 'store, then say nothing'
  | 'store, then hang up'
  | 'store, answer and hang up'
  | 'store, then trickle'
  | 'store half, then refuse all'
  | 'store half, then hang up'
  | 'store half, then say 201'
  | 'hang up at once'
  | 'say 200 and store nothing'
  | 'say 429 with a wait'
  | 'say 503 with a date'
  | 'say 500'
  | 'say 401'
  | 'say 404'
  | 'say 413';

export const faultList: readonly Fault[] = [
  'none',
  'store, then say nothing',
  'store, then hang up',
  'store, answer and hang up',
  'store, then trickle',
  'store half, then refuse all',
  'store half, then hang up',
  'store half, then say 201',
  'hang up at once',
  'say 200 and store nothing',
  'say 429 with a wait',
  'say 503 with a date',
  'say 500',
  'say 401',
  'say 404',
  'say 413',
];

interface Point {
  readonly measurement: string;
  readonly tags: ReadonlyMap<string, string>;
  readonly time: bigint;
  readonly fields: Map<string, string>;
}

export interface InfluxDouble {
  readonly url: string;
  /** By measurement, tags and time. */
  readonly points: ReadonlyMap<string, Point>;
  /** Points that were written again with other fields: there must be none. */
  readonly overwritten: readonly string[];
  /** Bodies of the requests that wrote, in order. */
  readonly bodies: readonly string[];
  /** Taken by the requests that write, one each, the first first. */
  readonly faults: Fault[];
  /** Lines that are never stored, whatever comes with them. */
  isPoisoned: (line: string) => boolean;
  /** Lines that one request may have. */
  linesMax: number;
  /** What the next statement is answered with, instead of its answer. */
  answerNext: string | undefined;
  close(): Promise<void>;
}

const hangMs = 60_000;

export async function startInfluxDouble(): Promise<InfluxDouble> {
  const points = new Map<string, Point>();
  const overwritten: string[] = [];
  const bodies: string[] = [];
  const double = {
    url: '',
    points,
    overwritten,
    bodies,
    faults: [] as Fault[],
    isPoisoned: (_line: string): boolean => false,
    linesMax: Number.POSITIVE_INFINITY,
    answerNext: undefined as string | undefined,
    close,
  };

  function store(lines: readonly string[]): void {
    for (const line of lines) {
      const point = pointOf(line);
      const name = `${line.slice(0, line.indexOf(' '))} ${point.time}`;
      const known = points.get(name);
      if (known === undefined) {
        points.set(name, point);
        continue;
      }
      for (const [field, value] of point.fields) {
        if (known.fields.get(field) !== value) overwritten.push(`${name} ${field}`);
        known.fields.set(field, value);
      }
    }
  }

  function write(body: string, response: ServerResponse): void {
    bodies.push(body);
    const lines = body.split('\n').filter((line) => line !== '');
    const sound = lines.filter((line) => !double.isPoisoned(line));
    const fault = double.faults.shift() ?? 'none';
    if (lines.length > double.linesMax) return answer(response, 413, 'too large');
    const half = sound.filter((_, at) => at % 2 === 0);
    if (fault.startsWith('store half')) store(half);
    else if (fault.startsWith('store') || fault === 'none') store(sound);
    if (fault !== 'none') return lie(fault, response);
    if (sound.length === lines.length) return answer(response, 204, '');
    const dropped = lines.length - sound.length;
    answer(response, 400, `{"error":"partial write: field type conflict dropped=${dropped}"}`);
  }

  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const path = request.url ?? '';
      if (path.startsWith('/api/v2/write')) return write(body, response);
      const statements = new URLSearchParams(body).get('q')?.split(';') ?? [];
      const told = double.answerNext ?? answerOf(points, statements);
      double.answerNext = undefined;
      return answer(response, 200, told);
    }, ignoreBroken);
  });
  server.requestTimeout = hangMs;

  async function close(): Promise<void> {
    await closeServer(server);
  }

  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  double.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return double;
}

/** A client that went away in the middle of its request. */
function ignoreBroken(error: unknown): void {
  if ((error as { code?: string }).code !== 'ECONNRESET') throw error;
}

async function closeServer(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function answer(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body);
}

const refusals: Readonly<Record<number, readonly [body: string, headers: Record<string, string>]>> =
  {
    200: ['<html>Welcome</html>', {}],
    201: ['', {}],
    422: ['{"code":"unprocessable entity","message":"partial write: dropped=1"}', {}],
    429: ['{"error":"slow down"}', { 'retry-after': '2' }],
    503: [
      '{"error":"later"}',
      { date: 'Sun, 22 Nov 2026 12:00:00 GMT', 'retry-after': 'Sun, 22 Nov 2026 12:00:03 GMT' },
    ],
  };

/** What the client sees after a fault: an answer with the status that the fault names, or none. */
function lie(fault: Exclude<Fault, 'none'>, response: ServerResponse): void {
  const status = Number(/\d{3}/.exec(fault)?.[0] ?? (fault.endsWith('refuse all') ? '422' : '0'));
  if (status > 0) {
    const [body, headers] = refusals[status] ?? ['{"error":"no"}', {}];
    answer(response, status, body, headers);
  } else if (fault.endsWith('hang up') && fault.includes('answer')) {
    response.writeHead(204);
    response.end(() => response.socket?.resetAndDestroy());
  } else if (fault.endsWith('trickle')) {
    response.socket?.write('HTTP/1.1 20');
  } else if (!fault.endsWith('say nothing')) {
    response.socket?.resetAndDestroy();
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  return (request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString();
}

const linePattern = /^([^, ]+)((?:,[^ ]+)?) ((?:[a-z]+=(?:"[^"\\\n]*"|[^", ]+),?)+) (-?\d+)$/;

function pointOf(line: string): Point {
  const [, measurement = '', tags = '', fields = '', time = ''] = linePattern.exec(line) ?? [];
  if (measurement === '') throw new Error(`No line protocol: ${line}`);
  const pairs = tags.split(',').slice(1);
  const found = fields.matchAll(/([a-z]+)=("[^"]*"|[^,]+)/g);
  return {
    measurement,
    tags: new Map(pairs.map((pair) => pair.split('=', 2) as [string, string])),
    time: BigInt(time),
    fields: new Map([...found].map(([, name = '', value = '']) => [name, value])),
  };
}

/** Answers of `/query`; times are printed by hand, since doubles would round them. */
function answerOf(points: Map<string, Point>, statements: readonly string[]): string {
  const results = statements.map((statement, place) => {
    const series = tableOf(points, statement);
    return `{"statement_id":${place}${series === '' ? '' : `,"series":[${series}]`}}`;
  });
  return `{"results":[${results.join(',')}]}`;
}

const selectPattern =
  /^SELECT "(\w+)" FROM "(\w+)"(?: WHERE "series" = '(\d+)')?(?: AND time >= (-?\d+) AND time < (-?\d+) ORDER BY time (asc|desc))?(?: LIMIT (\d+))?$/;
const showPattern = /^SHOW TAG VALUES FROM "(\w+)" WITH KEY = "(\w+)"$/;
const dropPattern = /^DROP MEASUREMENT "(\w+)"$/;

function tableOf(points: Map<string, Point>, statement: string): string {
  const dropped = dropPattern.exec(statement)?.[1];
  if (dropped !== undefined) {
    for (const [name, { measurement }] of points) {
      if (measurement === dropped) points.delete(name);
    }
    return '';
  }
  const shown = showPattern.exec(statement);
  if (shown !== null) {
    const [, measurement = '', key = ''] = shown;
    const found = [...points.values()].filter((point) => point.measurement === measurement);
    const values = new Set(found.map(({ tags }) => tags.get(key)));
    return printTable(measurement, [['key', 'value'], ...[...values].map((value) => [key, value])]);
  }
  const grouped = groupPattern.exec(statement);
  if (grouped !== null) return selectGrouped(points, grouped);
  const asked = selectPattern.exec(statement);
  if (asked === null) throw new Error(`No statement that the double knows: ${statement}`);
  return selectFrom(points, asked);
}

const groupPattern =
  /^SELECT (last|count)\("row"\)(?: AS "row")? FROM "(\w+)" WHERE \((.+)\) AND time >= -?\d+ AND time < \d+ GROUP BY (\*|"series")$/;

function selectGrouped(points: ReadonlyMap<string, Point>, asked: RegExpExecArray): string {
  const [, of, measurement = '', named = '', by] = asked;
  const wanted = new Set([...named.matchAll(/'(\d+)'/g)].map(([, series]) => series));
  const found = [...points.values()].filter(
    (point) => point.measurement === measurement && wanted.has(point.tags.get('series')),
  );
  const nameOf = ({ tags }: Point): string =>
    JSON.stringify(Object.fromEntries(by === '*' ? tags : [['series', tags.get('series')]]));
  const tables = [...Map.groupBy(found, nameOf)].map(([tags, some]) => {
    const last = some.reduce((best, point) => (point.time > best.time ? point : best));
    const row: Cell[] =
      of === 'count' ? [0, some.length] : [last.time, last.fields.get('row')?.slice(1, -1)];
    return `{"tags":${tags},${printTable(measurement, [['time', 'row'], row]).slice(1)}`;
  });
  return tables.join(',');
}

function selectFrom(points: ReadonlyMap<string, Point>, asked: RegExpExecArray): string {
  const [, field = '', measurement = '', series, from = '', to = '', order, limit] = asked;
  const found = [...points.values()]
    .filter((point) => point.measurement === measurement && point.fields.has(field))
    .filter(({ tags }) => series === undefined || tags.get('series') === series)
    .filter(({ time }) => from === '' || (time >= BigInt(from) && time < BigInt(to)))
    .toSorted((a, b) => Number(a.time - b.time) * (order === 'desc' ? -1 : 1))
    .slice(0, Number(limit ?? noLimit));
  const rows = found.map(({ time, fields }) => {
    const value = fields.get(field) ?? '';
    return [time, value.startsWith('"') ? value.slice(1, -1) : Number.parseInt(value, 10)];
  });
  return printTable(measurement, [['time', field], ...rows]);
}

const noLimit = Number.MAX_SAFE_INTEGER;

type Cell = string | number | bigint | undefined;

function printTable(name: string, [columns = [], ...values]: readonly (readonly Cell[])[]): string {
  if (values.length === 0) return '';
  const print = (cell: Cell): string =>
    typeof cell === 'bigint' ? String(cell) : JSON.stringify(cell);
  const rows = values.map((row) => `[${row.map(print).join(',')}]`);
  return `{"name":"${name}","columns":${JSON.stringify(columns)},"values":[${rows.join(',')}]}`;
}
