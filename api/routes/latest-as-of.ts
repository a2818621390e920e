/** `/latest?asOf=`: of every series the newest row, as it was published at that moment. */
import type { FastifyReply } from 'fastify';

import type { Datastream } from '../../devices/model.ts';
import type { Moment } from '../../ingest/feed/places/places.ts';
import type { ObservationRow } from '../../ingest/observation.ts';
import { maskOf } from '../../ingest/quality.ts';
import { answerList } from '../answer.ts';
import type { ApiContext } from '../context.ts';
import type { FilterQuery } from '../filter.ts';
import { createRowTable } from '../formats/row-table.ts';
import { everFromAt, readInstant } from '../instant.ts';
import { addLink, licenceLinks } from '../limits/links.ts';
import type { PagePlace } from '../page.ts';
import { stepRows } from '../rows.ts';
import { rowLimit, type ListRequest, type PagingQuery } from './list.ts';
import { pinnedMoment, requireFewSeries } from './observations.ts';
import { intervalOf, isUnchanged, unchangedSince } from './unchanged.ts';

type Query = FilterQuery & PagingQuery;

const hourMs = 3_600_000;
/**
 * No row ends so far behind the time it was published at: a device's time is believed up to a day
 * ahead at most (`futureMaxMs`), and clocks of nodes differ by six hours.
 */
const aheadMsMax = 30 * hourMs;
/** Most often the first row is the one; those that came as history stand in its way. */
const rowsPerRead = 4;
/** Series that are looked at in one step of the answer. */
const seriesPerStep = 64;
const backfillBit = maskOf(['BACKFILL']);

export async function answerLatestAsOf(
  context: ApiContext,
  { request, reply, query, view, question }: ListRequest<Query>,
  asOf: string,
): Promise<FastifyReply> {
  const latestAt = readInstant(asOf, 'asOf');
  const datastreams = context.select(view, query);
  addLink(reply, licenceLinks(view, datastreams));
  requireFewSeries(context, { question }, datastreams.length);
  const page = query.page === undefined ? undefined : question.tokens.decode(query.page);
  const moment = await pinnedMoment(context, asOf, page);
  const limit = rowLimit(context, question, query);
  return answerList(context, request, reply, {
    question,
    table: createRowTable(view, { base: question.base, order: null, latestAt }),
    moment,
    intervalMs: intervalOf(datastreams),
    madeAtSeconds: 0,
    unchangedSince: unchangedSince(context, datastreams),
    steps: stepLatest(context, {
      datastreams: datastreams.filter(({ id }) => page === undefined || id > page.place.id),
      moment,
      toAt: latestAt + aheadMsMax,
      limit,
    }),
  });
}

interface Span {
  /** By id. */
  readonly datastreams: readonly Datastream[];
  readonly moment: Moment;
  readonly toAt: number;
  readonly limit: number;
}

async function* stepLatest(
  context: ApiContext,
  { datastreams, moment, toAt, limit }: Span,
): AsyncGenerator<readonly ObservationRow[], PagePlace | null> {
  let [left, lastId] = [limit, ''];
  for (let begin = 0; begin < datastreams.length; begin += seriesPerStep) {
    const rows: ObservationRow[] = [];
    for (const datastream of datastreams.slice(begin, begin + seriesPerStep)) {
      const row = await newestAt(context, datastream, { moment, toAt });
      if (row === undefined) continue;
      if (left === 0) {
        yield rows;
        return { id: lastId };
      }
      rows.push(row);
      left -= 1;
      lastId = datastream.id;
    }
    yield rows;
  }
  return null;
}

async function newestAt(
  context: ApiContext,
  datastream: Datastream,
  { moment, toAt }: Pick<Span, 'moment' | 'toAt'>,
): Promise<ObservationRow | undefined> {
  const { questions, store, config } = context;
  const { series } = datastream;
  const hasChanged = !isUnchanged(context, series, moment);
  // Looked up in the same turn of the event loop: nothing comes in between.
  if (!hasChanged) return (await questions.latest([series], [store.latest(series)], moment))[0];
  const steps = stepRows({
    questions,
    datastreams: [datastream],
    fromAt: everFromAt,
    toAt,
    order: 'desc',
    flags: null,
    moment,
    hasChanged: () => true,
    after: undefined,
    limit: Infinity,
    rowsPerReadMax: Math.min(rowsPerRead, config.rowsPerReadMax),
  });
  for await (const rows of steps) {
    const newest = rows.find(({ verdict }) => (verdict.qualifiers & backfillBit) === 0);
    if (newest !== undefined) return newest;
  }
  return undefined;
}
