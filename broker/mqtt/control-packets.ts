/** Every packet of a client behind CONNECT that is not a PUBLISH. */
import type { MqttContext } from './context.ts';
import type { FrameReader } from './frames.ts';
import type { Inbound, InboundLink } from './inbound.ts';
import {
  acknowledgementFirst,
  encodeAcknowledgement,
  encodeSuback,
  packetTypes,
  parseSubscribe,
  parseUnsubscribe,
  pingresp,
  readPacketId,
} from './packets.ts';
import { showRetained, subscribe, unsubscribe } from './subscribing.ts';
import { violated } from './text.ts';

export function handleControl(
  context: MqttContext,
  link: InboundLink,
  inbound: Inbound,
  frame: FrameReader,
): void {
  const type = frame.first >> 4;
  const { pubrel, subscribe: subscribeType, unsubscribe: unsubscribeType } = packetTypes;
  const flagged = type === pubrel || type === subscribeType || type === unsubscribeType;
  if ((frame.first & 15) !== (flagged ? 2 : 0)) violated('MQTT-2.2.2-2');
  switch (type) {
    case subscribeType:
      return handleSubscribe(context, link, frame);
    case unsubscribeType:
      return handleUnsubscribe(link, frame);
    case packetTypes.pingreq:
      if (frame.bodyAt !== frame.endAt) violated('§3.12: PINGREQ has no body');
      return link.send(pingresp);
    case packetTypes.disconnect:
      if (frame.bodyAt !== frame.endAt) violated('§3.14: DISCONNECT has no body');
      return link.close('disconnected');
    case packetTypes.connect:
      return violated('MQTT-3.1.0-2');
    default:
      return handleAcknowledgement(link, inbound, frame);
  }
}

function handleSubscribe(context: MqttContext, link: InboundLink, frame: FrameReader): void {
  const packet = parseSubscribe(frame.buffer, frame.bodyAt, frame.endAt);
  link.send(encodeSuback(packet.packetId, subscribe(context, link.session, packet)));
  showRetained(context, link.session, packet.requests);
}

function handleUnsubscribe(link: InboundLink, frame: FrameReader): void {
  const packet = parseUnsubscribe(frame.buffer, frame.bodyAt, frame.endAt);
  unsubscribe(link.session, packet.filters);
  link.send(encodeAcknowledgement(acknowledgementFirst.unsuback, packet.packetId));
}

function handleAcknowledgement(link: InboundLink, inbound: Inbound, frame: FrameReader): void {
  const type = frame.first >> 4;
  const { puback, pubrec, pubrel, pubcomp } = packetTypes;
  if (type < puback || type > pubcomp) violated('§2.2.1: not a packet of a client');
  const packetId = readPacketId(frame.buffer, frame.bodyAt, frame.endAt);
  if (frame.endAt !== frame.bodyAt + 2) violated('§3.4.1: remaining length');
  if (type === pubrel) inbound.release(packetId);
  else if (type === pubrec) link.session.received(packetId);
  else link.session.acknowledged(packetId);
}
