/** Refuses at once what could not be answered in time, and says how to ask for less. */
import type { Datastream } from '../../devices/model.ts';
import type { ApiContext } from '../context.ts';
import { apiError } from '../errors.ts';
import type { Format } from '../formats/format.ts';
import type { Moment } from '../../ingest/feed/places/places.ts';
import {
  costOf,
  costOfPage,
  suggestionsFor,
  type CostQuestion,
  type Pinned,
} from './query-cost.ts';

/** A list over time, as far as its cost goes. */
export interface TimeQuestion extends Pick<
  CostQuestion,
  'fromAt' | 'toAt' | 'limit' | 'window' | 'isFiltered' | 'isWide' | 'isPaired' | 'order'
> {
  readonly datastreams: readonly Datastream[];
  readonly format: Format;
  /** The moment asked for; none: as it is now. */
  readonly moment?: Moment | undefined;
  /** Its time, where it was asked for by time. */
  readonly asOfAt?: number | null;
}

/** Streams go at the pace of their reader in one of few slots, so their cost has no bound. */
const streamed: ReadonlySet<Format> = new Set(['csv', 'ndjson', 'parquet']);

/** Throws API_QUERY_TOO_DEAR. */
export function requireAffordableSpan(context: ApiContext, asked: TimeQuestion): void {
  const { datastreams, format, moment, asOfAt, ...rest } = asked;
  if (streamed.has(format)) return;
  const { queryCostMax } = context.config;
  // Most questions are for a page of rows, and need no look at the series.
  const isPage = rest.window === undefined && !rest.isFiltered && moment === undefined;
  if (isPage && costOfPage(datastreams.length, rest.limit) <= queryCostMax) return;
  const series = context.extents.of(datastreams);
  const pinned = moment === undefined ? {} : { pinned: pinnedAt(context, moment, asOfAt) };
  const question = { ...rest, ...pinned, series };
  const cost = costOf(question);
  if (cost <= queryCostMax) return;
  const suggestions = suggestionsFor(question, queryCostMax);
  requireAffordable(context, {
    cost,
    suggestions: [
      ...suggestions.map(({ parameter, expected }) => ({ parameter, expected })),
      { parameter: 'format', expected: 'ndjson, csv or parquet, which stream to their end' },
    ],
  });
}

/** Positions tell of a log; in a copy only the time does, which a cursor has none of. */
function pinnedAt(
  { store }: ApiContext,
  moment: Moment,
  asOfAt: number | null | undefined,
): Pinned {
  if (asOfAt !== undefined && asOfAt !== null) {
    return { at: asOfAt, isBefore: (publishedAt) => publishedAt > asOfAt };
  }
  if (moment.batchOf !== undefined) return { isBefore: () => false };
  const pin = moment.pinOf(0);
  return { isBefore: (publishedAt) => store.positionAt(publishedAt) > pin };
}

export interface Estimate {
  /** Microseconds of one core, at most. */
  readonly cost: number;
  /** Each of them alone is enough; the first names the parameter of the problem. */
  readonly suggestions: readonly { readonly parameter: string; readonly expected: string }[];
}

/** Throws API_QUERY_TOO_DEAR where an estimate is beyond `queryCostMax`: for any route. */
export function requireAffordable(
  { config }: Pick<ApiContext, 'config'>,
  estimate: Estimate,
): void {
  const { cost, suggestions } = estimate;
  const costMax = config.queryCostMax;
  if (cost <= costMax) return;
  const parameters = [...new Set(suggestions.map(({ parameter }) => parameter))];
  const [parameter = ''] = parameters;
  throw apiError('API_QUERY_TOO_DEAR', { parameter, parameters, cost, costMax, suggestions });
}
