/** The few MQTT 3.1.1 packets that a load generator needs, as bytes (OASIS MQTT 3.1.1 §2, §3). */
import { simulatorsError } from '../errors.ts';

export const packetTypes = { connack: 2, puback: 4, pubrec: 5, pubcomp: 7, pingresp: 13 } as const;

export interface ConnectOptions {
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
  readonly cleanSession: boolean;
  readonly keepAliveSeconds: number;
}

function field(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  const framed = Buffer.allocUnsafe(bytes.length + 2);
  framed.writeUInt16BE(bytes.length, 0);
  bytes.copy(framed, 2);
  return framed;
}

function lengthBytes(length: number): Buffer {
  const bytes: number[] = [];
  let rest = length;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low | 0x80 : low);
  } while (rest > 0);
  return Buffer.from(bytes);
}

export function connectPacket(options: ConnectOptions): Buffer {
  const flags = 0xc0 | (options.cleanSession ? 0x02 : 0);
  const header = Buffer.from([
    0,
    4,
    0x4d,
    0x51,
    0x54,
    0x54,
    4,
    flags,
    options.keepAliveSeconds >> 8,
    options.keepAliveSeconds & 0xff,
  ]);
  const body = Buffer.concat([
    header,
    field(options.clientId),
    field(options.username),
    field(options.password),
  ]);
  return Buffer.concat([Buffer.from([0x10]), lengthBytes(body.length), body]);
}

/** `packetId` is ignored with QoS 0. */
export function publishPacket(
  topic: Buffer,
  payload: Buffer,
  packetId: number,
  flags: { readonly qos: 0 | 1 | 2; readonly dup: boolean },
): Buffer {
  const idBytes = flags.qos === 0 ? 0 : 2;
  const remaining = 2 + topic.length + idBytes + payload.length;
  const length = lengthBytes(remaining);
  const packet = Buffer.allocUnsafe(1 + length.length + remaining);
  packet[0] = 0x30 | (flags.dup ? 8 : 0) | (flags.qos << 1);
  length.copy(packet, 1);
  let at = 1 + length.length;
  packet.writeUInt16BE(topic.length, at);
  topic.copy(packet, at + 2);
  at += 2 + topic.length;
  if (idBytes > 0) packet.writeUInt16BE(packetId, at);
  payload.copy(packet, at + idBytes);
  return packet;
}

export function pubrelPacket(packetId: number): Buffer {
  return Buffer.from([0x62, 2, packetId >> 8, packetId & 0xff]);
}

export const pingPacket = Buffer.from([0xc0, 0]);

/** An anonymous CONNECT (MQTT 3.1.1, clean session, keep-alive 20 min): a reader that stays idle. */
export function anonymousConnect(clientId: string): Buffer {
  const id = Buffer.from(clientId);
  const head = Buffer.from([
    0,
    4,
    0x4d,
    0x51,
    0x54,
    0x54,
    4,
    2,
    4,
    0xb0,
    id.length >> 8,
    id.length & 0xff,
  ]);
  return Buffer.concat([Buffer.from([0x10, head.length + id.length]), head, id]);
}

/** SUBSCRIBE to one filter with QoS 0, packet id 1. */
export function subscribePacket(filter: string): Buffer {
  const body = Buffer.concat([Buffer.from([0, 1]), field(filter), Buffer.from([0])]);
  return Buffer.concat([Buffer.from([0x82]), lengthBytes(body.length), body]);
}

/** Calls `take` for each whole packet: type and first two bytes of its variable header. */
export function createAnswerParser(
  take: (type: number, word: number) => void,
): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (at + 2 <= bytes.length) {
      const length = bytes[at + 1] ?? 0;
      if (length > 127)
        throw simulatorsError('SIMULATORS_PACKET_UNEXPECTED', {
          problem: 'the load subscribes to nothing and takes short answers only',
        });
      if (at + 2 + length > bytes.length) break;
      take((bytes[at] ?? 0) >> 4, length >= 2 ? bytes.readUInt16BE(at + 2) : 0);
      at += 2 + length;
    }
    rest = at === bytes.length ? Buffer.alloc(0) : bytes.subarray(at);
  };
}
