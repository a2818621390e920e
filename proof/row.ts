/**
 * The canonical line of an observation: what is proved of it, independent of the registry's names,
 * units and time zones, so that the server's row and that of its API give the same bytes.
 *
 *   line = JSON, without white space, of
 *     [ id, start, end, height, result, flag, tests, qualifiers, reason, revision, resultTime,
 *       receivedAt ]
 *
 * Times are integer milliseconds UTC, `resultTime` null where the device gave none; an instant has
 * start = end; `height` is in whole millimetres, null where the row has none of its own. Lines of a
 * datastream are in the order of (end, start, height), those without height first.
 */
export interface ProofRow {
  readonly id: string;
  readonly startAt: number;
  readonly endAt: number;
  readonly heightMm: number | null;
  readonly result: number | null;
  readonly flag: number;
  /** 16 digits. */
  readonly tests: string;
  readonly qualifiers: readonly string[];
  readonly reason: string | null;
  readonly revision: number;
  readonly resultAt: number | null;
  readonly receivedAt: number;
}

export function lineOf(row: ProofRow): string {
  return JSON.stringify([
    row.id,
    row.startAt,
    row.endAt,
    row.heightMm,
    row.result,
    row.flag,
    row.tests,
    row.qualifiers,
    row.reason,
    row.revision,
    row.resultAt,
    row.receivedAt,
  ]);
}

/** Undefined for a text that is no line, or not in its one form. */
export function readLine(text: string): ProofRow | undefined {
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (!Array.isArray(values) || values.length !== 12) return undefined;
  const [id, startAt, endAt, heightMm, result, flag, ...more] = values as unknown[];
  const [tests, qualifiers, reason, revision, resultAt, receivedAt] = more;
  const isRow =
    [id, tests].every((each) => typeof each === 'string') &&
    [startAt, endAt, flag, revision, receivedAt].every(Number.isSafeInteger) &&
    [heightMm, resultAt].every((each) => each === null || Number.isSafeInteger(each)) &&
    (result === null || typeof result === 'number') &&
    (reason === null || typeof reason === 'string') &&
    Array.isArray(qualifiers) &&
    qualifiers.every((each) => typeof each === 'string');
  if (!isRow) return undefined;
  const named = { id, startAt, endAt, heightMm, result, flag, tests };
  const row = { ...named, qualifiers, reason, revision, resultAt, receivedAt } as ProofRow;
  return lineOf(row) === text ? row : undefined;
}

/** A row of the reading API (`/observations`, `/changes`), as far as a line is made of it. */
export interface ApiRow {
  readonly id: string;
  readonly datastream: string;
  /** RFC 3339: an instant, or `start/end`. */
  readonly phenomenonTime: string;
  readonly resultTime: string | null;
  readonly receivedAt: string;
  readonly result: number | null;
  readonly flag: number;
  readonly tests: string;
  readonly qualifiers: readonly string[];
  readonly reason: string | null;
  readonly revision: number;
  readonly heightMetres?: number;
}

export function rowOfApi(row: ApiRow): ProofRow {
  const [start = '', end = start] = row.phenomenonTime.split('/');
  const { id, result, flag, tests, qualifiers, reason, revision, heightMetres } = row;
  const resultAt = row.resultTime === null ? null : Date.parse(row.resultTime);
  const startAt = Date.parse(start);
  const endAt = Date.parse(end);
  const heightMm = heightMetres === undefined ? null : Math.round(heightMetres * 1_000);
  const named = { id, startAt, endAt, heightMm, result, flag, tests, qualifiers };
  return { ...named, reason, revision, resultAt, receivedAt: Date.parse(row.receivedAt) };
}

type RowKey = Pick<ProofRow, 'endAt' | 'startAt' | 'heightMm'>;

/** Negative where `one` stands before `other`; 0 for rows of the same observation. */
export function compareRows(one: RowKey, other: RowKey): number {
  return (
    one.endAt - other.endAt ||
    one.startAt - other.startAt ||
    (one.heightMm ?? -Infinity) - (other.heightMm ?? -Infinity) ||
    0
  );
}
