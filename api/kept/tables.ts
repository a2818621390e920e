/**
 * A column that a table has got since it was first made: it may be null, so that a version of the
 * product that does not know it goes on writing rows.
 */
export interface KeptColumn {
  readonly table: string;
  readonly column: string;
  readonly type: 'INTEGER' | 'TEXT';
}

export const keptColumns: readonly KeptColumn[] = [
  // access/log-store.ts says what is meant where they are null.
  { table: 'access_request', column: 'door', type: 'TEXT' },
  { table: 'access_request', column: 'requests', type: 'INTEGER' },
];

/**
 * Every table of `feeds.db`, each `CREATE … IF NOT EXISTS`, by the folder that uses it. Times are
 * integer milliseconds UTC, hashes are bytes of SHA-256.
 */
export const keptTables: readonly string[] = [
  // bulk/: what a version of a file is made of, each once: JSON list of series as `shape.ts` has them.
  `CREATE TABLE IF NOT EXISTS bulk_content (
    hash BLOB PRIMARY KEY,
    series TEXT NOT NULL
  ) STRICT, WITHOUT ROWID`,
  // One row for each file of each version of a dataset's month. `version` is of its content, so that
  // a name with it never stands for other bytes; `path` is relative to the folder of files, `cursor`
  // is where changes join, `licences` a JSON list of addresses, `content` a hash of `bulk_content`.
  // A file that is not in this table does not exist, whatever the disk holds.
  `CREATE TABLE IF NOT EXISTS bulk_file (
    id INTEGER PRIMARY KEY,
    dataset TEXT NOT NULL,
    month TEXT NOT NULL,
    version TEXT NOT NULL,
    format TEXT NOT NULL CHECK (format IN ('parquet', 'csv.gz', 'datapackage', 'csvw')),
    name TEXT NOT NULL,
    path TEXT NOT NULL UNIQUE,
    bytes INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    rows INTEGER NOT NULL,
    cursor TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    registry_version INTEGER NOT NULL,
    licences TEXT NOT NULL,
    content BLOB NOT NULL REFERENCES bulk_content (hash),
    state TEXT NOT NULL CHECK (state IN ('current', 'superseded')),
    superseded_at INTEGER,
    UNIQUE (dataset, month, version, format)
  ) STRICT`,
  // Months whose files are to be made, since when, and a cursor before the first change that is in
  // none of them.
  `CREATE TABLE IF NOT EXISTS bulk_dirty (
    dataset TEXT NOT NULL,
    month TEXT NOT NULL,
    since INTEGER NOT NULL,
    first_cursor TEXT NOT NULL,
    PRIMARY KEY (dataset, month)
  ) STRICT, WITHOUT ROWID`,
  // One row: the change cursor up to which `bulk_dirty` is whole.
  `CREATE TABLE IF NOT EXISTS bulk_followed (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    cursor TEXT NOT NULL
  ) STRICT`,
  // Series that were open when `bulk_dirty` was last made up from the registry, and what their rows
  // show of it: a series that is new here, gone, or another is a change of all its months.
  `CREATE TABLE IF NOT EXISTS bulk_series (
    datastream TEXT PRIMARY KEY,
    dataset TEXT NOT NULL,
    shape TEXT NOT NULL
  ) STRICT, WITHOUT ROWID`,
  // access/log.ts
  `CREATE TABLE IF NOT EXISTS access_request (
    position INTEGER PRIMARY KEY, at INTEGER NOT NULL, key TEXT NOT NULL, path TEXT NOT NULL,
    status INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT`,
  'CREATE INDEX IF NOT EXISTS access_request_at ON access_request (at)',
  `CREATE TABLE IF NOT EXISTS access_day (
    day TEXT NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL, resource TEXT NOT NULL,
    requests INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
    PRIMARY KEY (day, key, kind, resource)) STRICT, WITHOUT ROWID`,
  // manifests/: each as it was served, and where the files stood that it names.
  `CREATE TABLE IF NOT EXISTS manifest (
    sequence INTEGER PRIMARY KEY,
    day TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    cursor TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    document BLOB NOT NULL,
    files_upto INTEGER NOT NULL
  ) STRICT`,
  // One row while a manifest is being made: what stands of it below is not true yet.
  `CREATE TABLE IF NOT EXISTS manifest_making (
    sequence INTEGER PRIMARY KEY
  ) STRICT`,
  // The tree of hashes: a branch is what its row of the greatest sequence says, from that manifest on.
  `CREATE TABLE IF NOT EXISTS manifest_day (
    datastream TEXT NOT NULL,
    day TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    PRIMARY KEY (datastream, day, sequence)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS manifest_month (
    datastream TEXT NOT NULL,
    month TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    PRIMARY KEY (datastream, month, sequence)
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS manifest_datastream (
    datastream TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    is_open INTEGER NOT NULL,
    PRIMARY KEY (datastream, sequence)
  ) STRICT, WITHOUT ROWID`,
  // Public keys, and the first manifest that each signs.
  `CREATE TABLE IF NOT EXISTS manifest_key (
    kid TEXT PRIMARY KEY,
    x TEXT NOT NULL,
    since INTEGER NOT NULL UNIQUE
  ) STRICT`,

  // citations/: lists of series, each once, as JSON; and by series in which of them it is.
  `CREATE TABLE IF NOT EXISTS citation_list (
    hash BLOB PRIMARY KEY,
    series TEXT NOT NULL
  ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS citation_list_series (
    datastream TEXT NOT NULL,
    list BLOB NOT NULL,
    PRIMARY KEY (datastream, list)
  ) STRICT, WITHOUT ROWID`,
  // citations/: what was cited. `sha256` names the bytes, which are kept once however often they are
  // cited, under gzip or as they are (a bulk file). `list` is a hash of `citation_list`: the
  // datastreams that the bytes are about, with the precision of their places; rows end from `from_at` on and before `to_at`. `titles`, `publishers` and
  // `licences` are JSON, as they were then. Bytes that were erased are gone, the rest stays.
  `CREATE TABLE IF NOT EXISTS citation (
    id TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    version TEXT NOT NULL,
    as_of INTEGER NOT NULL,
    made_at INTEGER NOT NULL,
    registry_version INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    bytes INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    file_name TEXT NOT NULL,
    stored TEXT NOT NULL CHECK (stored IN ('gzip', 'plain')),
    cursor TEXT,
    licences TEXT NOT NULL,
    titles TEXT NOT NULL,
    publishers TEXT NOT NULL,
    list BLOB NOT NULL REFERENCES citation_list (hash),
    from_at INTEGER NOT NULL,
    to_at INTEGER NOT NULL,
    erased_at INTEGER
  ) STRICT`,
  `CREATE INDEX IF NOT EXISTS citation_by_hash ON citation (sha256)`,
  'CREATE INDEX IF NOT EXISTS citation_by_list ON citation (list, to_at) WHERE erased_at IS NULL',
  // hooks/: subscriptions of receivers; `subject` is the token that made it, `filter` its query as JSON.
  `CREATE TABLE IF NOT EXISTS hook (
     id TEXT PRIMARY KEY,
     url TEXT NOT NULL,
     filter TEXT NOT NULL,
     subject TEXT,
     secret TEXT NOT NULL,
     previous_secret TEXT,
     previous_until INTEGER,
     state TEXT NOT NULL,
     reason TEXT,
     is_verified INTEGER NOT NULL,
     cursor TEXT NOT NULL,
     batch INTEGER,
     attempts INTEGER NOT NULL,
     failing_since INTEGER,
     next_at INTEGER NOT NULL,
     created_at INTEGER NOT NULL,
     delivered_at INTEGER,
     last_status INTEGER,
     last_failure TEXT
   ) STRICT`,
  // outbox/: what is to be at a portal and what it has confirmed, by dataset. Hashes are hexadecimal,
  // of what is submitted; none is wanted of what is to be withdrawn.
  `CREATE TABLE IF NOT EXISTS outbox_item (
    portal TEXT NOT NULL,
    dataset TEXT NOT NULL,
    wanted TEXT,
    confirmed TEXT,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'done', 'refused')),
    attempts INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    since INTEGER NOT NULL,
    uncertain INTEGER NOT NULL,
    remote_id TEXT,
    error TEXT,
    PRIMARY KEY (portal, dataset)
  ) STRICT, WITHOUT ROWID`,
  // One row a try: when, what, and what the portal said.
  `CREATE TABLE IF NOT EXISTS outbox_receipt (
    position INTEGER PRIMARY KEY,
    portal TEXT NOT NULL,
    at INTEGER NOT NULL,
    dataset TEXT NOT NULL,
    action TEXT NOT NULL,
    hash TEXT,
    remote_id TEXT,
    answer TEXT NOT NULL
  ) STRICT`,
  `CREATE INDEX IF NOT EXISTS outbox_receipt_dataset
    ON outbox_receipt (portal, dataset, position)`,
  // The newest version of the registry that a portal's wants were made up from.
  `CREATE TABLE IF NOT EXISTS outbox_followed (
    portal TEXT PRIMARY KEY,
    version INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,

  // hooks/: of each webhook, the network it was made from without a key, and since when it is as it is.
  `CREATE TABLE IF NOT EXISTS hook_standing (
     id TEXT PRIMARY KEY,
     network TEXT,
     state_since INTEGER NOT NULL
   ) STRICT`,

  // access/judged.ts: one row, the time that was last believed, for jumps of the clock between runs.
  `CREATE TABLE IF NOT EXISTS judged_time (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    at INTEGER NOT NULL
  ) STRICT`,

  // usage/: what was taken of the open part of each network's dataset on a UTC day, by nobody named.
  `CREATE TABLE IF NOT EXISTS usage_day (
    day TEXT NOT NULL, dataset TEXT NOT NULL, resource TEXT NOT NULL, format TEXT NOT NULL,
    requests INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
    PRIMARY KEY (day, dataset, resource, format)) STRICT, WITHOUT ROWID`,
];
