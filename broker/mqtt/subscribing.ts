/** SUBSCRIBE and UNSUBSCRIBE of a session: rights, limits, and what a new subscriber is shown. */
import { principalKey } from '../authenticate.ts';
import type { MqttContext } from './context.ts';
import type { Qos, Subscribe, SubscriptionRequest } from './packets.ts';
import type { Session } from './session.ts';
import { isWithinLimits, matches } from './topics.ts';

/** A refused filter (MQTT-3.9.3-2). */
const refusedCode = 0x80;

/** One return code for each filter, in order (MQTT-3.8.4-5). */
export function subscribe(context: MqttContext, session: Session, packet: Subscribe): number[] {
  return packet.requests.map((request) => {
    if (!isGranted(context, session, request)) return refusedCode;
    const { filter, qos } = request;
    // The same filter again replaces the older subscription (MQTT-3.8.4-3).
    session.subscriptions.get(filter)?.end();
    const ends = [
      context.router.subscribe(filter, (message) => session.route(message)),
      context.openSubscriptions.add(filter),
      filter.startsWith('$') ? context.systemTopics.add() : () => {},
    ];
    session.subscriptions.set(filter, { qos, end: () => ends.forEach((end) => end()) });
    return qos;
  });
}

function isGranted(context: MqttContext, session: Session, request: SubscriptionRequest): boolean {
  const { filter } = request;
  if (!isWithinLimits(filter, context.config)) return false;
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
    const { qos } = subscription;
    const replay = context.openSubscriptions.replay(filter, qos, () => session.pump());
    if (replay !== undefined) session.replay(replay);
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
  for (const filter of filters) {
    session.subscriptions.get(filter)?.end();
    session.subscriptions.delete(filter);
  }
}
