/** Refuses at once what could not be answered in time, and says how to ask for less. */
import type { Datastream } from '../../devices/model.ts';
import type { ApiContext } from '../context.ts';
import { apiError } from '../errors.ts';
import type { Format } from '../formats/format.ts';
import { costOf, costOfPage, suggestionsFor, type CostQuestion } from './query-cost.ts';

/** A list over time, as far as its cost goes. */
export interface TimeQuestion extends Pick<
  CostQuestion,
  'fromAt' | 'toAt' | 'limit' | 'window' | 'isFiltered' | 'isWide'
> {
  readonly datastreams: readonly Datastream[];
  readonly format: Format;
}

/** Streams go at the pace of their reader in one of few slots, so their cost has no bound. */
const streamed: ReadonlySet<Format> = new Set(['csv', 'ndjson']);

/** Throws API_QUERY_TOO_DEAR. */
export function requireAffordableSpan(context: ApiContext, asked: TimeQuestion): void {
  const { datastreams, format, ...rest } = asked;
  if (streamed.has(format)) return;
  const { queryCostMax } = context.config;
  // Most questions are for a page of rows, and need no look at the series.
  const isPage = rest.window === undefined && !rest.isFiltered;
  if (isPage && costOfPage(datastreams.length, rest.limit) <= queryCostMax) return;
  const question = { ...rest, series: context.extents.of(datastreams) };
  const cost = costOf(question);
  if (cost <= queryCostMax) return;
  const suggestions = suggestionsFor(question, queryCostMax);
  requireAffordable(context, {
    cost,
    suggestions: [
      ...suggestions.map(({ parameter, expected }) => ({ parameter, expected })),
      { parameter: 'format', expected: 'ndjson or csv, which stream to their end' },
    ],
  });
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
