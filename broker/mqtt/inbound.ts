/**
 * PUBLISH and PUBREL of one connection. This is the way of every reading: what is checked here is
 * checked with each message, and nothing is acknowledged but from `#settle` (see receive.ts).
 *
 * QoS 1: PUBACK once kept. QoS 2, method B of §4.3.3: kept under its packet identifier, PUBREC; a
 * repeated PUBLISH with an identifier that is not released is not kept again (MQTT-4.3.3-2).
 */
import type { Reading, ReadingKind } from '../../ingest/reading.ts';
import { principalKey } from '../authenticate.ts';
import type { PublishRight, Purpose, Requester } from '../authorize.ts';
import type { Lane } from '../receive.ts';
import type { MqttContext } from './context.ts';
import { acknowledgementFirst, encodeAcknowledgement, readPacketId, type Qos } from './packets.ts';
import type { Outlet, Session } from './session.ts';
import { readText, violated } from './text.ts';
import { isTopicName, isWithinLimits } from './topics.ts';

/** The connection, as its inbound side sees it. */
export interface InboundLink extends Outlet {
  readonly session: Session;
  readonly requester: Requester;
  acknowledge(first: number, packetId: number, sinceMs: number): void;
  /** Something settled: the connection may be read again. */
  resume(): void;
}

/** A control message that is routed once it is kept, in the order of the lane. */
export interface Routed {
  readonly right: PublishRight;
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: Qos;
  readonly retain: boolean;
}

/** A token of the lane: packet identifier, QoS above it, and whether a message is to be routed. */
const tokenQosFactor = 0x1_00_00;
const tokenRouted = 0x8_00_00;

const kindOf: Readonly<Record<Purpose, ReadingKind>> = {
  message: 'message',
  backfill: 'backfill',
  control: 'control',
  time: 'control',
};

export class Inbound {
  /** Wall clock at the arrival of the bytes being read. */
  receivedAt = 0;
  /** PUBLISH packets received. */
  publishes = 0;

  readonly #context: MqttContext;
  readonly #link: InboundLink;
  readonly #lane: Lane;
  readonly #routed: Routed[] = [];
  /** The last topic and what it means: a device mostly publishes to one. */
  #topicBytes: Buffer = Buffer.alloc(0);
  #topic = '';
  #right: PublishRight | undefined;
  #rightsVersion = -1;

  constructor(context: MqttContext, link: InboundLink) {
    this.#context = context;
    this.#link = link;
    this.#lane = context.receiver.lane((token, error, sinceMs) => {
      this.#settle(token, error, sinceMs);
    });
  }

  /** As many messages wait for the log as this connection may have there. */
  get full(): boolean {
    return this.#lane.pending >= this.#context.config.inflightMax;
  }

  get pending(): number {
    return this.#lane.pending;
  }

  get waitingSinceMs(): number {
    return this.#lane.waitingSinceMs;
  }

  publish(buffer: Buffer, first: number, bodyAt: number, endAt: number): void {
    const flags = (first >> 1) & 3;
    if (flags === 3) violated('MQTT-3.3.1-4');
    const qos = flags as Qos;
    if (qos === 0 && (first & 8) !== 0) violated('MQTT-3.3.1-2');
    if (bodyAt + 2 > endAt) violated('MQTT-3.3.2-1');
    let at = bodyAt + 2 + ((buffer[bodyAt]! << 8) | buffer[bodyAt + 1]!);
    if (at > endAt) violated('MQTT-3.3.2-1');
    this.#readTopic(buffer, bodyAt + 2, at);
    let packetId = 0;
    if (qos > 0) {
      packetId = readPacketId(buffer, at, endAt);
      at += 2;
    }
    this.#context.events.counts.publishes[qos] += 1;
    this.publishes += 1;
    const right = this.#right;
    const retain = (first & 1) !== 0;
    if (right === undefined || (retain && !right.retainable)) {
      this.#refuse(right === undefined ? 'publish' : 'retain');
      return;
    }
    if (qos === 2 && !this.#isFirst(packetId)) return;
    this.#keep(right, buffer.subarray(at, endAt), packetId + qos * tokenQosFactor, retain);
  }

  #refuse(action: 'publish' | 'retain'): void {
    const principal = principalKey(this.#link.requester.principal);
    this.#context.events.denied(action, { principal, topic: this.#topic });
    this.#link.close('denied');
  }

  #readTopic(buffer: Buffer, at: number, endAt: number): void {
    const version = this.#context.rightsVersion();
    if (version === this.#rightsVersion && isSame(this.#topicBytes, buffer, at, endAt)) return;
    const topic = readText(buffer, at, endAt);
    if (topic.length === 0) violated('MQTT-4.7.3-1');
    if (!isTopicName(topic)) violated('MQTT-3.3.2-2');
    if (!isWithinLimits(topic, this.#context.config)) violated('topic too deep or too long');
    this.#topicBytes = Buffer.from(buffer.subarray(at, endAt));
    this.#topic = topic;
    this.#right = this.#context.authorizer.publish(this.#link.requester, topic);
    this.#rightsVersion = version;
  }

  /** Whether a QoS 2 message is new; a repeated one is answered, not kept. */
  #isFirst(packetId: number): boolean {
    const { unreleased } = this.#link.session;
    const known = unreleased.get(packetId);
    if (known === 'kept') this.#lane.pass(packetId + 2 * tokenQosFactor);
    if (known !== undefined) return false;
    if (unreleased.size >= this.#context.config.unreleasedMax) {
      this.#link.close('unreleased-max');
      return false;
    }
    unreleased.set(packetId, 'appending');
    return true;
  }

  #keep(right: PublishRight, payload: Buffer, token: number, retain: boolean): void {
    const reading: Reading = {
      kind: kindOf[right.purpose],
      door: 'mqtt',
      receivedAt: this.receivedAt,
      device: right.device,
      topic: this.#topic,
      payload,
    };
    if (right.purpose === 'control') {
      // The payload belongs to the socket's buffer, and the message is routed only once it is kept.
      const qos = ((token / tokenQosFactor) & 3) as Qos;
      this.#routed.push({ right, topic: this.#topic, payload: Buffer.from(payload), qos, retain });
      this.#lane.receive(reading, token + tokenRouted);
      return;
    }
    if (right.purpose === 'time') this.#answerTime();
    this.#lane.receive(reading, token);
  }

  /** The server's clock in milliseconds, to whoever of the device subscribes to it. */
  #answerTime(): void {
    const now = String(this.#context.clock.now());
    this.#context.router.publish(this.#topic, Buffer.from(now), 0);
  }

  /** PUBREL: the identifier is free again; PUBCOMP is owed in any case. */
  release(packetId: number): void {
    this.#link.session.unreleased.delete(packetId);
    this.#link.acknowledge(acknowledgementFirst.pubcomp, packetId, Infinity);
  }

  #settle(token: number, error: Error | null, sinceMs: number): void {
    const packetId = token & 0xffff;
    const qos = (token / tokenQosFactor) & 3;
    const routed = token >= tokenRouted ? this.#routed.shift() : undefined;
    if (error !== null) {
      this.#link.close('log-failed');
      if (qos === 2) this.#forget(packetId);
      return;
    }
    if (routed !== undefined) routeControl(this.#context, routed);
    if (qos === 1) this.#link.acknowledge(acknowledgementFirst.puback, packetId, sinceMs);
    else if (qos === 2) this.#settleReceived(packetId, sinceMs);
    this.#link.resume();
  }

  #settleReceived(packetId: number, sinceMs: number): void {
    const { session } = this.#link;
    if (session.unreleased.has(packetId)) session.unreleased.set(packetId, 'kept');
    const { pubrec } = acknowledgementFirst;
    // The client may have come back on another connection and wait for the answer there.
    if (session.outlet === this.#link) this.#link.acknowledge(pubrec, packetId, sinceMs);
    else session.outlet?.send(encodeAcknowledgement(pubrec, packetId));
  }

  /** Not kept: the client has to send it again, on whatever connection it is by now. */
  #forget(packetId: number): void {
    const { session } = this.#link;
    session.unreleased.delete(packetId);
    session.outlet?.close('log-failed');
  }
}

/** Lets subscribers see a control message and keeps it for later ones where it asks for that. */
export function routeControl(context: MqttContext, message: Routed): void {
  const { topic, payload, qos } = message;
  if (message.retain && !context.retained.keep(message.right.device, { topic, payload, qos })) {
    context.events.notRetained();
  }
  context.router.publish(topic, payload, qos);
}

function isSame(known: Buffer, buffer: Buffer, at: number, endAt: number): boolean {
  const bytes = known.length;
  if (bytes === 0 || endAt - at !== bytes) return false;
  for (let index = 0; index < bytes; index += 1) {
    if (known[index] !== buffer[at + index]) return false;
  }
  return true;
}
