/** Proves a registry file: SQLite's own check, the tables' rules, and that the history only grew. */
import { integrityProblems, openDatabase, type Database } from '../database.ts';
import { checkRegistry, registryFormat, registrySteps } from './tables.ts';
import { recordKinds } from './records.ts';

export interface RegistryReport {
  /** One sentence each, with the row that it is about. */
  readonly problems: readonly string[];
  /** Newest version; 0 where the file cannot be read. */
  readonly version: number;
}

const problemsMax = 100;

/**
 * Reads the whole history once, beside a writer. Throws DEVICES_REGISTRY_FOREIGN or …_NEWER, or
 * SQLite's error for a file that is no database.
 */
export function verifyRegistry(path: string): RegistryReport {
  const database = openDatabase(path, { readOnly: true });
  try {
    database.exec('BEGIN');
    const format = checkRegistry(database, path);
    if (format < registryFormat) {
      return { problems: [`format ${format} is older than ${registryFormat}`], version: 0 };
    }
    const problems = [
      ...integrityProblems(database),
      ...schemaProblems(database),
      ...historyProblems(database),
      ...seriesProblems(database),
    ];
    const newest = database.prepare('SELECT max(version) AS version FROM history').get();
    return { problems: problems.slice(0, problemsMax), version: Number(newest?.['version'] ?? 0) };
  } finally {
    database.close();
  }
}

/** Tables, indexes and the triggers that keep the history as it is, against a new registry's. */
function schemaProblems(database: Database): string[] {
  const fresh = openDatabase(':memory:', { lockOnly: true });
  try {
    for (const step of registrySteps) step(fresh);
    const found = schemaOf(database);
    return [...schemaOf(fresh)]
      .filter(([name, sql]) => found.get(name) !== sql)
      .map(([name]) => `${name} is not as this version made it`);
  } finally {
    fresh.close();
  }
}

function schemaOf(database: Database): Map<string, unknown> {
  const rows = database.prepare('SELECT type, name, sql FROM sqlite_schema').all();
  return new Map(rows.map((row) => [`${String(row['type'])} ${String(row['name'])}`, row['sql']]));
}

interface StoredRow {
  readonly position: number;
  readonly version: number;
  readonly kind: string;
  readonly id: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** No position and no version is left out, and each row begins where the one before it ended. */
function historyProblems(database: Database): string[] {
  const problems: string[] = [];
  const entryKinds: ReadonlySet<string> = new Set(recordKinds);
  const standing = new Map<string, string | null>();
  let [position, version] = [0, 0];
  const rows = database
    .prepare('SELECT position, version, kind, id, before, after FROM history ORDER BY position')
    .iterate() as unknown as Iterable<StoredRow>;
  for (const row of rows) {
    if (problems.length >= problemsMax) break;
    const place = `history row ${row.position}`;
    if (row.position !== position + 1) problems.push(`${place} follows row ${position}`);
    if (row.version !== version && row.version !== version + 1) {
      problems.push(`${place} is of version ${row.version} behind version ${version}`);
    }
    ({ position, version } = row);
    if (!entryKinds.has(row.kind)) continue;
    const entry = `${row.kind} ${row.id}`;
    if (row.before !== (standing.get(entry) ?? null)) {
      problems.push(`${place} changes ${entry} from what it was not`);
    }
    if (row.after !== null && !isJson(row.after)) problems.push(`${place} holds no JSON`);
    standing.set(entry, row.after);
  }
  return problems;
}

/** Numbers are given without holes from 0 on, and never again. */
function seriesProblems(database: Database): string[] {
  const row = database
    .prepare('SELECT count(*) AS count, max(series) AS greatest FROM series')
    .get();
  const count = Number(row?.['count'] ?? 0);
  if (count === 0 || Number(row?.['greatest']) === count - 1) return [];
  return [`${count} series have numbers up to ${String(row?.['greatest'])}`];
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
