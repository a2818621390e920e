/** Files of months, citations and webhooks: made once, and the same rows as both nodes show. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { openMonthFile, type FileRow } from '../../../api/bulk/read.ts';
import { openNodeFileSystem } from '../../../ingest/log/file-system-node.ts';
import { receiveHooks, type HookReceiver } from '../cut-followers.ts';
import { readUntil } from './feeds-doors.ts';
import { get, getJson, must, untilSo, type Ground } from './feeds-ground.ts';
import { apiOf } from './measures.ts';
import type { ClusterNode } from './world.ts';

export interface ListedFile {
  readonly dataset: string;
  readonly month: string;
  readonly format: string;
  readonly name: string;
  readonly url: string;
  readonly currentUrl: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly rows: number;
  readonly cursor: string;
}

interface Index {
  readonly items: readonly ListedFile[];
  readonly cursor: string;
}

const madeMsMax = 60_000;

export const readIndex = ({ balancer }: Ground): Promise<Index> =>
  getJson<Index>(`${balancer.url}/api/v1/files`);

/**
 * The publishing node looks every second, a change waits for `bulkDebounceMs` and the next look, and
 * rows of a month that is asked of InfluxDB take a while.
 */
const quietMs = 6_000;

/** Waits until there are files of the months and none is made any more. */
export async function untilFiles(ground: Ground, months: readonly string[]): Promise<Index> {
  const { clock } = ground;
  let index: Index = { items: [], cursor: '' };
  let sinceMs = clock.monotonicMs();
  const isWhole = async (): Promise<boolean> => {
    const next = await readIndex(ground);
    const textOf = ({ items }: Index): string => JSON.stringify(items.map(({ name }) => name));
    if (textOf(next) !== textOf(index)) sinceMs = clock.monotonicMs();
    index = next;
    const isThere = months.every((month) => index.items.some((file) => file.month === month));
    return isThere && clock.monotonicMs() - sinceMs > quietMs;
  };
  const took = await untilSo(ground, madeMsMax, isWhole);
  must(ground, `files of ${months.join(' and ')} are made`, took !== undefined);
  return index;
}

interface ApiChange {
  readonly type: string;
  /** Absent where a datastream is opened or closed. */
  readonly observation?: ApiRow;
}

/** All that stands behind a cursor, a page from each place in turn, and the cursor of its end. */
async function changesBehind(
  places: readonly string[],
  cursor: string,
): Promise<{ readonly changes: readonly ApiChange[]; readonly next: string }> {
  const changes: ApiChange[] = [];
  let next = cursor;
  for (let turn = 0; ; turn += 1) {
    const page = await getJson<{ changes: ApiChange[]; next: string; atEnd: boolean }>(
      `${places[turn % places.length]}/api/v1/changes?after=${next}&limit=10000`,
    );
    changes.push(...page.changes);
    ({ next } = page);
    if (page.atEnd) return { changes, next };
  }
}

/** By the station's own offset, which the text has. */
function monthIn(row: { readonly phenomenonTime: string } | undefined): string {
  return (row?.phenomenonTime.split('/').at(-1) ?? '').slice(0, 7);
}

interface ApiRow {
  readonly id: string;
  readonly datastream: string;
  readonly phenomenonTime: string;
  readonly result: number | null;
  readonly unit: string;
  readonly flag: number;
  readonly tests: string;
  readonly revision: number;
}

const lineOf = (
  row: Pick<ApiRow, 'id' | 'result' | 'flag' | 'tests' | 'unit' | 'revision'>,
): string => [row.id, row.result, row.flag, row.tests, row.unit, row.revision].join(' ');

export interface FilesFound {
  readonly files: number;
  readonly rows: number;
  /** Of the rows of all files by id. */
  readonly held: ReadonlyMap<string, string>;
}

/** Bytes, rows and cursors of each file; the rows are asked of the node that did not make them. */
export async function checkFiles(ground: Ground, index: Index): Promise<FilesFound> {
  const held = new Map<string, string>();
  let rows = 0;
  for (const file of index.items) {
    const { body, status } = await get(viaBalancer(ground, file.url));
    const sha256 = createHash('sha256').update(body).digest('hex');
    const isWhole = status === 200 && sha256 === file.sha256 && body.length === file.bytes;
    must(ground, `${file.name} is whole: ${status}, ${body.length} bytes`, isWhole);
    if (!isWhole) continue;
    if (file.format === 'csv.gz') {
      const lines = gunzipSync(body).toString('utf8').trimEnd().split('\r\n').length - 1;
      must(ground, `${file.name} has ${lines} lines, not ${file.rows}`, lines === file.rows);
    }
    if (file.format !== 'parquet') continue;
    const found = await rowsOf(ground, body);
    rows += found.rows.length;
    must(ground, `${file.name} names its cursor`, found.cursor === file.cursor);
    for (const row of found.rows) held.set(row.id, lineOf(row));
    await compareRows(ground, file, found.rows);
  }
  return { files: index.items.length, rows, held };
}

/** Addresses in answers are the balancer's own; those of another answer may not be. */
function viaBalancer({ balancer }: Ground, address: string): string {
  return balancer.url + new URL(address, balancer.url).pathname;
}

async function rowsOf(
  { folder }: Ground,
  body: Buffer,
): Promise<{ readonly rows: readonly FileRow[]; readonly cursor: string | undefined }> {
  const path = join(folder, 'month.parquet');
  writeFileSync(path, body);
  const file = await openMonthFile(openNodeFileSystem(), path);
  const rows: FileRow[] = [];
  try {
    for await (const group of file.groups()) rows.push(...group);
    return { rows, cursor: file.metadata['quantrac.cursor'] };
  } finally {
    await file.close();
  }
}

async function compareRows(
  ground: Ground,
  file: ListedFile,
  rows: readonly FileRow[],
): Promise<void> {
  const { month, cursor } = file;
  const ids = [...new Set(rows.map(({ datastream }) => datastream))];
  // Wider than the month in any zone; the text of each row says which month it is of.
  const from = new Date(Date.parse(`${month}-01T00:00:00Z`) - 86_400_000).toISOString();
  const to = new Date(Date.parse(`${month}-01T00:00:00Z`) + 33 * 86_400_000).toISOString();
  const query = `datastream=${ids.join(',')}&from=${from}&to=${to}`;
  // As it was at the file's cursor, and as it is: nothing has come since.
  for (const node of ground.apis) {
    await compareWith(ground, { file, rows, node, query: `${query}&at=${cursor}` });
    await compareWith(ground, { file, rows, node, query });
  }
}

interface Comparing {
  readonly file: ListedFile;
  readonly rows: readonly FileRow[];
  readonly node: ClusterNode;
  readonly query: string;
}

async function compareWith(ground: Ground, { file, rows, node, query }: Comparing): Promise<void> {
  const { body, status } = await get(`${apiOf(node)}/api/v1/observations.ndjson?${query}`);
  const shown = status === 200 ? rowsIn(body, file.month) : [];
  const own = rows.map(lineOf).sort();
  const isSame = JSON.stringify(shown.map(lineOf).sort()) === JSON.stringify(own);
  const where = `${node.name} (${status}, ${query.slice(-80)})`;
  must(ground, `${file.name}: ${own.length} rows, ${shown.length} of ${where}`, isSame);
}

function rowsIn(body: Buffer, month: string): readonly ApiRow[] {
  const lines = body.toString('utf8').trimEnd().split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as ApiRow).filter((row) => monthIn(row) === month);
}

/** All files, and the changes from the index' cursor on, are all rows that are open. */
export async function checkJoin(ground: Ground, index: Index, found: FilesFound): Promise<number> {
  const places = ground.apis.map(apiOf);
  const rows = new Map(found.held);
  const { changes, next } = await changesBehind(places, index.cursor);
  for (const { type, observation } of changes) {
    if (observation === undefined) continue;
    if (type === 'deletion') rows.delete(observation.id);
    else rows.set(observation.id, lineOf(observation));
  }
  const { body } = await get(`${places[1]}/api/v1/observations.ndjson?at=${next}`);
  const lines = body.toString('utf8').trimEnd().split('\n').slice(0, -1);
  const all = lines.map((line) => lineOf(JSON.parse(line) as ApiRow)).sort();
  const joined = [...rows.values()].sort();
  must(
    ground,
    `files and changes behind them are ${joined.length} rows, of ${all.length} that there are`,
    JSON.stringify(all) === JSON.stringify(joined),
  );
  return all.length;
}

/** Whether changes can be followed from each file's cursor, at both nodes alike. */
export async function checkCursors(
  ground: Ground,
  cursors: readonly string[],
): Promise<Readonly<Record<string, number>>> {
  const places = ground.apis.map(apiOf);
  const told: Record<string, number> = {};
  for (const cursor of new Set(cursors)) {
    const statuses = await Promise.all(
      places.map(async (each) => (await get(`${each}/api/v1/changes?after=${cursor}`)).status),
    );
    const text = [...new Set(statuses)].join(' and ');
    told[text] = (told[text] ?? 0) + 1;
    if (statuses.every((status) => status === 200)) {
      const [one, other] = await Promise.all(
        places.map((place) => readUntil([place], cursor, undefined)),
      );
      const isSame =
        [...(one?.keys ?? [])].sort().join() === [...(other?.keys ?? [])].sort().join();
      must(ground, `changes behind ${cursor} are the same on each node`, isSame);
    }
  }
  return told;
}

/** What exists once is asked of the node that has it. */
export async function checkElsewhere(ground: Ground, status: 307 | 503): Promise<number> {
  const [, other] = ground.apis;
  if (other === undefined) throw new Error('there is no other node');
  const paths = [
    'files',
    'datasets.json',
    'datasets/load~weather/schema.jsonld',
    'datasets/load~weather/files',
    'files/load~weather/2000-01/x.parquet',
    'manifests',
    'manifests/latest',
    'manifests/1',
    'manifests/keys',
    'manifests/latest/buckets',
    'citations/000000000000000000000000',
    'changes?until=manifest',
    'webhooks/none',
  ];
  const asked = [
    ...paths.map((path) => ({ path, json: undefined })),
    { path: 'citations', json: { url: '/api/v1/latest' } },
    { path: 'webhooks', json: { url: 'https://example.com/' } },
  ];
  for (const { path, json } of asked) {
    const given = await get(`${apiOf(other)}/api/v1/${path}`, { redirect: 'manual', json });
    const location = given.headers.get('location');
    const isRight =
      given.status === status &&
      (status === 503 || location === `${apiOf(ground.publisher)}/api/v1/${path}`) &&
      (status === 307 || given.body.toString('utf8').includes('API_PUBLISHED_ELSEWHERE'));
    must(ground, `${path} is published elsewhere: ${given.status} ${location}`, isRight);
  }
  return asked.length;
}

export interface Cited {
  readonly id: string;
  readonly sha256: string;
}

/** Of rows and of a file, asked for at whichever node the balancer takes. */
export async function cite(
  ground: Ground,
  addresses: readonly string[],
): Promise<readonly Cited[]> {
  const { balancer } = ground;
  const cited: Cited[] = [];
  for (const url of addresses) {
    for (let turn = 0; turn < 2; turn += 1) {
      const given = await get(`${balancer.url}/api/v1/citations`, { json: { url } });
      const text = given.body.toString('utf8');
      if (must(ground, `${url} is cited: ${given.status} ${text}`, given.status === 201)) {
        cited.push(JSON.parse(text) as Cited);
      }
    }
  }
  return cited;
}

export async function checkCitations(ground: Ground, cited: readonly Cited[]): Promise<number> {
  for (const { id, sha256 } of cited) {
    for (const place of [...ground.apis.map(apiOf), ground.balancer.url]) {
      const { status, body } = await get(`${place}/api/v1/citations/${id}/data`);
      const found = createHash('sha256').update(body).digest('hex');
      must(ground, `citation ${id} gives its bytes at ${place}: ${status}`, found === sha256);
    }
  }
  return cited.length;
}

/** Asked for at the node that does not publish. */
export async function openWebhook(ground: Ground, after: string): Promise<HookReceiver> {
  const receiver = await receiveHooks();
  const place = apiOf(ground.apis[1]!);
  const given = await get(`${place}/api/v1/webhooks`, { json: { url: receiver.url, after } });
  must(ground, `a webhook is made: ${given.status}`, given.status === 201);
  return receiver;
}

export async function checkWebhook(
  ground: Ground,
  receiver: HookReceiver,
  changes: number,
): Promise<Readonly<Record<string, number>>> {
  await untilSo(ground, 30_000, () => receiver.cursors.length >= changes);
  const { cursors, repeats } = receiver;
  must(ground, `the webhook was sent ${cursors.length} of ${changes}`, cursors.length === changes);
  must(ground, `the webhook was sent ${repeats} again`, repeats === 0);
  return { changes: cursors.length, repeats };
}
