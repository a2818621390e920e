import type { FastifyInstance } from 'fastify';

import type { ApiContext } from '../context.ts';
import { examples } from '../description/examples.ts';
import { latestSchema } from '../description/schemas.ts';
import { seriesFormats } from '../formats/format.ts';
import { filterQuery, type FilterQuery } from '../filter.ts';
import { createRowTable } from '../formats/row-table.ts';
import type { Datastream } from '../../devices/model.ts';
import type { ObservationRow } from '../../ingest/observation.ts';
import { addLink, licenceLinks } from '../limits/links.ts';
import { answerShared, type SharedAnswer } from '../limits/ready-answer.ts';
import type { PagePlace } from '../page.ts';
import { answerLatestAsOf } from './latest-as-of.ts';
import { addListRoute, type ListRequest, type PagingQuery } from './list.ts';
import { timeProblems, timeQuery } from './observations.ts';
import { intervalOf, unchangedSince } from './unchanged.ts';
import { stepItemsById } from './things.ts';

/** `/latest`: the newest row of every series, in one answer that is true at one position. */
export function addLatest(app: FastifyInstance, context: ApiContext): void {
  addListRoute(app, context, {
    path: '/latest',
    summary: 'The newest row of every series, by id of the datastream.',
    description:
      'All series in one answer, unless a limit is given. With `asOf`, in pages as /observations: age and stale are of that moment.',
    query: { ...filterQuery, asOf: timeQuery.asOf },
    item: latestSchema,
    example: examples.latest,
    problems: timeProblems,
    offered: seriesFormats,
    handle(list) {
      const { view, query, reply } = list;
      if (query.asOf !== undefined) return answerLatestAsOf(context, list, query.asOf);
      addLink(reply, licenceLinks(view, context.select(view, query)));
      return answerShared(context, list, () => prepareLatest(context, list));
    },
  });
}

async function prepareLatest(
  context: ApiContext,
  { query, view, question }: ListRequest<FilterQuery & PagingQuery>,
): Promise<SharedAnswer<ObservationRow>> {
  const datastreams = context.select(view, query);
  const page = query.page === undefined ? undefined : question.tokens.decode(query.page);
  const latestAt = Math.floor(context.clock.now() / 1000) * 1000;
  // Read in one turn of the event loop, so that all rows are of one position.
  const { position } = context.store;
  const series = datastreams.map((datastream) => datastream.series);
  const held = series.map((one) => context.store.latest(one));
  const moment = await context.places.at(position);
  const rows = await context.questions.latest(series, held, moment);
  const items = latestOf(datastreams, rows);
  const limit = query.limit ?? Infinity;
  const steps = stepItemsById(items, { after: page?.place, limit });
  return {
    question,
    table: createRowTable(view, { base: question.base, order: null, latestAt }),
    moment,
    intervalMs: intervalOf(datastreams),
    madeAtSeconds: latestAt / 1000,
    unchangedSince: unchangedSince(context, datastreams),
    steps: rowsOf(steps),
    items: items.length,
  };
}

interface Latest {
  readonly id: string;
  readonly row: ObservationRow;
}

function latestOf(
  datastreams: readonly Datastream[],
  rows: readonly (ObservationRow | undefined)[],
): readonly Latest[] {
  const found: Latest[] = [];
  for (const [at, { id }] of datastreams.entries()) {
    const row = rows[at];
    if (row !== undefined) found.push({ id, row });
  }
  return found;
}

function* rowsOf(
  steps: Generator<readonly Latest[], PagePlace | null>,
): Generator<readonly ObservationRow[], PagePlace | null> {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    yield value.map(({ row }) => row);
  }
}
