/**
 * A platform through its open API: what anybody may see of it. Every observation is asked for by its
 * id, since only that answer tells the values that never were current.
 */
import type { ObservationRow } from '../../ingest/observation.ts';
import type { DigestRow } from '../../ingest/store/digest.ts';
import { maskOf, type Qualifier } from '../../ingest/quality.ts';
import type { Answers } from './answers.ts';
import { windowText } from './window-text.ts';
import type { ComparedDatastream, ComparedKey, Platform } from './platform.ts';

export interface OpenPlatformOptions {
  readonly name: string;
  readonly answers: Answers;
  /** Observations asked for at once. */
  readonly asksMax: number;
}

export function openPlatform({ name, answers, asksMax }: OpenPlatformOptions): Platform {
  const of = ({ id }: ComparedDatastream): string => `datastream=${encodeURIComponent(id)}`;
  return {
    name,
    async datastreams() {
      const found: ComparedDatastream[] = [];
      for await (const item of answers.items('/datastreams')) {
        const { id, unit } = item as ComparedDatastream;
        found.push({ id, unit });
      }
      return found;
    },
    async *keys(datastream) {
      const asked: Promise<ComparedKey | undefined>[] = [];
      for await (const item of answers.items(`/observations?${of(datastream)}`)) {
        const asking = askKey(answers, (item as ShownRow).id);
        // It is awaited later, and what it throws is thrown then.
        asking.catch(() => undefined);
        asked.push(asking);
        if (asked.length < asksMax) continue;
        const key = await asked.shift();
        if (key !== undefined) yield key;
      }
      for (const asking of asked) {
        const key = await asking;
        if (key !== undefined) yield key;
      }
    },
    async *windows(datastream, window) {
      const path = `/aggregates?${of(datastream)}&window=${window}&functions=mean,min,max,sum,count,first,last`;
      for await (const item of answers.items(path)) {
        const shown = item as Readonly<Record<string, unknown>>;
        const [startAt, endAt] = spanOf(String(shown['phenomenonTime']));
        yield { startAt, endAt, text: windowText(shown) };
      }
    },
    async latest() {
      const newest = new Map<string, string>();
      for await (const item of answers.items('/latest')) {
        const { datastream, id } = item as ShownRow;
        newest.set(datastream, id);
      }
      return newest;
    },
    async position() {
      const { cursor } = (await answers.read('/datastreams?limit=1')) as {
        readonly cursor: string;
      };
      return cursor;
    },
  };
}

const clockMask = maskOf(['CLOCK']);

interface ShownRow {
  readonly id: string;
  readonly datastream: string;
}

/** A row of `/observations/{id}`, as far as the digest is made of it. */
interface ShownRevision {
  readonly phenomenonTime: string;
  readonly heightMetres?: number;
  readonly resultTime: string | null;
  readonly receivedAt: string;
  readonly result: number | null;
  readonly flag: ObservationRow['verdict']['flag'];
  readonly tests: string;
  readonly qualifiers: readonly Qualifier[];
  readonly reason: ObservationRow['verdict']['reason'];
  readonly revision: number;
  readonly type: ObservationRow['type'];
  readonly cause: ObservationRow['cause'];
  readonly reading: { readonly node: number; readonly position: number };
}

/** Undefined where it was deleted meanwhile. */
async function askKey(answers: Answers, id: string): Promise<ComparedKey | undefined> {
  const shown = (await answers.read(`/observations/${encodeURIComponent(id)}`)) as {
    readonly revisions: readonly ShownRevision[];
  };
  const told = shown.revisions.map(rowOf);
  const rows = told.map((row, at) =>
    isReprocessed(row, told.slice(at + 1)) ? reprocessed(row) : row,
  );
  const [newest] = rows;
  if (newest === undefined || newest.type === 'deletion') return undefined;
  const { startAt, endAt, heightMm } = newest;
  const isTimed = (newest.verdict.qualifiers & clockMask) === 0;
  return { id, startAt, endAt, heightMm, rows, isTimed };
}

function rowOf(shown: ShownRevision): DigestRow {
  const { result, flag, tests, reason, revision, type, cause } = shown;
  const [startAt, endAt] = spanOf(shown.phenomenonTime);
  const resultAt = shown.resultTime === null ? Number.NaN : Date.parse(shown.resultTime);
  const hasTime = !Number.isNaN(resultAt);
  return {
    startAt,
    endAt,
    heightMm: shown.heightMetres === undefined ? Number.NaN : Math.round(shown.heightMetres * 1000),
    current: revision >= 0,
    type,
    cause,
    revision,
    result,
    resultAt,
    verdict: { flag, tests, qualifiers: maskOf(shown.qualifiers), reason },
    rank: {
      klass: result === null && !hasTime ? 0 : 1,
      at: hasTime ? resultAt : Date.parse(shown.receivedAt),
      ...shown.reading,
    },
  };
}

/**
 * The API tells what a reprocess withdrew with the cause `rule`, as it tells what was only judged
 * again: that repeats the value before it, a reprocess tells another or none.
 */
function isReprocessed(row: DigestRow, behind: readonly DigestRow[]): boolean {
  if (row.cause !== 'rule') return false;
  const before = behind.find(({ revision }) => revision === row.revision - 1);
  return row.type === 'deletion' || before?.result !== row.result;
}

function reprocessed(row: DigestRow): DigestRow {
  return { ...row, cause: 'reprocess' };
}

/** Of an instant, or of `start/end`. */
function spanOf(text: string): readonly [startAt: number, endAt: number] {
  const [start = '', end = start] = text.split('/');
  return [Date.parse(start), Date.parse(end)];
}
