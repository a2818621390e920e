/**
 * One session (§3.1.2.4, §4.1): its subscriptions, what was sent and not acknowledged, what waits,
 * and the packet identifiers of QoS 2 messages received and not released. It outlives its
 * connection when the client asked for that; the connection in use is its `outlet`.
 */
import type { Requester } from '../authorize.ts';
import type { CloseReason } from '../events.ts';
import type { Giving } from '../given.ts';
import type { ChangeStream } from './change-streams.ts';
import {
  acknowledgementFirst,
  encodeAcknowledgement,
  encodePublish,
  type OutgoingPublish,
  type Qos,
} from './packets.ts';
import type { Replay } from './replay.ts';
import type { RoutedMessage } from './router.ts';
import { matches } from './topics.ts';

/** A connection, as its session sees it. */
export interface Outlet {
  send(bytes: Buffer): void;
  /** Bytes given to `send` that the peer's network has not taken. */
  readonly backlogBytes: number;
  close(reason: CloseReason): void;
}

export interface SessionLimits {
  readonly inflightMax: number;
  readonly queueMessagesMax: number;
  readonly queueBytesMax: number;
}

export interface SessionOptions {
  readonly id: string;
  readonly clean: boolean;
  readonly requester: Requester;
  readonly limits: SessionLimits;
  readonly monotonicMs: () => number;
  readonly dropped: (reason: 'slow' | 'queue-full') => void;
  /** Counts what is sent. */
  readonly counts: { delivered: number };
}

export interface Subscription {
  readonly qos: Qos;
  readonly end: () => void;
  /** Of a client with a key: what counts what is given to it. */
  readonly giving?: Giving | undefined;
  /** Of a subscription to the change feed: it goes on whenever the client is there. */
  readonly stream?: ChangeStream;
}

interface Inflight {
  /** Null once PUBREC has come: then PUBREL is what is owed. */
  message: OutgoingPublish | null;
}

/** What a message costs in a queue beside its payload and topic. */
const messageOverheadBytes = 64;

export class Session {
  readonly id: string;
  readonly clean: boolean;
  requester: Requester;
  readonly subscriptions = new Map<string, Subscription>();
  /** QoS 2 received: still on its way into the log, or kept and waiting for PUBREL. */
  readonly unreleased = new Map<number, 'appending' | 'kept'>();
  /** Monotonic milliseconds since when the client is away; of no meaning while it is there. */
  awaySinceMs = 0;

  readonly #options: SessionOptions;
  #outlet: Outlet | null = null;
  #inflight: Map<number, Inflight> | null = null;
  #queue: OutgoingPublish[] = [];
  #queueBytes = 0;
  /** By filter, the one whose turn it is first: a subscription has one at most. */
  readonly #replays = new Map<string, Replay>();
  #packetId = 0;
  #lastRouted: RoutedMessage | null = null;
  #takenMs = 0;
  #acknowledgedMs = 0;

  constructor(options: SessionOptions) {
    this.id = options.id;
    this.clean = options.clean;
    this.requester = options.requester;
    this.#options = options;
  }

  get outlet(): Outlet | null {
    return this.#outlet;
  }

  /** The client is there: sends again what it has not acknowledged, then what waited. */
  attach(outlet: Outlet): void {
    this.#outlet = outlet;
    this.#takenMs = this.#acknowledgedMs = this.#options.monotonicMs();
    for (const [packetId, { message }] of this.#inflight ?? []) {
      const bytes =
        message === null
          ? encodeAcknowledgement(acknowledgementFirst.pubrel, packetId)
          : encodePublish(message, packetId, true); // MQTT-4.4.0-1, MQTT-3.3.1-1
      outlet.send(bytes);
    }
    for (const [filter, { stream }] of this.subscriptions) {
      if (stream !== undefined)
        this.#replays.set(
          filter,
          stream.open(() => this.pump()),
        );
    }
    this.pump();
  }

  detach(): void {
    this.#outlet = null;
    for (const replay of this.#replays.values()) replay.end();
    this.#replays.clear();
  }

  /** A subscription ends, with what it was still being shown. */
  unsubscribe(filter: string): void {
    this.subscriptions.get(filter)?.end();
    this.subscriptions.delete(filter);
    this.#endReplay(filter);
  }

  #endReplay(filter: string): void {
    this.#replays.get(filter)?.end();
    this.#replays.delete(filter);
  }

  /** The session ends: nothing of it is left. */
  end(): void {
    this.detach();
    for (const subscription of this.subscriptions.values()) subscription.end();
    this.subscriptions.clear();
    this.#queue = [];
    this.#queueBytes = 0;
    this.#inflight = null;
  }

  /** A message matched one of the subscriptions; it is sent once, with the greatest QoS of all. */
  route(message: RoutedMessage): void {
    if (message === this.#lastRouted) return;
    this.#lastRouted = message;
    const granting = this.#granting(message.topic);
    if (granting === undefined) return;
    const qos = Math.min(message.qos, granting.qos) as Qos;
    const counter = granting.giving?.counter;
    const { topic, payload } = message;
    const outgoing = { topic, payload, qos, retain: false, counter };
    if (qos > 0) this.#offerTracked(outgoing);
    else this.#offerOnce(outgoing, (message.frame ??= encodePublish(outgoing, 0, false)));
  }

  /** The greatest QoS granted for a topic (MQTT-3.3.5-1), or undefined where nothing matches. */
  grantedQos(topic: string): Qos | undefined {
    return this.#granting(topic)?.qos;
  }

  #granting(topic: string): Subscription | undefined {
    let granting: Subscription | undefined;
    for (const [filter, subscription] of this.subscriptions) {
      const isGreater = granting === undefined || subscription.qos > granting.qos;
      if (isGreater && matches(filter, topic)) granting = subscription;
    }
    return granting;
  }

  /** Sends, queues or drops; never waits. */
  offer(message: OutgoingPublish): void {
    if (message.qos > 0) this.#offerTracked(message);
    else this.#offerOnce(message, encodePublish(message, 0, false));
  }

  #offerTracked(message: OutgoingPublish): void {
    if (this.#queue.length === 0 && this.#canSend()) this.#sendTracked(message);
    else if (this.#outlet !== null || !this.clean) this.#enqueue(message);
  }

  #offerOnce(message: OutgoingPublish, packet: Buffer): void {
    const outlet = this.#outlet;
    if (outlet === null) return;
    if (outlet.backlogBytes + packet.length > this.#options.limits.queueBytesMax) {
      this.#options.dropped('slow');
      return;
    }
    this.#options.counts.delivered += 1;
    count(message, packet);
    outlet.send(packet);
  }

  #enqueue(message: OutgoingPublish): void {
    const { limits } = this.#options;
    this.#queue.push(message);
    this.#queueBytes += bytesOf(message);
    if (this.#queue.length <= limits.queueMessagesMax && this.#queueBytes <= limits.queueBytesMax) {
      return;
    }
    const oldest = this.#queue.shift();
    this.#queueBytes -= oldest === undefined ? 0 : bytesOf(oldest);
    this.#options.dropped('queue-full');
    this.#outlet?.close('slow-subscriber');
  }

  replay(filter: string, replay: Replay): void {
    this.#endReplay(filter);
    this.#replays.set(filter, replay);
    this.pump();
  }

  /** Sends what waits, as far as the window and the socket allow. */
  pump(): void {
    while (this.#queue.length > 0 && this.#canSend()) {
      const message = this.#queue.shift()!;
      this.#queueBytes -= bytesOf(message);
      this.#sendTracked(message);
    }
    this.#pumpReplays();
  }

  /** One message of each in turn: one that never ends shall not keep the others waiting. */
  #pumpReplays(): void {
    let waiting = 0;
    while (waiting < this.#replays.size && this.#queue.length === 0 && this.#canSend()) {
      const [filter, replay] = this.#replays.entries().next().value!;
      this.#replays.delete(filter);
      const message = replay.next();
      if (message === 'end') {
        replay.end();
        continue;
      }
      this.#replays.set(filter, replay);
      waiting = message === 'wait' ? waiting + 1 : 0;
      if (message === 'wait') continue;
      if (message.qos === 0) this.#offerOnce(message, encodePublish(message, 0, false));
      else this.#sendTracked(message);
    }
  }

  #canSend(): boolean {
    const outlet = this.#outlet;
    return (
      outlet !== null &&
      outlet.backlogBytes < this.#options.limits.queueBytesMax / 4 &&
      (this.#inflight?.size ?? 0) < this.#options.limits.inflightMax
    );
  }

  #sendTracked(message: OutgoingPublish): void {
    const packetId = this.#freePacketId();
    this.#inflight ??= new Map();
    this.#inflight.set(packetId, { message });
    this.#options.counts.delivered += 1;
    const packet = encodePublish(message, packetId, false);
    count(message, packet);
    this.#outlet?.send(packet);
  }

  /** An identifier that is not in use (MQTT-2.3.1-4). */
  #freePacketId(): number {
    do {
      this.#packetId = this.#packetId >= 65_535 ? 1 : this.#packetId + 1;
    } while (this.#inflight?.has(this.#packetId) === true);
    return this.#packetId;
  }

  /** PUBACK or PUBCOMP; one for a message that is not in flight means nothing. */
  acknowledged(packetId: number): void {
    if (this.#inflight?.delete(packetId) !== true) return;
    this.#acknowledgedMs = this.#options.monotonicMs();
    this.pump();
  }

  /** PUBREC: the message is the client's; PUBREL is owed until PUBCOMP (§4.3.3). */
  received(packetId: number): void {
    const inflight = this.#inflight?.get(packetId);
    if (inflight !== undefined) {
      inflight.message = null;
      this.#acknowledgedMs = this.#options.monotonicMs();
    }
    this.#outlet?.send(encodeAcknowledgement(acknowledgementFirst.pubrel, packetId));
  }

  /** Keeps only what the client may still read; returns the filters that were taken away. */
  keepOnly(allowed: (filter: string) => boolean): string[] {
    const refused: string[] = [];
    for (const filter of this.subscriptions.keys()) {
      if (allowed(filter)) continue;
      this.unsubscribe(filter);
      refused.push(filter);
    }
    if (refused.length > 0) {
      this.#queue = this.#queue.filter((each) => this.grantedQos(each.topic) !== undefined);
      this.#queueBytes = this.#queue.reduce((sum, each) => sum + bytesOf(each), 0);
      for (const [packetId, { message }] of this.#inflight ?? []) {
        if (message !== null && this.grantedQos(message.topic) === undefined) {
          this.#inflight?.delete(packetId);
        }
      }
    }
    return refused;
  }

  /** The client's network has taken something. */
  taken(): void {
    this.#takenMs = this.#options.monotonicMs();
  }

  /**
   * Whether something has waited for so long without the client taking or acknowledging anything;
   * with QoS 0 alone twice as long.
   */
  isStalled(nowMs: number, patienceMs: number): boolean {
    const queued = this.#queue.length > 0;
    if (!queued || (this.#inflight?.size ?? 0) < this.#options.limits.inflightMax) {
      this.#acknowledgedMs = nowMs;
    }
    if ((this.#outlet?.backlogBytes ?? 0) === 0) this.#takenMs = nowMs;
    const takenPatienceMs = queued ? patienceMs : 2 * patienceMs;
    return nowMs - this.#acknowledgedMs >= patienceMs || nowMs - this.#takenMs >= takenPatienceMs;
  }
}

/** What is sent again is the same message: it is counted once. */
function count({ counter, isAboutStream = false }: OutgoingPublish, packet: Buffer): void {
  counter?.add(isAboutStream ? 0 : 1, packet.length);
}

function bytesOf(message: OutgoingPublish): number {
  return message.topic.length + message.payload.length + messageOverheadBytes;
}
