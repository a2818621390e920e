/**
 * `/events`: the newest corrections, deletions, openings and closings, newest first, as feed readers
 * expect them at `/events.atom`. It is made to be noticed, not to be followed: `/changes` has every
 * change, oldest first and without gap.
 */
import type { FastifyInstance } from 'fastify';

import { visible } from '../../devices/visible.ts';
import { publicCause } from '../../ingest/observations/withdrawn.ts';
import { answerList } from '../answer.ts';
import type { ApiContext } from '../context.ts';
import { examples } from '../description/examples.ts';
import { eventSchema } from '../description/schemas.ts';
import { filterQuery, readFilter, selectDatastreams } from '../filter.ts';
import { eventTable, type ShownEvent } from '../formats/event-table.ts';
import { eventFormats } from '../formats/format.ts';
import { followInterest } from '../live/interest.ts';
import type { GroupView } from '../../ingest/feed/hub.ts';
import { createRecentEvents, type RecentEvent, type RowsEvent } from '../live/recent-events.ts';
import { addListRoute } from './list.ts';
import { stepItemsById } from './things.ts';
import { intervalOf, unchangedSince } from './unchanged.ts';

export function addEvents(app: FastifyInstance, context: ApiContext): void {
  const recent = createRecentEvents({
    feed: context.feed,
    source: context.observations,
    registryAt: context.registryAt,
    eventsMax: context.config.eventsMax,
    lookBackBatches: context.config.eventsLookBackBatches,
  });
  addListRoute(app, context, {
    path: '/events',
    summary: 'The newest corrections, deletions, openings and closings of datastreams.',
    description:
      'Newest first, of the newest only: /changes has every change, in order and without gap. ' +
      'Values of one datastream that were changed together are one event.',
    query: filterQuery,
    item: eventSchema,
    example: examples.event,
    offered: eventFormats,
    async handle({ request, reply, query, viewer, view, question }) {
      const filter = readFilter(query, context.config.valuesPerParameterMax);
      const datastreams = selectDatastreams(view, filter);
      const page = query.page === undefined ? undefined : question.tokens.decode(query.page);
      const moment = await context.places.at(context.store.position);
      const group = followInterest(context.networks, viewer, filter)();
      const events = shownEvents(await recent.list(), group, question.base);
      const [newest] = events;
      // What is newest may be of a marker of the registry, which no series has a row of.
      const text = `${question.text}\n${newest?.id ?? ''} ${events.length}`;
      return answerList(context, request, reply, {
        question: { ...question, text },
        table: eventTable({
          view,
          base: question.base,
          self: question.base + request.url,
          updatedAt: newest?.publishedAt ?? new Date(0).toISOString(),
        }),
        moment,
        intervalMs: intervalOf(datastreams),
        madeAtSeconds: 0,
        unchangedSince: unchangedSince(context, datastreams),
        steps: stepItemsById(events, { after: page?.place, limit: query.limit ?? Infinity }),
      });
    },
  });
}

/** What of them the viewer may know, each under an id of its own. */
function shownEvents(
  recent: readonly RecentEvent[],
  group: GroupView,
  base: string,
): readonly ShownEvent[] {
  const shown = new Map<string, ShownEvent>();
  for (const event of recent) {
    const one =
      event.kind === 'rows' ? shownRows(event, group, base) : shownDatastream(event, group, base);
    if (one !== undefined && !shown.has(one.id)) shown.set(one.id, one);
  }
  return [...shown.values()];
}

/** An event is known by its first change: by the observation's id and revision. */
function shownRows(
  event: RowsEvent,
  { interest, rows }: GroupView,
  base: string,
): ShownEvent | undefined {
  const { first, type, cause, fromAt, toAt, publishedAt } = event;
  const context = interest.mask[first.series] === 1 ? rows.context(first.series) : undefined;
  if (context === undefined) return undefined;
  const { datastream, time } = context;
  const query = new URLSearchParams({
    datastream: datastream.id,
    from: time.text(fromAt),
    to: time.text(toAt + 1),
  });
  return {
    id: `${context.id(first)}.${first.revision}`,
    type,
    cause: publicCause(cause),
    datastream: datastream.id,
    station: datastream.station,
    property: datastream.property,
    rows: event.rows,
    phenomenonTime: `${time.text(fromAt)}/${time.text(toAt)}`,
    visible: true,
    publishedAt: time.text(publishedAt),
    url: `${base}/api/v1/observations?${query.toString()}`,
  };
}

function shownDatastream(
  { item, publishedAt }: Extract<RecentEvent, { readonly kind: 'datastream' }>,
  { interest }: GroupView,
  base: string,
): ShownEvent | undefined {
  const { datastream, before, after } = item.change;
  if (!interest.wants(datastream, before)) return undefined;
  const was = visible(interest.principal, datastream, before);
  const now = after.datastreams.get(datastream.id);
  const is = now !== undefined && visible(interest.principal, now, after);
  if (was === is) return undefined;
  return {
    id: `${datastream.id}.v${after.version}`,
    type: 'datastream',
    cause: 'visibility',
    datastream: datastream.id,
    station: datastream.station,
    property: datastream.property,
    rows: 0,
    phenomenonTime: null,
    visible: is,
    publishedAt: new Date(publishedAt).toISOString(),
    url: `${base}/api/v1/datastreams/${encodeURIComponent(datastream.id)}`,
  };
}
