/**
 * Rows of many series, step by step: by datastream id, within a datastream by (end, start, height).
 * Every step is one question at the pinned moment; nothing is held open between steps.
 */
import type { Datastream } from '../devices/model.ts';
import type { ObservationKey, ObservationRow } from '../ingest/observation.ts';
import type { RangeQuery } from '../ingest/store/store.ts';
import type { PagePlace } from './page.ts';
import type { Pins } from '../ingest/feed/places/places.ts';
import type { Awaitable, Questions } from './questions.ts';

export interface RowsOptions {
  readonly questions: Pick<Questions, 'range'>;
  /** By id, in the order of the answer. */
  readonly datastreams: readonly Datastream[];
  readonly fromAt: number;
  readonly toAt: number;
  readonly order: 'asc' | 'desc';
  /** Flags to show; null: all. */
  readonly flags: ReadonlySet<number> | null;
  /** Rows are shown as they were published at this moment. */
  readonly moment: Pins;
  /** Whether a series has changed since; reading as of a moment costs more. */
  readonly hasChanged: (series: number) => boolean;
  readonly after: PagePlace | undefined;
  /** Infinity: to the end. */
  readonly limit: number;
  readonly rowsPerReadMax: number;
}

/** How many series are looked at to say that nothing follows, before a page says that some may. */
const peeksMax = 64;

export async function* stepRows(
  options: RowsOptions,
): AsyncGenerator<readonly ObservationRow[], PagePlace | null> {
  const { datastreams, after } = options;
  let left = options.limit;
  const begin = after === undefined ? 0 : indexFrom(datastreams, after.id);
  let key = keyOf(after, datastreams[begin]);
  for (let index = begin; index < datastreams.length; index++) {
    const datastream = datastreams[index];
    if (datastream === undefined) break;
    for (;;) {
      // One row more than is wanted tells whether any follow.
      const limit = 1 + Math.min(options.rowsPerReadMax, left);
      const asked = readRange(options, datastream, { after: key, limit });
      const rows = asked instanceof Promise ? await asked : asked;
      const shown = selectRows(rows, options.flags, left);
      left -= shown.length;
      if (shown.length > 0 || rows.length > 0) yield shown;
      const last = shown.at(-1);
      if (left === 0 && last !== undefined) {
        const isMore = rows.at(-1) !== last || rows.length === limit;
        return isMore || (await followsAny(options, index + 1))
          ? placeOf(datastream.id, last)
          : null;
      }
      if (rows.length < limit) break;
      key = rows.at(-1);
    }
    key = undefined;
  }
  return null;
}

function readRange(
  options: RowsOptions,
  { series }: Datastream,
  from: { readonly after: ObservationKey | undefined; readonly limit: number },
): Awaitable<readonly ObservationRow[]> {
  const query: RangeQuery = {
    series,
    fromAt: options.fromAt,
    toAt: options.toAt,
    order: options.order,
    limit: from.limit,
    ...(options.hasChanged(series) ? { asOf: options.moment.pinOf(series) } : {}),
    ...(from.after === undefined ? {} : { after: from.after }),
  };
  return options.questions.range(query, options.moment);
}

function selectRows(
  rows: readonly ObservationRow[],
  flags: ReadonlySet<number> | null,
  left: number,
): readonly ObservationRow[] {
  const wanted = flags === null ? rows : rows.filter((row) => flags.has(row.verdict.flag));
  return wanted.length > left ? wanted.slice(0, left) : wanted;
}

async function followsAny(options: RowsOptions, begin: number): Promise<boolean> {
  const { datastreams } = options;
  const end = Math.min(datastreams.length, begin + peeksMax);
  for (let index = begin; index < end; index++) {
    const datastream = datastreams[index];
    if (datastream === undefined) break;
    const rows = await readRange(options, datastream, { after: undefined, limit: 1 });
    if (rows.length > 0) return true;
  }
  return end < datastreams.length;
}

function placeOf(id: string, row: ObservationRow): PagePlace {
  const height = Number.isNaN(row.heightMm) ? null : row.heightMm;
  return { id, key: [row.endAt, row.startAt, height] };
}

/** The key to go on behind; none where the datastream of the place is gone. */
function keyOf(
  after: PagePlace | undefined,
  datastream: Datastream | undefined,
): ObservationKey | undefined {
  if (after?.key === undefined || datastream?.id !== after.id) return undefined;
  const [endAt, startAt, heightMm] = after.key;
  return { series: datastream.series, endAt, startAt, heightMm: heightMm ?? NaN };
}

/** First index whose id is not before `id`: the datastream itself, or what follows if it is gone. */
function indexFrom(datastreams: readonly Datastream[], id: string): number {
  const index = datastreams.findIndex((datastream) => datastream.id >= id);
  return index < 0 ? datastreams.length : index;
}
