import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';

import { flags } from '../../ingest/quality.ts';
import { answerList } from '../answer.ts';
import { readAsOf } from '../as-of.ts';
import type { ApiContext } from '../context.ts';
import { examples } from '../description/examples.ts';
import { cursorProblems } from '../description/replies.ts';
import { rowSchema } from '../description/schemas.ts';
import { apiError, badParameter, type ApiErrorCode } from '../errors.ts';
import { isPaged, seriesFormats } from '../formats/format.ts';
import { filterQuery, readList } from '../filter.ts';
import { createRowTable } from '../formats/row-table.ts';
import { everFromAt, everToAt, readOptionalInstant } from '../instant.ts';
import { requireAffordableSpan } from '../limits/affordable.ts';
import { addLink, licenceLinks } from '../limits/links.ts';
import type { PinnedPage } from '../page.ts';
import type { Moment } from '../../ingest/feed/places/places.ts';
import { stepRows } from '../rows.ts';
import { addListRoute, rowLimit, type ListRequest, type PagingQuery } from './list.ts';
import { intervalOf, isUnchanged, unchangedSince } from './unchanged.ts';

/** On the end of phenomenonTime: `from` inclusive, `to` exclusive. */
export const timeQuery = {
  from: z.string().min(1).max(64).optional().describe('RFC 3339, inclusive, on the end of a row.'),
  to: z.string().min(1).max(64).optional().describe('RFC 3339, exclusive, on the end of a row.'),
  quality: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('Flags to show: good, notEvaluated, suspect, fail, missing, or their digits.'),
  asOf: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('RFC 3339: what was published at this moment; not later than now.'),
  order: z.enum(['asc', 'desc']).default('asc').describe('By end, within each datastream.'),
} as const;

/** Refusals of lists over time. */
export const timeProblems: readonly ApiErrorCode[] = [
  'API_TOO_MANY_SERIES',
  'API_QUERY_TOO_DEAR',
  'API_AS_OF_FUTURE',
  'API_UNAVAILABLE',
];

const observationsQuery = {
  ...filterQuery,
  ...timeQuery,
  at: z
    .string()
    .min(1)
    .max(1_000)
    .optional()
    .describe(
      'A cursor that a list, the end of /changes or a manifest stated: rows as they were there.',
    ),
  include: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe('`raw`: what the device sent. `position`: own places, as columns of CSV.'),
} as const;

type Query = z.infer<z.ZodObject<typeof observationsQuery>> & PagingQuery;

export function addObservations(app: FastifyInstance, context: ApiContext): void {
  addListRoute(app, context, {
    path: '/observations',
    summary: 'Rows, by datastream and within it by end of phenomenonTime.',
    description:
      'All pages of one request are read at one position. JSON, GeoJSON, JSON-LD and CoverageJSON ' +
      'come in pages; csv, ndjson and parquet stream to their end unless a limit is given.',
    query: observationsQuery,
    item: rowSchema,
    example: examples.row,
    problems: [...timeProblems, ...cursorProblems],
    offered: seriesFormats,
    handle: (list) => answerObservations(context, list),
  });
}

async function answerObservations(
  context: ApiContext,
  list: ListRequest<Query>,
): Promise<FastifyReply> {
  const { request, reply, query, view, question } = list;
  const span = readSpan(query);
  const include = readIncludes(query.include);
  const wantedFlags = readFlags(query.quality);
  const datastreams = context.select(view, query);
  addLink(reply, licenceLinks(view, datastreams));
  requireFewSeries(context, list, datastreams.length);
  const limit = rowLimit(context, question, query);
  const isFiltered = wantedFlags !== null;
  const isWide = include.size > 0;
  const { format } = question;
  const page = query.page === undefined ? undefined : question.tokens.decode(query.page);
  const moment = await momentOf(context, query, page);
  const { order } = query;
  const pinned = pinnedCost(query, moment);
  const cost = { ...span, ...pinned, datastreams, format, limit, order, isFiltered, isWide };
  requireAffordableSpan(context, cost);
  return answerList(context, request, reply, {
    question,
    table: createRowTable(view, {
      base: question.base,
      order: query.order,
      withRaw: include.has('raw'),
      withPlace: include.has('position'),
    }),
    moment,
    intervalMs: intervalOf(datastreams),
    madeAtSeconds: 0,
    unchangedSince: unchangedSince(context, datastreams),
    steps: stepRows({
      questions: context.questions,
      datastreams,
      ...span,
      order: query.order,
      flags: wantedFlags,
      moment,
      hasChanged: (series) => !isUnchanged(context, series, moment),
      after: page?.place,
      limit,
      rowsPerReadMax: context.config.rowsPerReadMax,
    }),
  });
}

function momentOf(
  context: ApiContext,
  { at, asOf }: Query,
  page: PinnedPage | undefined,
): Promise<Moment> {
  if (at === undefined || page !== undefined) return pinnedMoment(context, asOf, page);
  if (asOf !== undefined) throw badParameter('at', 'either `at` or `asOf`');
  return context.places.ofCursor(at, 'at');
}

/** What a moment adds to the cost of reading: what is newer is gone through too. */
export function pinnedCost(
  { asOf, at }: { readonly asOf?: string | undefined; readonly at?: string | undefined },
  moment: Moment,
): { readonly moment?: Moment; readonly asOfAt?: number | null } {
  if (asOf === undefined && at === undefined) return {};
  return { moment, asOfAt: readOptionalInstant(asOf, 'asOf') };
}

/** The moment that all pages of a request are read at. */
export async function pinnedMoment(
  context: ApiContext,
  asOf: string | undefined,
  page: PinnedPage | undefined,
): Promise<Moment> {
  const { places, store } = context;
  if (page !== undefined) return places.ofPin(page.pin);
  return asOf === undefined ? places.at(store.position) : readAsOf(context, asOf);
}

export function readSpan(query: {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}): { readonly fromAt: number; readonly toAt: number } {
  const fromAt = readOptionalInstant(query.from, 'from') ?? everFromAt;
  const toAt = readOptionalInstant(query.to, 'to') ?? everToAt;
  if (fromAt > toAt) throw badParameter('to', 'not before `from`');
  return { fromAt, toAt };
}

export function readFlags(text: string | undefined): ReadonlySet<number> | null {
  const values = readList(text, 'quality', 10);
  if (values === null) return null;
  const wanted = new Set<number>();
  for (const value of values) {
    const found = Object.entries(flags).find(
      ([name, flag]) => name === value || String(flag) === value,
    );
    if (found === undefined) throw badParameter('quality', Object.keys(flags).join(', '));
    wanted.add(found[1]);
  }
  return wanted;
}

function readIncludes(text: string | undefined): ReadonlySet<string> {
  const values = readList(text, 'include', 10) ?? new Set<string>();
  for (const value of values) {
    if (value !== 'raw' && value !== 'position') throw badParameter('include', 'raw, position');
  }
  return values;
}

export function requireFewSeries(
  context: ApiContext,
  { question }: Pick<ListRequest<unknown>, 'question'>,
  series: number,
): void {
  const { seriesPerPageMax } = context.config;
  if (isPaged(question.format) && series > seriesPerPageMax) {
    throw apiError('API_TOO_MANY_SERIES', { series, seriesMax: seriesPerPageMax });
  }
}
