/** Table `citation` of `feeds.db`. Rows are never changed but for their erasure. */
import { createHash } from 'node:crypto';

import { transaction, type Database } from '../../devices/database.ts';
import type { Licence } from '../../devices/licence.ts';
import type { Name } from '../../devices/model.ts';
import type { Stored } from './blobs.ts';
import type { CitedSeries } from './subject.ts';

export interface CitationRecord {
  readonly id: string;
  /** Of what was cited: path and query, without the server. */
  readonly url: string;
  /** Of the content. */
  readonly version: string;
  readonly asOf: number;
  readonly madeAt: number;
  readonly registryVersion: number;
  /** Hexadecimal. */
  readonly sha256: string;
  readonly bytes: number;
  readonly mediaType: string;
  readonly fileName: string;
  readonly stored: Stored;
  /** Change cursor that the bytes are true at, where they tell one. */
  readonly cursor: string | null;
  readonly licences: readonly Licence[];
  readonly title: Name;
  readonly publishers: readonly Name[];
  readonly series: readonly CitedSeries[];
  /** Rows end from here on, ms UTC. */
  readonly fromAt: number;
  /** Before this. */
  readonly toAt: number;
  readonly erasedAt: number | null;
}

export interface CitationRecords {
  find(id: string): CitationRecord | undefined;
  /** Answers about how many bytes more the rows take now. */
  add(record: Omit<CitationRecord, 'erasedAt'>): number;
  /** Whether a citation holds these bytes. */
  holds(sha256: string): boolean;
  /** That can hold a row of the series that ends then, and are not erased yet; once for each moment. */
  about(series: string, endAt: number): readonly CitedBytes[];
  /** Of every series that is cited, the span in which it is; what was erased is not among them. */
  spans(): readonly CitedSpan[];
  /** About what all rows take on the disk. */
  bytes(): number;
  /** Every citation of these bytes. */
  erase(sha256: string, at: number): void;
}

export type CitedBytes = Pick<CitationRecord, 'sha256' | 'stored' | 'url' | 'mediaType' | 'cursor'>;

/** Ends of rows: from inclusive, to exclusive. */
export interface CitedSpan {
  readonly datastream: string;
  readonly fromAt: number;
  readonly toAt: number;
}

/** Of a row beside its texts, with its places in the indexes. */
const rowBytes = 400;
const listBytes = 200;
const listSeriesBytes = 120;

type Row = Readonly<Record<string, unknown>>;

export function openCitationRecords(kept: Database): CitationRecords {
  const lists = openSeriesLists(kept);
  const find = kept.prepare('SELECT * FROM citation WHERE id = ?');
  const holds = kept.prepare(
    'SELECT 1 FROM citation WHERE sha256 = ? AND erased_at IS NULL LIMIT 1',
  );
  const about = kept.prepare(
    `SELECT sha256, stored, url, media_type, cursor FROM citation_list_series
       JOIN citation USING (list)
     WHERE datastream = ? AND erased_at IS NULL AND from_at <= ? AND to_at > ?
     GROUP BY sha256, cursor`,
  );
  const spans = kept.prepare(
    `SELECT datastream, min(from_at) AS from_at, max(to_at) AS to_at FROM citation_list_series
       JOIN citation USING (list)
     WHERE erased_at IS NULL GROUP BY datastream`,
  );
  const erase = kept.prepare(
    'UPDATE citation SET erased_at = ? WHERE sha256 = ? AND erased_at IS NULL',
  );
  return {
    find(id) {
      const row = find.get(id);
      return row === undefined ? undefined : recordOf(row, lists.read(row['list'] as Uint8Array));
    },
    add: (record) => transaction(kept, () => insert(kept, lists, record)),
    holds: (sha256) => holds.get(Buffer.from(sha256, 'hex')) !== undefined,
    about: (series, endAt) => about.all(series, endAt, endAt).map(bytesOf),
    spans: () =>
      spans.all().map((row) => ({
        datastream: String(row['datastream']),
        fromAt: Number(row['from_at']),
        toAt: Number(row['to_at']),
      })),
    bytes: () => usedBytes(kept),
    erase(sha256, at) {
      erase.run(at, Buffer.from(sha256, 'hex'));
    },
  };
}

function usedBytes(kept: Database): number {
  const row = kept
    .prepare(
      `SELECT
         (SELECT coalesce(sum(${rowBytes} + octet_length(url) + octet_length(titles) +
            octet_length(publishers) + octet_length(licences)), 0) FROM citation) +
         (SELECT coalesce(sum(${listBytes} + octet_length(series)), 0) FROM citation_list) +
         (SELECT ${listSeriesBytes} * count(*) FROM citation_list_series) AS bytes`,
    )
    .get();
  return Number(row?.['bytes']);
}

interface SeriesLists {
  read(hash: Uint8Array): readonly CitedSeries[];
  keep(series: readonly CitedSeries[]): { readonly hash: Uint8Array; readonly bytes: number };
}

/** Lists in memory: each may be of every series there is. */
const listsMax = 32;

/** Most questions are about the same series: one list for all of them. */
function openSeriesLists(kept: Database): SeriesLists {
  const select = kept.prepare('SELECT series FROM citation_list WHERE hash = ?');
  const addList = kept.prepare('INSERT OR IGNORE INTO citation_list VALUES (?, ?)');
  const addSeries = kept.prepare('INSERT OR IGNORE INTO citation_list_series VALUES (?, ?)');
  const known = new Map<string, readonly CitedSeries[]>();
  return {
    read(hash) {
      const key = Buffer.from(hash).toString('hex');
      const found = known.get(key);
      if (found !== undefined) return found;
      if (known.size >= listsMax) known.clear();
      const text = String(select.get(hash)?.['series'] ?? '[]');
      const read = JSON.parse(text) as readonly CitedSeries[];
      known.set(key, read);
      return read;
    },
    keep(series) {
      const text = JSON.stringify(series);
      const hash = createHash('sha256').update(text).digest();
      if (addList.run(hash, text).changes === 0) return { hash, bytes: 0 };
      for (const { id } of series) addSeries.run(id, hash);
      return { hash, bytes: listBytes + Buffer.byteLength(text) + listSeriesBytes * series.length };
    },
  };
}

/** The same again changes nothing. */
function insert(
  kept: Database,
  lists: SeriesLists,
  record: Omit<CitationRecord, 'erasedAt'>,
): number {
  const list = lists.keep(record.series);
  const texts = [record.licences, record.title, record.publishers].map((each) =>
    JSON.stringify(each),
  );
  const { changes } = kept
    .prepare(
      `INSERT OR IGNORE INTO citation VALUES
         (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)`,
    )
    .run(
      record.id,
      record.url,
      record.version,
      record.asOf,
      record.madeAt,
      record.registryVersion,
      Buffer.from(record.sha256, 'hex'),
      record.bytes,
      record.mediaType,
      record.fileName,
      record.stored,
      record.cursor,
      ...texts,
      list.hash,
      record.fromAt,
      record.toAt,
    );
  if (changes === 0) return list.bytes;
  return list.bytes + rowBytes + Buffer.byteLength(record.url + texts.join(''));
}

function bytesOf(row: Row): CitedBytes {
  return {
    sha256: Buffer.from(row['sha256'] as Uint8Array).toString('hex'),
    stored: row['stored'] === 'gzip' ? 'gzip' : 'plain',
    url: String(row['url']),
    mediaType: String(row['media_type']),
    cursor: row['cursor'] as string | null,
  };
}

function recordOf(row: Row, series: readonly CitedSeries[]): CitationRecord {
  return {
    ...bytesOf(row),
    id: String(row['id']),
    version: String(row['version']),
    asOf: Number(row['as_of']),
    madeAt: Number(row['made_at']),
    registryVersion: Number(row['registry_version']),
    bytes: Number(row['bytes']),
    fileName: String(row['file_name']),
    licences: JSON.parse(String(row['licences'])) as readonly Licence[],
    title: JSON.parse(String(row['titles'])) as Name,
    publishers: JSON.parse(String(row['publishers'])) as readonly Name[],
    series,
    fromAt: Number(row['from_at']),
    toAt: Number(row['to_at']),
    erasedAt: row['erased_at'] === null ? null : Number(row['erased_at']),
  };
}
