/** The other packets: SUBSCRIBE and UNSUBSCRIBE read, everything that the server sends written. */
import type { Counter } from '../given.ts';
import { readText, violated } from './text.ts';
import { isTopicFilter } from './topics.ts';

export const packetTypes = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
} as const;

export type Qos = 0 | 1 | 2;

export interface SubscriptionRequest {
  readonly filter: string;
  readonly qos: Qos;
}

export interface Subscribe {
  readonly packetId: number;
  readonly requests: readonly SubscriptionRequest[];
}

export interface Unsubscribe {
  readonly packetId: number;
  readonly filters: readonly string[];
}

/** The packet identifier at `at`; never 0 (MQTT-2.3.1-1). */
export function readPacketId(buffer: Buffer, at: number, endAt: number): number {
  if (at + 2 > endAt) violated('§2.3.1: packet identifier missing');
  const packetId = (buffer[at]! << 8) | buffer[at + 1]!;
  if (packetId === 0) violated('MQTT-2.3.1-1');
  return packetId;
}

export function parseSubscribe(buffer: Buffer, bodyAt: number, endAt: number): Subscribe {
  const packetId = readPacketId(buffer, bodyAt, endAt);
  const requests: SubscriptionRequest[] = [];
  let at = bodyAt + 2;
  while (at < endAt) {
    const filterEndAt = filterEnd(buffer, at, endAt);
    const qos = filterEndAt < endAt ? buffer[filterEndAt]! : violated('MQTT-3.8.3-1');
    if (qos > 2) violated('MQTT-3-8.3-4');
    requests.push({ filter: readFilter(buffer, at, filterEndAt), qos: qos as Qos });
    at = filterEndAt + 1;
  }
  if (requests.length === 0) violated('MQTT-3.8.3-3');
  return { packetId, requests };
}

export function parseUnsubscribe(buffer: Buffer, bodyAt: number, endAt: number): Unsubscribe {
  const packetId = readPacketId(buffer, bodyAt, endAt);
  const filters: string[] = [];
  let at = bodyAt + 2;
  while (at < endAt) {
    const filterEndAt = filterEnd(buffer, at, endAt);
    filters.push(readFilter(buffer, at, filterEndAt));
    at = filterEndAt;
  }
  if (filters.length === 0) violated('MQTT-3.10.3-2');
  return { packetId, filters };
}

function filterEnd(buffer: Buffer, at: number, endAt: number): number {
  if (at + 2 > endAt) violated('MQTT-3.8.3-1');
  const filterEndAt = at + 2 + buffer.readUInt16BE(at);
  if (filterEndAt > endAt) violated('MQTT-3.8.3-1');
  return filterEndAt;
}

function readFilter(buffer: Buffer, at: number, filterEndAt: number): string {
  const filter = readText(buffer, at + 2, filterEndAt);
  if (filter.length === 0) violated('MQTT-4.7.3-1');
  if (!isTopicFilter(filter)) violated('MQTT-4.7.1-2, MQTT-4.7.1-3');
  return filter;
}

export function encodeConnack(sessionPresent: boolean, returnCode: number): Buffer {
  return Buffer.from([0x20, 2, sessionPresent ? 1 : 0, returnCode]);
}

export function encodeSuback(packetId: number, returnCodes: readonly number[]): Buffer {
  const bodyBytes = 2 + returnCodes.length;
  const fieldBytes = lengthFieldBytes(bodyBytes);
  const packet = Buffer.allocUnsafe(1 + fieldBytes + bodyBytes);
  packet[0] = 0x90;
  let at = writeLength(packet, 1, bodyBytes);
  at = packet.writeUInt16BE(packetId, at);
  for (const code of returnCodes) packet[at++] = code;
  return packet;
}

export const pingresp = Buffer.from([0xd0, 0]);

/** PUBACK, PUBREC, PUBREL, PUBCOMP and UNSUBACK: a first byte and a packet identifier. */
export function encodeAcknowledgement(first: number, packetId: number): Buffer {
  return Buffer.from([first, 2, packetId >> 8, packetId & 0xff]);
}

export const acknowledgementFirst = {
  puback: 0x40,
  pubrec: 0x50,
  pubrel: 0x62,
  pubcomp: 0x70,
  unsuback: 0xb0,
} as const;

export interface OutgoingPublish {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: Qos;
  readonly retain: boolean;
  /** Counts it when it is sent, for a client whose key has an access log. */
  readonly counter?: Counter | undefined;
  /** Tells of the stream itself: no row. */
  readonly isAboutStream?: boolean | undefined;
}

/** `packetId` is 0 with QoS 0, which carries none (MQTT-2.3.1-5). */
export function encodePublish(
  message: OutgoingPublish,
  packetId: number,
  duplicate: boolean,
): Buffer {
  const topicBytes = Buffer.byteLength(message.topic);
  const bodyBytes = 2 + topicBytes + (message.qos === 0 ? 0 : 2) + message.payload.length;
  const packet = Buffer.allocUnsafe(1 + lengthFieldBytes(bodyBytes) + bodyBytes);
  packet[0] = 0x30 | (duplicate ? 8 : 0) | (message.qos << 1) | (message.retain ? 1 : 0);
  let at = writeLength(packet, 1, bodyBytes);
  at = packet.writeUInt16BE(topicBytes, at);
  at += packet.write(message.topic, at, 'utf8');
  if (message.qos !== 0) at = packet.writeUInt16BE(packetId, at);
  packet.set(message.payload, at);
  return packet;
}

function lengthFieldBytes(bodyBytes: number): number {
  if (bodyBytes < 128) return 1;
  if (bodyBytes < 16_384) return 2;
  return bodyBytes < 2_097_152 ? 3 : 4;
}

function writeLength(packet: Buffer, at: number, bodyBytes: number): number {
  let rest = bodyBytes;
  let next = at;
  while (rest >= 128) {
    packet[next++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  packet[next++] = rest;
  return next;
}
