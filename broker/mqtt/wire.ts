/**
 * For tests: a raw MQTT client that sends any bytes and sees each packet that comes back. It knows
 * nothing of right and wrong; what it sends is what a test writes down.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { FrameReader } from './frames.ts';

export interface WirePacket {
  readonly type: number;
  readonly flags: number;
  readonly body: Buffer;
}

export interface Wire {
  readonly stream: Duplex;
  readonly packets: readonly WirePacket[];
  send(...bytes: readonly (Buffer | readonly number[])[]): void;
  /** The next packet that has not been taken yet; rejects when the connection ends before it. */
  next(): Promise<WirePacket>;
  /** Resolves with the packets not taken when the connection has ended. */
  ended(): Promise<readonly WirePacket[]>;
  readonly isEnded: boolean;
  destroy(): void;
}

export async function openWire(port: number): Promise<Wire> {
  const socket: Socket = connectTcp({ port, host: '127.0.0.1' });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return wrapWire(socket);
}

export function wrapWire(stream: Duplex): Wire {
  const frames = new FrameReader();
  const packets: WirePacket[] = [];
  let taken = 0;
  let ended = false;
  let wake: () => void = () => {};

  stream.on('data', (chunk: Buffer) => {
    frames.feed(chunk);
    while (frames.next(Infinity) === 'frame') {
      const body = Buffer.from(frames.buffer.subarray(frames.bodyAt, frames.endAt));
      packets.push({ type: frames.first >> 4, flags: frames.first & 15, body });
    }
    wake();
  });
  stream.on('error', () => stream.destroy());
  stream.on('close', () => {
    ended = true;
    wake();
  });

  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }

  return {
    stream,
    packets,
    get isEnded() {
      return ended;
    },
    send: (...bytes) => void stream.write(Buffer.concat(bytes.map((each) => Buffer.from(each)))),
    async next() {
      await until(() => packets.length > taken || ended);
      const packet = packets[taken];
      if (packet === undefined) throw new Error('the connection ended');
      taken += 1;
      return packet;
    },
    async ended() {
      await until(() => ended);
      return packets.slice(taken);
    },
    destroy: () => void stream.destroy(),
  };
}

/** A string of the wire: two bytes of length and UTF-8. */
export function text(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

/** A whole packet: first byte, remaining length, body. */
export function packet(first: number, ...body: readonly (Buffer | readonly number[])[]): Buffer {
  const bytes = Buffer.concat(body.map((each) => Buffer.from(each)));
  const length: number[] = [];
  let rest = bytes.length;
  do {
    length.push((rest & 0x7f) | (rest > 127 ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return Buffer.concat([Buffer.from([first, ...length]), bytes]);
}

export interface ConnectFields {
  readonly protocol?: string;
  readonly level?: number;
  readonly clean?: boolean;
  readonly keepAliveSeconds?: number;
  readonly clientId?: string | Buffer;
  readonly will?: { topic: string | Buffer; payload?: string; qos?: number; retain?: boolean };
  readonly username?: string | Buffer;
  readonly password?: string;
  /** Turned over in the flags as computed: a way to write wrong ones. */
  readonly flipFlags?: number;
}

export function connectPacket(fields: ConnectFields = {}): Buffer {
  const { will, username, password, keepAliveSeconds = 60 } = fields;
  const flags = connectFlags(fields);
  return packet(
    0x10,
    text(fields.protocol ?? 'MQTT'),
    [fields.level ?? 4, flags ^ (fields.flipFlags ?? 0)],
    [keepAliveSeconds >> 8, keepAliveSeconds & 0xff],
    text(fields.clientId ?? 'client'),
    ...(will === undefined ? [] : [text(will.topic), text(will.payload ?? '')]),
    ...(username === undefined ? [] : [text(username)]),
    ...(password === undefined ? [] : [text(password)]),
  );
}

function connectFlags({ clean, will, username, password }: ConnectFields): number {
  let flags = clean === false ? 0 : 2;
  if (will !== undefined) flags |= 4 | ((will.qos ?? 0) << 3) | (will.retain === true ? 0x20 : 0);
  if (username !== undefined) flags |= 0x80;
  if (password !== undefined) flags |= 0x40;
  return flags;
}

export interface PublishFields {
  readonly qos?: number;
  readonly packetId?: number;
  readonly retain?: boolean;
  readonly duplicate?: boolean;
}

export function publishPacket(
  topic: string | Buffer,
  payload: string | Buffer,
  fields: PublishFields = {},
): Buffer {
  const { qos = 0, packetId = 1 } = fields;
  const first = 0x30 | (fields.duplicate === true ? 8 : 0) | (qos << 1);
  return packet(
    first | (fields.retain === true ? 1 : 0),
    text(topic),
    qos === 0 ? [] : [packetId >> 8, packetId & 0xff],
    Buffer.from(payload),
  );
}

export function subscribePacket(packetId: number, ...filters: readonly [string, number][]): Buffer {
  const requests = filters.flatMap(([filter, qos]) => [text(filter), Buffer.from([qos])]);
  return packet(0x82, [packetId >> 8, packetId & 0xff], ...requests);
}

export function unsubscribePacket(packetId: number, ...filters: readonly string[]): Buffer {
  return packet(0xa2, [packetId >> 8, packetId & 0xff], ...filters.map((each) => text(each)));
}

/** PUBACK 4, PUBREC 5, PUBREL 6, PUBCOMP 7. */
export function acknowledgement(type: number, packetId: number): Buffer {
  return packet((type << 4) | (type === 6 ? 2 : 0), [packetId >> 8, packetId & 0xff]);
}

export interface Published {
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
  readonly duplicate: boolean;
  readonly packetId: number;
}

/** Reads a PUBLISH that came from the server. */
export function readPublish({ flags, body }: WirePacket): Published {
  const topicEndAt = 2 + body.readUInt16BE(0);
  const qos = (flags >> 1) & 3;
  return {
    topic: body.toString('utf8', 2, topicEndAt),
    payload: body.toString('utf8', topicEndAt + (qos === 0 ? 0 : 2)),
    qos,
    retain: (flags & 1) !== 0,
    duplicate: (flags & 8) !== 0,
    packetId: qos === 0 ? 0 : body.readUInt16BE(topicEndAt),
  };
}

/** Connects as a device with its secret (see rig.ts) and takes the CONNACK. */
export async function openDeviceWire(
  port: number,
  device: string,
  fields: ConnectFields = {},
): Promise<Wire> {
  const wire = await openWire(port);
  const login = { username: device, password: `secret of ${device}`, clientId: device };
  wire.send(connectPacket({ ...login, ...fields }));
  const { type, body } = await wire.next();
  if (type !== 2 || body[1] !== 0) throw new Error(`refused with ${body[1]}`);
  return wire;
}
