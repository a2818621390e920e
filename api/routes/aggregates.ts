import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';

import { needsOf, needsRows, readFunctions } from '../windows/functions.ts';
import { answerList } from '../answer.ts';
import type { ApiContext } from '../context.ts';
import { examples } from '../description/examples.ts';
import { aggregateSchema } from '../description/schemas.ts';
import { filterQuery } from '../filter.ts';
import { seriesFormats } from '../formats/format.ts';
import { createWindowTable } from '../formats/window-table.ts';
import { requireAffordableSpan } from '../limits/affordable.ts';
import { addLink, licenceLinks } from '../limits/links.ts';
import { withPartners } from '../windows/wind-partner.ts';
import { stepWindows } from '../windows/steps.ts';
import { windowNames } from '../windows/window.ts';
import { addListRoute, rowLimit, type ListRequest, type PagingQuery } from './list.ts';
import {
  pinnedCost,
  pinnedMoment,
  readFlags,
  readSpan,
  requireFewSeries,
  timeProblems,
  timeQuery,
} from './observations.ts';
import { intervalOf, isUnchanged, unchangedSince } from './unchanged.ts';

const aggregatesQuery = {
  ...filterQuery,
  ...timeQuery,
  window: z
    .enum(windowNames)
    .describe("Length of the windows, in the station's local time; each is named by its end."),
  functions: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe(
      'mean, min, max, sum, count, first, last; the first five without this. ' +
        'sd: sample standard deviation, of angles that of Yamartino. p01 to p99: percentile, ' +
        'linear between neighbours (Hyndman and Fan, definition 7). ' +
        'vectorDirection of wind direction, vectorSpeed of wind speed: resultant mean, each row ' +
        'with the row of the other at the same station, height, interval and time; vectorCount: of ' +
        'how many; a calm (speed 0) is one without a direction too. Angles have no min, max, sum and percentiles; their mean is that of unit vectors.',
    ),
} as const;

type Query = z.infer<z.ZodObject<typeof aggregatesQuery>> & PagingQuery;

export function addAggregates(app: FastifyInstance, context: ApiContext): void {
  addListRoute(app, context, {
    path: '/aggregates',
    summary: 'Values of windows of time, by datastream and within it by end of the window.',
    description:
      '`from` and `to` are on the end of the window, as for rows. Windows without a row are left ' +
      'out. Rows with flag 1, 2 and 3 count, unless `quality` says otherwise. `method` names the ' +
      'function that fits what is measured (sum of rain, mean of temperature, of angles the mean ' +
      'of unit vectors), and `result` is its value.',
    query: aggregatesQuery,
    item: aggregateSchema,
    example: examples.aggregate,
    problems: timeProblems,
    offered: seriesFormats,
    handle: (list) => answerAggregates(context, list),
  });
}

async function answerAggregates(
  context: ApiContext,
  list: ListRequest<Query>,
): Promise<FastifyReply> {
  const { request, reply, query, view, question } = list;
  const { config, questions } = context;
  const span = readSpan(query);
  const flags = readFlags(query.quality);
  const functions = readFunctions(query.functions);
  const datastreams = context.select(view, query);
  addLink(reply, licenceLinks(view, datastreams));
  requireFewSeries(context, list, datastreams.length);
  const limit = rowLimit(context, question, query);
  const needs = needsOf(functions);
  const isFiltered = flags !== null || query.asOf !== undefined || needsRows(needs, false);
  const { window, order } = query;
  const { format } = question;
  const page = query.page === undefined ? undefined : question.tokens.decode(query.page);
  const moment = await pinnedMoment(context, query.asOf, page);
  const cost = {
    ...span,
    ...pinnedCost(query, moment),
    window,
    isFiltered,
    isPaired: needs.vector,
  };
  await context.intervals.follow();
  requireAffordableSpan(context, { ...cost, datastreams, format, limit, order });
  return answerList(context, request, reply, {
    question,
    table: createWindowTable(view, query.window, functions, question.base),
    moment,
    intervalMs: intervalOf(datastreams),
    madeAtSeconds: 0,
    unchangedSince: unchangedSince(
      context,
      needs.vector ? withPartners(view, datastreams) : datastreams,
    ),
    steps: stepWindows({
      intervalsOf: (datastream) => context.intervals.of(datastream, view.registry.version),
      questions,
      view,
      datastreams,
      window,
      ...span,
      order: query.order,
      flags,
      functions,
      moment,
      hasChanged: (series) => !isUnchanged(context, series, moment),
      after: page?.place,
      limit,
      rowsPerReadMax: config.rowsPerReadMax,
      valuesMax: config.windowValuesMax,
    }),
  });
}
