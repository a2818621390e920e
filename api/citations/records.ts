/** Table `citation` of `feeds.db`. Rows are never changed but for their erasure. */
import type { Database } from '../../devices/database.ts';
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
  add(record: Omit<CitationRecord, 'erasedAt'>): void;
  /** Whether a citation holds these bytes. */
  holds(sha256: string): boolean;
  /** That can hold a row of the series that ends then, and are not erased yet. */
  about(series: string, endAt: number): readonly CitationRecord[];
  /** Every citation of these bytes. */
  erase(sha256: string, at: number): void;
}

type Row = Readonly<Record<string, unknown>>;

export function openCitationRecords(kept: Database): CitationRecords {
  const find = kept.prepare('SELECT * FROM citation WHERE id = ?');
  const holds = kept.prepare(
    'SELECT 1 FROM citation WHERE sha256 = ? AND erased_at IS NULL LIMIT 1',
  );
  const about = kept.prepare(
    `SELECT * FROM citation WHERE erased_at IS NULL AND from_at <= ? AND to_at > ?
       AND EXISTS (SELECT 1 FROM json_each(series) WHERE value ->> '$.id' = ?)`,
  );
  const erase = kept.prepare(
    'UPDATE citation SET erased_at = ? WHERE sha256 = ? AND erased_at IS NULL',
  );
  return {
    find(id) {
      const row = find.get(id);
      return row === undefined ? undefined : recordOf(row);
    },
    add: (record) => insert(kept, record),
    holds: (sha256) => holds.get(Buffer.from(sha256, 'hex')) !== undefined,
    about: (series, endAt) => about.all(endAt, endAt, series).map(recordOf),
    erase(sha256, at) {
      erase.run(at, Buffer.from(sha256, 'hex'));
    },
  };
}

/** The same again changes nothing. */
function insert(kept: Database, record: Omit<CitationRecord, 'erasedAt'>): void {
  kept
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
      JSON.stringify(record.licences),
      JSON.stringify(record.title),
      JSON.stringify(record.publishers),
      JSON.stringify(record.series),
      record.fromAt,
      record.toAt,
    );
}

function recordOf(row: Row): CitationRecord {
  return {
    id: String(row['id']),
    url: String(row['url']),
    version: String(row['version']),
    asOf: Number(row['as_of']),
    madeAt: Number(row['made_at']),
    registryVersion: Number(row['registry_version']),
    sha256: Buffer.from(row['sha256'] as Uint8Array).toString('hex'),
    bytes: Number(row['bytes']),
    mediaType: String(row['media_type']),
    fileName: String(row['file_name']),
    stored: row['stored'] === 'gzip' ? 'gzip' : 'plain',
    cursor: row['cursor'] as string | null,
    licences: JSON.parse(String(row['licences'])) as readonly Licence[],
    title: JSON.parse(String(row['titles'])) as Name,
    publishers: JSON.parse(String(row['publishers'])) as readonly Name[],
    series: JSON.parse(String(row['series'])) as readonly CitedSeries[],
    fromAt: Number(row['from_at']),
    toAt: Number(row['to_at']),
    erasedAt: row['erased_at'] === null ? null : Number(row['erased_at']),
  };
}
