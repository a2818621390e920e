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
import { apiError } from '../errors.ts';
import { filterQuery, readFilter, selectDatastreams } from '../filter.ts';
import { eventTable, type ShownEvent } from '../formats/event-table.ts';
import { eventFormats } from '../formats/format.ts';
import { followInterest } from '../live/interest.ts';
import type { GroupView } from '../../ingest/feed/hub.ts';
import { createRecentEvents, type RecentEvent, type RowsEvent } from '../live/recent-events.ts';
import type { PagePlace, PinnedPage } from '../page.ts';
import type { Moment } from '../../ingest/feed/places/places.ts';
import { addListRoute } from './list.ts';
import { intervalOf, unchangedSince } from './unchanged.ts';

const stepItems = 500;

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
      const moment = await momentOf(context, page);
      const group = followInterest(context.networks, viewer, filter)();
      const events = shownEvents(await recent.listAt(moment), group, question.base);
      const newest = events[0]?.shown;
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
        steps: stepEvents(events, page?.place, query.limit ?? Infinity),
      });
    },
  });
}

/** All pages are of the moment of the first; events are told of as far as the feed has come. */
function momentOf(
  { places, feed, store }: ApiContext,
  page: PinnedPage | undefined,
): Promise<Moment> | Moment {
  if (page !== undefined) return places.ofPin(page.pin);
  return places.at(Math.min(feed.position, store.position));
}

/** An event, and what it stands in the list by: time of publishing, number of its batch, and id. */
interface PlacedEvent {
  readonly shown: ShownEvent;
  readonly publishedAt: number;
  readonly number: number;
}

/** What of them the viewer may know, each under an id of its own, the newest first. */
function shownEvents(
  recent: readonly RecentEvent[],
  group: GroupView,
  base: string,
): readonly PlacedEvent[] {
  const found = new Map<string, PlacedEvent>();
  for (const event of recent) {
    const shown =
      event.kind === 'rows' ? shownRows(event, group, base) : shownDatastream(event, group, base);
    if (shown === undefined || found.has(shown.id)) continue;
    found.set(shown.id, { shown, publishedAt: event.publishedAt, number: event.number });
  }
  return [...found.values()].sort(compareEvents);
}

type EventOrder = Omit<PlacedEvent, 'shown'> & { readonly shown: Pick<ShownEvent, 'id'> };

function compareEvents(a: EventOrder, b: EventOrder): number {
  const [one, other] = [a.shown.id, b.shown.id];
  const byId = one < other ? -1 : one > other ? 1 : 0;
  return b.publishedAt - a.publishedAt || b.number - a.number || byId;
}

/**
 * Events behind the place, which is one in their order, not one of them: it holds whether or not the
 * event is still there. It also says of how many the list was, so that a list of which some are gone
 * meanwhile is refused, not shortened. Throws API_PAGE_EXPIRED.
 */
function* stepEvents(
  events: readonly PlacedEvent[],
  after: PagePlace | undefined,
  limit: number,
): Generator<readonly ShownEvent[], PagePlace | null> {
  const begin = after === undefined ? 0 : placeBehind(events, after);
  const end = Math.min(events.length, begin + limit);
  for (let at = begin; at < end; at += stepItems) {
    yield events.slice(at, Math.min(end, at + stepItems)).map(({ shown }) => shown);
  }
  const last = events[end - 1];
  if (end === events.length || last === undefined) return null;
  return { id: last.shown.id, key: [last.publishedAt, last.number, events.length] };
}

function placeBehind(events: readonly PlacedEvent[], { id, key }: PagePlace): number {
  const [publishedAt = 0, number = 0, count] = key ?? [];
  if (count === undefined || count === null || events.length < count) {
    throw apiError('API_PAGE_EXPIRED', { parameter: 'page' });
  }
  const place = { shown: { id }, publishedAt, number };
  const found = events.findIndex((event) => compareEvents(event, place) > 0);
  return found < 0 ? events.length : found;
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
