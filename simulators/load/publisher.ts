/**
 * One device's connection: keeps up to `window` messages unacknowledged, sends again what the server
 * has not acknowledged when the connection comes back, and tells the ledger of each acknowledgement.
 */
import { connect, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import type { Clock } from '../../devices/clock.ts';
import type { Random } from '../../devices/random.ts';
import type { SimulatorsConfig } from '../config.ts';
import type { DeviceSecretOf } from '../device.ts';
import { simulatorsError } from '../errors.ts';
import type { Trust } from '../trust.ts';
import type { Latencies } from './latency.ts';
import type { Ledger } from './ledger.ts';
import {
  connectPacket,
  createAnswerParser,
  packetTypes,
  pingPacket,
  publishPacket,
  pubrelPacket,
} from './wire.ts';

export interface PublisherOptions {
  readonly host: string;
  /** Asked at each connection: a restarted server may listen elsewhere. */
  readonly port: () => number;
  /** MQTT over TLS, to a server that this trusts; plain MQTT without. */
  readonly trust?: Trust | undefined;
  readonly config: SimulatorsConfig;
  readonly device: number;
  readonly secret: DeviceSecretOf;
  readonly clock: Clock;
  readonly random: Random;
  readonly ledger: Ledger;
  readonly latencies: Latencies;
  /** Values objects as JSON text, one a line of the payload file. */
  readonly payloads: readonly string[];
  readonly window: number;
  /** Share of QoS 2 among the messages, 0 to 1. */
  readonly qos2Share: number;
  /** Share of messages sent twice, as after a lost acknowledgement. */
  readonly duplicateShare: number;
  /** Called after each acknowledgement, so that a closed loop can send on. */
  readonly onRoom?: (publisher: Publisher) => unknown;
  readonly onConnected?: () => void;
  /** A connection that broke or was refused; the next try follows. */
  readonly onBroken?: (problem: string) => unknown;
  /** Share of messages that cannot be understood, 0 to 1; they stand in no ledger. */
  readonly poisonShare?: number;
  /** The server has promised to keep one of those. */
  readonly onPoisonKept?: () => unknown;
}

interface Waiting {
  readonly message: number;
  readonly payload: Buffer;
  readonly qos: 1 | 2;
  readonly sentAt: number;
  released: boolean;
}

/** Stands for a message that is in no ledger. */
const poisoned = -1;

/** Payloads that no codec understands: cut, wrong in kind, too deep, not text, a bomb's first bytes. */
const poisons = [
  Buffer.from('{"ts":1700000000000,"values":{"temp":2'),
  Buffer.from('null'),
  Buffer.from('{}'),
  Buffer.from('{"ts":"yesterday","values":{"temp":1}}'),
  Buffer.from(`${'['.repeat(200)}${']'.repeat(200)}`),
  Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x81]),
  Buffer.from([0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00]),
  Buffer.alloc(0),
];

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #topic: Buffer;
  readonly #waiting = new Map<number, Waiting>();
  #socket: Socket | undefined;
  #ready = false;
  #closed = false;
  #packetId = 0;
  #line: number;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#topic = Buffer.from(`env/v1/${options.secret.deviceId}/obs`);
    this.#line = (options.device * 17) % options.payloads.length;
    this.#open();
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** Messages that may be sent now. */
  get room(): number {
    return this.#ready ? this.#options.window - this.#waiting.size : 0;
  }

  get unacknowledged(): number {
    return this.#waiting.size;
  }

  /** Sends `count` new messages, as far as the window allows, in one write. */
  send(count: number): void {
    const socket = this.#socket;
    if (socket === undefined || !this.#ready) return;
    const packets: Buffer[] = [];
    for (let left = Math.min(count, this.room); left > 0; left -= 1) this.#compose(packets);
    if (packets.length === 1) socket.write(packets[0] as Buffer);
    else if (packets.length > 1) socket.write(Buffer.concat(packets));
  }

  ping(): void {
    if (this.#ready) this.#socket?.write(pingPacket);
  }

  /** Cuts the connection without a word; it comes back by itself. */
  cut(): void {
    this.#socket?.destroy();
  }

  close(): void {
    this.#closed = true;
    this.#socket?.destroy();
  }

  #compose(packets: Buffer[]): void {
    const { ledger, device, clock, payloads, random } = this.#options;
    const at = ledger.nextAt(device, clock.now());
    if (random.next() < (this.#options.poisonShare ?? 0)) {
      this.#composePoison(packets);
      return;
    }
    const line = this.#line;
    this.#line = (line + 1) % payloads.length;
    const payload = Buffer.from(`{"ts":${at},"values":${payloads[line]}}`);
    const qos = this.#options.qos2Share > 0 && random.next() < this.#options.qos2Share ? 2 : 1;
    const packetId = this.#nextPacketId();
    const message = ledger.enter(device, at, line);
    this.#waiting.set(packetId, {
      message,
      payload,
      qos,
      sentAt: clock.monotonicMs(),
      released: false,
    });
    packets.push(publishPacket(this.#topic, payload, packetId, { qos, dup: false }));
    if (this.#options.duplicateShare > 0 && random.next() < this.#options.duplicateShare) {
      packets.push(publishPacket(this.#topic, payload, packetId, { qos, dup: true }));
    }
  }

  #composePoison(packets: Buffer[]): void {
    const { clock, random } = this.#options;
    const payload = poisons[Math.floor(random.next() * poisons.length)] as Buffer;
    const packetId = this.#nextPacketId();
    const sentAt = clock.monotonicMs();
    this.#waiting.set(packetId, { message: poisoned, payload, qos: 1, sentAt, released: false });
    packets.push(publishPacket(this.#topic, payload, packetId, { qos: 1, dup: false }));
  }

  #nextPacketId(): number {
    do this.#packetId = (this.#packetId % 65_535) + 1;
    while (this.#waiting.has(this.#packetId));
    return this.#packetId;
  }

  #open(): void {
    const { host, port, trust, config, secret } = this.#options;
    const address = { host, port: port(), noDelay: true };
    const socket =
      trust === undefined ? connect(address) : connectSecurely({ ...address, ...trust });
    this.#socket = socket;
    const parse = createAnswerParser((type, word) => this.#take(type, word));
    const keepAliveSeconds = config.loadKeepAliveSeconds;
    socket.on(trust === undefined ? 'connect' : 'secureConnect', () =>
      socket.write(connectPacket({ ...secret, cleanSession: false, keepAliveSeconds })),
    );
    socket.on('data', parse);
    // A refused or broken connection is what this class is for: `close` follows and it tries again.
    socket.on('error', (error) => {
      this.#options.onBroken?.(error.message);
      socket.destroy();
    });
    socket.on('close', () => {
      this.#ready = false;
      if (this.#closed) return;
      const wait = config.loadReconnectMs * (0.5 + this.#options.random.next());
      this.#options.clock.schedule(wait, () => {
        if (!this.#closed) this.#open();
      });
    });
  }

  #take(type: number, word: number): void {
    if (type === packetTypes.connack) this.#connected(word & 0xff);
    else if (type === packetTypes.puback) this.#settle(word);
    else if (type === packetTypes.pubrec) this.#release(word);
    else if (type === packetTypes.pubcomp) this.#waiting.delete(word);
    else if (type !== packetTypes.pingresp)
      throw simulatorsError('SIMULATORS_PACKET_UNEXPECTED', { type });
    if (type === packetTypes.puback || type === packetTypes.pubcomp) this.#options.onRoom?.(this);
  }

  #connected(returnCode: number): void {
    if (returnCode !== 0) {
      this.#options.onBroken?.(`CONNECT was answered with return code ${returnCode}`);
      this.#socket?.destroy();
      return;
    }
    this.#ready = true;
    for (const [packetId, waiting] of this.#waiting) {
      this.#socket?.write(
        waiting.released
          ? pubrelPacket(packetId)
          : publishPacket(this.#topic, waiting.payload, packetId, { qos: waiting.qos, dup: true }),
      );
    }
    this.#options.onConnected?.();
    this.#options.onRoom?.(this);
  }

  #settle(packetId: number): void {
    const waiting = this.#waiting.get(packetId);
    if (waiting === undefined) return;
    this.#waiting.delete(packetId);
    this.#promise(waiting);
  }

  /** PUBREC: from here on the server has promised; PUBREL lets it forget the packet id. */
  #release(packetId: number): void {
    const waiting = this.#waiting.get(packetId);
    if (waiting !== undefined && !waiting.released) {
      waiting.released = true;
      this.#promise(waiting);
    }
    this.#socket?.write(pubrelPacket(packetId));
  }

  #promise(waiting: Waiting): void {
    const { latencies, clock, ledger, device } = this.#options;
    latencies.add(clock.monotonicMs() - waiting.sentAt);
    if (waiting.message === poisoned) {
      this.#options.onPoisonKept?.();
      return;
    }
    ledger.acknowledge(device, waiting.message);
  }
}
