/** `/usage`: how much each dataset is used, without anything of who uses it. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';

import { isDate } from '../../devices/instant.ts';
import { answerList } from '../answer.ts';
import { datasetsOf } from '../catalogue/datasets.ts';
import type { ApiContext } from '../context.ts';
import { apiError, badParameter } from '../errors.ts';
import type { Table } from '../formats/table.ts';
import type { NetworkView } from '../network.ts';
import type { PagePlace } from '../page.ts';
import { addListRoute, type ListRequest, type PagingQuery } from '../routes/list.ts';
import type { UsageFigure } from './store.ts';
import type { Usage } from './usage.ts';

const day = z.string().refine(isDate, 'must be a date, YYYY-MM-DD').optional();

const query = {
  dataset: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('Id of the dataset of a network: owner~domain.'),
  from: day.describe('UTC, inclusive.'),
  to: day.describe('UTC, inclusive.'),
} as const;

type Query = z.infer<z.ZodObject<typeof query>> & PagingQuery;

const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

const item = z.strictObject({
  day: z.string().describe('UTC.'),
  dataset: z.string(),
  resource: z.string().describe('latest, observations, aggregates, changes, live, charts …'),
  format: z.string().describe('none: the client had the answer already (304).'),
  requests: count,
  rowsSent: count.describe('Of a request about several datasets the part of this one.'),
  bytesSent: count.describe('As they went out, compressed; divided in the same way.'),
});

const example = {
  day: '2024-06-01',
  dataset: 'agency~weather',
  resource: 'latest',
  format: 'json',
  requests: 1_284,
  rowsSent: 385_200,
  bytesSent: 52_428_800,
};

const dayMs = 86_400_000;
/** What ended in the last seconds of a day is written down by then. */
const settledMs = 600_000;

export function addUsage(app: FastifyInstance, context: ApiContext, usage: Usage): void {
  const { usageCellMin } = context.config;
  addListRoute(app, context, {
    path: '/usage',
    summary: 'How much the open data of each dataset are used, by day, resource and format.',
    description:
      'Counted without addresses, keys, user agents or cookies, on this node: in a cluster the sum ' +
      `of all nodes is the whole. Days are told when they are over, and figures of fewer than ${usageCellMin} ` +
      'requests are left out, not rounded: so that neither two looks at a day nor a rare figure tell ' +
      'what one person did. What is delivered over MQTT or to webhooks is not counted.',
    query,
    item,
    example,
    problems: ['API_DATASET_UNKNOWN', 'API_PAGE_EXPIRED'],
    offered: ['json', 'csv', 'ndjson'],
    handle: (list) => answerUsage(context, usage, list),
  });
}

async function answerUsage(
  context: ApiContext,
  usage: Usage,
  { request, reply, query: asked, view, question }: ListRequest<Query>,
): Promise<FastifyReply> {
  const { dataset, from = '', to = '9999-12-31' } = asked;
  if (dataset !== undefined) requireNetwork(view, dataset);
  if (to < from) throw badParameter('to', 'a day that is not before `from`');
  const page = asked.page === undefined ? undefined : question.tokens.decode(asked.page);
  const nowAt = context.clock.now() - settledMs;
  const lastDay = new Date(nowAt - dayMs).toISOString().slice(0, 10);
  const after = page === undefined ? undefined : cellOf(page.place);
  const pages = usage.read({
    fromDay: from,
    toDay: to < lastDay ? to : lastDay,
    dataset,
    requestsMin: context.config.usageCellMin,
    after,
  });
  return answerList(context, request, reply, {
    question,
    table: usageTable,
    moment: await context.places.at(context.store.position),
    intervalMs: undefined,
    // Of the days that are told nothing changes any more; each day adds one.
    madeAtSeconds: Date.parse(`${lastDay}T00:00:00Z`) / 1_000,
    unchangedSince: () => true,
    steps: stepSeen(view, pages, asked.limit ?? usualLimit(context, question.format)),
  });
}

function usualLimit({ config }: ApiContext, format: string): number {
  return format === 'json' ? config.rowsPerPageDefault : Infinity;
}

/** A dataset that is hidden and one that is unknown are answered alike. */
function requireNetwork(view: NetworkView, id: string): void {
  const dataset = datasetsOf(view).find(id);
  if (dataset === undefined) {
    throw apiError('API_DATASET_UNKNOWN', { parameter: 'dataset', value: id });
  }
  if (dataset.kind !== 'network') throw badParameter('dataset', 'owner~domain');
}

/** Of datasets that the viewer sees: what has been open once may be hidden now. */
function* stepSeen(
  view: NetworkView,
  pages: Iterable<readonly UsageFigure[]>,
  limit: number,
): Generator<readonly UsageFigure[], PagePlace | null> {
  const datasets = datasetsOf(view);
  let left = limit;
  let last: UsageFigure | undefined;
  for (const page of pages) {
    const seen = page.filter(({ dataset }) => datasets.find(dataset) !== undefined);
    const given = seen.slice(0, left);
    if (given.length > 0) yield given;
    left -= given.length;
    last = given.at(-1) ?? last;
    if (given.length < seen.length && last !== undefined) return { id: idOf(last) };
  }
  return null;
}

function idOf({ day: of, dataset, resource, format }: UsageFigure): string {
  return [of, dataset, resource, format].join(' ');
}

function cellOf({ id }: PagePlace) {
  const [of = '', dataset = '', resource = '', format = ''] = id.split(' ');
  return { day: of, dataset, resource, format };
}

const usageTable: Table<UsageFigure> = {
  columns: ['day', 'dataset', 'resource', 'format', 'requests', 'rowsSent', 'bytesSent'],
  key: ['day', 'dataset', 'resource', 'format'],
  json: ({ day: of, dataset, resource, format, requests, rows, bytes }) =>
    JSON.stringify({
      day: of,
      dataset,
      resource,
      format,
      requests,
      rowsSent: rows,
      bytesSent: bytes,
    }),
  cells: ({ day: of, dataset, resource, format, requests, rows, bytes }) => [
    of,
    dataset,
    resource,
    format,
    requests,
    rows,
    bytes,
  ],
  id: idOf,
  point: () => null,
};
