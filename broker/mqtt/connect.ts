/** CONNECT (§3.1), read byte by byte: what breaks a rule throws, what may be refused is told. */
import { readText, violated } from './text.ts';

export interface Connect {
  /** 4 is MQTT 3.1.1, 3 is MQTT 3.1 (`MQIsdp`), which older devices speak. */
  readonly level: number;
  readonly clean: boolean;
  readonly keepAliveSeconds: number;
  readonly clientId: string;
  readonly will: Will | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

export interface Will {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
}

/** A protocol level that this server does not speak: CONNACK 0x01 (MQTT-3.1.2-2). */
export type ConnectParsed =
  | { readonly supported: true; readonly connect: Connect }
  | { readonly supported: false };

const flagUsername = 0x80;
const flagPassword = 0x40;
const flagWillRetain = 0x20;
const flagWill = 0x04;
const flagClean = 0x02;
const flagReserved = 0x01;

export function parseConnect(buffer: Buffer, bodyAt: number, endAt: number): ConnectParsed {
  const fields = createFields(buffer, bodyAt, endAt);
  const name = fields.text();
  if (name !== 'MQTT' && name !== 'MQIsdp') violated('MQTT-3.1.2-1');
  const level = fields.byte();
  if (level !== (name === 'MQTT' ? 4 : 3)) return { supported: false };
  const flags = checkedFlags(fields.byte());
  const keepAliveSeconds = fields.uint16();
  const clientId = fields.text();
  const will =
    (flags & flagWill) === 0
      ? undefined
      : {
          topic: fields.text(),
          payload: fields.binary(),
          qos: ((flags >> 3) & 3) as 0 | 1 | 2,
          retain: (flags & flagWillRetain) !== 0,
        };
  const username = (flags & flagUsername) === 0 ? undefined : fields.text();
  const password = (flags & flagPassword) === 0 ? undefined : fields.binary().toString('utf8');
  fields.end();
  const clean = (flags & flagClean) !== 0;
  return {
    supported: true,
    connect: { level, clean, keepAliveSeconds, clientId, will, username, password },
  };
}

function checkedFlags(flags: number): number {
  if ((flags & flagReserved) !== 0) violated('MQTT-3.1.2-3');
  const willQos = (flags >> 3) & 3;
  if ((flags & flagWill) === 0) {
    if (willQos !== 0) violated('MQTT-3.1.2-13');
    if ((flags & flagWillRetain) !== 0) violated('MQTT-3.1.2-15');
  }
  if (willQos === 3) violated('MQTT-3.1.2-14');
  if ((flags & flagUsername) === 0 && (flags & flagPassword) !== 0) violated('MQTT-3.1.2-22');
  return flags;
}

interface Fields {
  byte(): number;
  uint16(): number;
  text(): string;
  /** A copy: the packet's buffer is reused. */
  binary(): Buffer;
  end(): void;
}

function createFields(buffer: Buffer, bodyAt: number, endAt: number): Fields {
  let at = bodyAt;
  function take(bytes: number): number {
    const from = at;
    if (from + bytes > endAt) violated('MQTT-3.1.3-1');
    at += bytes;
    return from;
  }
  function uint16(): number {
    return buffer.readUInt16BE(take(2));
  }
  return {
    byte: () => buffer[take(1)]!,
    uint16,
    text() {
      const bytes = uint16();
      const from = take(bytes);
      return readText(buffer, from, from + bytes);
    },
    binary() {
      const bytes = uint16();
      const from = take(bytes);
      return Buffer.from(buffer.subarray(from, from + bytes));
    },
    end() {
      if (at !== endAt) violated('MQTT-3.1.3-1');
    },
  };
}
