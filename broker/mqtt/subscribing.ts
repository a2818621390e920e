/** SUBSCRIBE and UNSUBSCRIBE of a session: rights, limits, and what a new subscriber is shown. */
import { visible } from '../../devices/visible.ts';
import { principalKey } from '../authenticate.ts';
import { changeFilterOf, isOfChanges, type ChangeFilter } from './change-feed.ts';
import type { Giving } from '../given.ts';
import type { MqttContext } from './context.ts';
import { openQueryOf } from './open-feed.ts';
import type { Qos, Subscribe, SubscriptionRequest } from './packets.ts';
import type { Session } from './session.ts';
import { isWithinLimits, matches, type TopicLimits } from './topics.ts';

/** A refused filter (MQTT-3.9.3-2). */
const refusedCode = 0x80;

/** One return code for each filter, in order (MQTT-3.8.4-5). */
export function subscribe(context: MqttContext, session: Session, packet: Subscribe): number[] {
  return packet.requests.map((request) => {
    if (!isGranted(context, session, request)) return refusedCode;
    const changes = changeFilterOf(request.filter);
    if (changes === 'refused') return refusedCode;
    if (changes !== undefined) return subscribeChanges(context, session, request, changes);
    const { filter, qos } = request;
    // The same filter again replaces the older subscription (MQTT-3.8.4-3).
    session.unsubscribe(filter);
    const giving = givingOfLatest(context, session, filter);
    const ends = [
      context.router.subscribe(filter, (message) => session.route(message)),
      context.openSubscriptions.add(filter),
      filter.startsWith('$') ? context.systemTopics.add() : () => {},
      () => giving?.end(),
    ];
    session.subscriptions.set(filter, { qos, giving, end: () => ends.forEach((end) => end()) });
    return qos;
  });
}

function givingOfLatest(
  { given }: MqttContext,
  { requester }: Session,
  filter: string,
): Giving | undefined {
  const query = openQueryOf(filter);
  if (query === undefined) return undefined;
  return given.open(requester.principal, { path: 'open/v1/{stationId}/{slug}', ...query });
}

/**
 * The router has no part in it: a change goes to the place of each subscription in the feed. The same
 * filter again goes on at that place: "the flow of publications MUST NOT be interrupted"
 * (MQTT-3.8.4-3), and clients ask again whenever they connect. With a cursor it says itself where.
 */
function subscribeChanges(
  context: MqttContext,
  session: Session,
  { filter, qos }: SubscriptionRequest,
  changes: ChangeFilter,
): number {
  const place = session.subscriptions.get(filter)?.stream?.place;
  session.unsubscribe(filter);
  if (!isSeen(context, session, changes)) return refusedCode;
  // What is replaced had room; whoever was let in instead of it just now is only waited for.
  if (place === undefined && !context.changeStreams.hasRoom(session.requester)) {
    context.events.limited('followers');
    return refusedCode;
  }
  const stream = context.changeStreams.create({
    filter: changes,
    place: changes.after === 'now' ? place : undefined,
    qos,
    requester: () => session.requester,
    giving: context.given.open(session.requester.principal, {
      path:
        changes.prefix === 'open/v1/_changes'
          ? 'open/v1/_changes/{stationId}/{slug}'
          : 'open/v1/_changes/after/{cursor}/{stationId}/{slug}',
      station: changes.station,
      slug: changes.slug,
    }),
    cut: () => session.outlet?.close('slow-subscriber'),
  });
  session.subscriptions.set(filter, { qos, stream, end: () => stream.close() });
  return qos;
}

/**
 * A station or a slug of which nothing is seen: whoever follows it would have the whole log read for
 * nothing. What is hidden and what does not exist are refused alike.
 */
function isSeen(
  { registry }: MqttContext,
  { requester: { principal } }: Session,
  { station, slug }: ChangeFilter,
): boolean {
  if (station === undefined && slug === undefined) return true;
  const current = registry.current();
  for (const datastream of current.datastreams.values()) {
    if (station !== undefined && datastream.station !== station) continue;
    if (slug !== undefined && datastream.slug !== slug) continue;
    if (visible(principal, datastream, current)) return true;
  }
  return false;
}

/** A cursor may have 1,000 characters. */
function limitsOf(filter: string, config: TopicLimits): TopicLimits {
  const topicBytesMax = isOfChanges(filter) ? config.topicBytesMax + 1_000 : config.topicBytesMax;
  return { topicLevelsMax: config.topicLevelsMax, topicBytesMax };
}

function isGranted(context: MqttContext, session: Session, request: SubscriptionRequest): boolean {
  const { filter } = request;
  if (!isWithinLimits(filter, limitsOf(filter, context.config))) return false;
  if (!context.authorizer.subscribe(session.requester, filter)) {
    const principal = principalKey(session.requester.principal);
    context.events.denied('subscribe', { principal, topic: filter });
    return false;
  }
  const { subscriptions } = session;
  if (subscriptions.size < context.config.subscriptionsMax || subscriptions.has(filter))
    return true;
  context.events.limited('subscriptions');
  return false;
}

/** Sends what is retained for the filters just granted, behind their SUBACK. */
export function showRetained(
  context: MqttContext,
  session: Session,
  requests: readonly SubscriptionRequest[],
): void {
  for (const { filter } of new Set(requests)) {
    const subscription = session.subscriptions.get(filter);
    if (subscription === undefined) continue;
    const { qos, stream, giving } = subscription;
    if (stream !== undefined) {
      session.replay(
        filter,
        stream.open(() => session.pump()),
      );
      continue;
    }
    const ready = () => session.pump();
    const replay = context.openSubscriptions.replay(filter, {
      qos,
      ready,
      counter: giving?.counter,
    });
    if (replay !== undefined) session.replay(filter, replay);
    for (const message of context.retained.matching(filter)) {
      session.offer({ ...message, qos: Math.min(qos, message.qos) as Qos, retain: true });
    }
    if (!filter.startsWith('$')) continue;
    for (const { topic, payload } of context.systemTopics.current()) {
      if (matches(filter, topic)) session.offer({ topic, payload, qos: 0, retain: true });
    }
  }
}

export function unsubscribe(session: Session, filters: readonly string[]): void {
  for (const filter of filters) session.unsubscribe(filter);
}
