/**
 * One connection: reads packets, hands them on, writes what is owed, and ends for one reason.
 *
 * It is not read while as many of its messages wait for the log as it may have there, while the log
 * is saturated, and while its peer does not take what it is sent; TCP then holds the sender back.
 * What it writes in one turn of the event loop leaves in one write.
 */
import type { Scheduled } from '../../devices/clock.ts';
import { CodedError } from '../../devices/coded-error.ts';
import { principalKey, type Presented } from '../authenticate.ts';
import type { Requester } from '../authorize.ts';
import type { CloseReason, Listener } from '../events.ts';
import { admit, isRefused, returnCodes, type Admitted, type Refused } from './admission.ts';
import { parseConnect, type Connect, type Will } from './connect.ts';
import type { MqttContext } from './context.ts';
import { handleControl } from './control-packets.ts';
import { FrameReader } from './frames.ts';
import { Inbound, type InboundLink } from './inbound.ts';
import { Outgoing } from './outgoing.ts';
import { acknowledgementFirst, encodeConnack, packetTypes } from './packets.ts';
import type { Session } from './session.ts';
import { violated } from './text.ts';
import type { Transport, TransportHandlers } from './transport.ts';
import { fireWill } from './wills.ts';

/** A peer that takes less of what it is owed than this is not read. */
const unreadBacklogBytesMax = 65_536;
/** How long a refused connection may take to go by itself. */
const closingMsMax = 2_000;

/** One client that is connected now. Times are integer ms UTC. */
export interface ConnectionDescription {
  /** `device:{id}`, `token:{id}` or `anonymous`. */
  readonly principal: string;
  /** Principal and client id. */
  readonly session: string;
  readonly listener: Listener;
  readonly address: string;
  readonly connectedAt: number;
  readonly heardAt: number;
  readonly publishes: number;
  /** Messages that wait for the log. */
  readonly unacknowledged: number;
  readonly subscriptions: number;
  /** Bytes that its network has not taken. */
  readonly backlogBytes: number;
}

type State = 'connecting' | 'held' | 'open' | 'closing' | 'closed';

/** No failure of the client's connection, or no right left: its will is not sent. */
const withoutWill: readonly CloseReason[] = ['disconnected', 'shutdown', 'revoked'];

export class Connection implements InboundLink, TransportHandlers {
  readonly #context: MqttContext;
  readonly #transport: Transport;
  readonly #gone: (connection: Connection) => void;
  readonly #frames = new FrameReader();
  #state: State = 'connecting';
  #stateSinceMs: number;
  #heardMs: number;
  #silenceMsMax = Infinity;
  #paused = false;
  #reading = true;
  #acknowledgedSinceMs = Infinity;
  #held: Scheduled | undefined;

  #session: Session | null = null;
  #inbound: Inbound | null = null;
  #presented: Presented | null = null;
  #will: Will | undefined;

  readonly #outgoing: Outgoing;
  #scheduled = false;

  constructor(context: MqttContext, transport: Transport, gone: (connection: Connection) => void) {
    this.#context = context;
    this.#transport = transport;
    this.#gone = gone;
    this.#outgoing = new Outgoing(transport, this.#written);
    this.#stateSinceMs = this.#heardMs = context.clock.monotonicMs();
  }

  get session(): Session {
    return this.#session!;
  }

  get requester(): Requester {
    return this.#session!.requester;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Let in by a token, not as a device or nobody in particular. */
  get isOfKey(): boolean {
    const principal = this.isOpen ? this.requester.principal : 'anonymous';
    return principal !== 'anonymous' && principal.kind === 'token';
  }

  /** Messages that wait for the log. */
  get pending(): number {
    return this.#inbound?.pending ?? 0;
  }

  get backlogBytes(): number {
    return this.#outgoing.bytes;
  }

  /** For an operator's list; undefined before the client is let in. */
  describe(): ConnectionDescription | undefined {
    if (this.#state !== 'open') return undefined;
    const { clock } = this.#context;
    const agoMs = (sinceMs: number): number => Math.round(clock.monotonicMs() - sinceMs);
    return {
      principal: principalKey(this.requester.principal),
      session: this.session.id,
      listener: this.#transport.listener,
      address: this.#transport.address,
      connectedAt: clock.now() - agoMs(this.#stateSinceMs),
      heardAt: clock.now() - agoMs(this.#heardMs),
      publishes: this.#inbound!.publishes,
      unacknowledged: this.pending,
      subscriptions: this.session.subscriptions.size,
      backlogBytes: this.backlogBytes,
    };
  }

  /** What the client proved itself with, to be proved again when the registry changes. */
  get presented(): Presented | null {
    return this.#presented;
  }

  readonly received = (chunk: Buffer): void => {
    if (this.#state !== 'connecting' && this.#state !== 'open') return;
    this.#heardMs = this.#context.clock.monotonicMs();
    this.#context.events.counts.bytesReceived += chunk.length;
    this.#frames.feed(chunk);
    if (!this.#paused) this.#read();
  };

  readonly closed = (): void => this.close('lost');

  #read(): void {
    const { config, clock } = this.#context;
    if (this.#inbound !== null) this.#inbound.receivedAt = clock.now();
    try {
      while (this.#state === 'connecting' || this.#state === 'open') {
        if (this.#mustPause()) return;
        if (this.#state === 'connecting') requireConnect(this.#frames.upcoming);
        const limit = this.#state === 'open' ? config.packetBytesMax : config.connectBytesMax;
        const step = this.#frames.next(limit);
        if (step === 'more') return;
        if (step === 'too-large') return this.close('too-large');
        if (step === 'length-malformed') violated('§2.2.3: remaining length');
        this.#packet();
      }
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    const { events } = this.#context;
    if (error instanceof CodedError && error.code === 'BROKER_PROTOCOL_VIOLATED') {
      events.protocolViolated(String(error.fields['rule']), this.#transport.address);
      this.close('malformed');
    } else {
      // Whatever one client can cause must not end the service of all.
      events.connectionFailed(error);
      this.close('internal-error');
    }
  }

  /** Messages wait for the log's room, and everything for a peer that takes no answers. */
  #mustPause(): boolean {
    const { upcoming } = this.#frames;
    if (this.#inbound === null || upcoming === -1) return false;
    const { receiver, outbox } = this.#context;
    const isPublish = upcoming >> 4 === packetTypes.publish;
    const saturated = isPublish && receiver.saturated;
    const full = isPublish && this.#inbound.full;
    if (!saturated && !full && this.backlogBytes < unreadBacklogBytesMax) return false;
    this.#paused = true;
    this.#transport.pause();
    if (saturated) outbox.whenWritable(this);
    return true;
  }

  /** Goes on reading behind the event that made room, if there is room. */
  resume(): void {
    if (this.#paused) this.#schedule();
  }

  #packet(): void {
    const { buffer, first, bodyAt, endAt } = this.#frames;
    const type = first >> 4;
    if (this.#state === 'connecting') {
      this.#connect(buffer, bodyAt, endAt);
    } else if (type === packetTypes.publish) {
      this.#inbound!.publish(buffer, first, bodyAt, endAt);
    } else {
      handleControl(this.#context, this, this.#inbound!, this.#frames);
    }
  }

  #connect(buffer: Buffer, bodyAt: number, endAt: number): void {
    const parsed = parseConnect(buffer, bodyAt, endAt);
    if (!parsed.supported) {
      const returnCode = returnCodes.protocolLevel;
      return this.#refuse({ returnCode, result: 'protocol-level', delayMs: 0 });
    }
    const outcome = admit(this.#context, this.#transport, parsed.connect);
    if (isRefused(outcome)) this.#refuse(outcome);
    else this.#open(parsed.connect, outcome);
  }

  #open(connect: Connect, { requester, presented, sessionId }: Admitted): void {
    const { sessions, config, events, clock } = this.#context;
    const { clean, keepAliveSeconds } = connect;
    const { session, present } = sessions.open({ id: sessionId, clean, requester });
    const seconds =
      keepAliveSeconds === 0
        ? config.keepAliveSecondsMax
        : Math.min(keepAliveSeconds, config.keepAliveSecondsMax);
    this.#silenceMsMax = seconds * 1500; // MQTT-3.1.2-24
    this.#presented = presented;
    this.#will = connect.will;
    this.#session = session;
    this.#inbound = new Inbound(this.#context, this);
    this.#inbound.receivedAt = clock.now();
    this.#enter('open');
    events.connectDecided('accepted', this.#transport.listener);
    this.send(encodeConnack(present, 0));
    session.attach(this);
  }

  #refuse(refused: Refused): void {
    const { events, clock, outbox, logins } = this.#context;
    events.connectDecided(refused.result, this.#transport.listener);
    if (refused.delayMs > 0 && !logins.hold()) {
      events.limited('held-logins');
      return this.close('connect-refused');
    }
    const answer = (): void => {
      if (this.#state === 'closed') return;
      this.#enter('closing');
      this.send(encodeConnack(false, refused.returnCode)); // MQTT-3.2.2-4, MQTT-3.2.2-5
      outbox.add(this);
    };
    this.#enter('held');
    if (refused.delayMs === 0) return answer();
    this.#transport.pause();
    this.#held = clock.schedule(refused.delayMs, () => {
      this.#held = undefined;
      logins.letGo();
      answer();
    });
  }

  #enter(state: State): void {
    this.#state = state;
    this.#stateSinceMs = this.#context.clock.monotonicMs();
  }

  send(bytes: Buffer): void {
    this.#outgoing.add(bytes);
    this.#schedule();
  }

  acknowledge(first: number, packetId: number, sinceMs: number): void {
    if (this.#state !== 'open') return;
    this.#outgoing.acknowledge(first, packetId, this.pending);
    if (sinceMs < this.#acknowledgedSinceMs) this.#acknowledgedSinceMs = sinceMs;
    if (first !== acknowledgementFirst.pubcomp) this.#context.events.counts.acknowledged += 1;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#state === 'closed') return;
    this.#scheduled = true;
    this.#context.outbox.add(this);
  }

  /** Writes what has gathered; called by the outbox. */
  flush(): void {
    this.#scheduled = false;
    if (this.#state === 'closed') return;
    this.#write();
    if (this.#paused && this.#reading && !this.#mustPause()) {
      this.#paused = false;
      this.#transport.resume();
      this.#read();
    }
  }

  #write(): void {
    if (this.#acknowledgedSinceMs !== Infinity) {
      const { clock, events } = this.#context;
      events.acknowledgementTook(clock.monotonicMs() - this.#acknowledgedSinceMs);
      this.#acknowledgedSinceMs = Infinity;
    }
    this.#outgoing.write();
    if (this.#state === 'closing' && this.#outgoing.bytes === 0) this.#transport.end();
  }

  readonly #written = (): void => {
    if (this.#state === 'closed') return;
    this.#session?.taken();
    this.#write();
    this.#session?.pump();
    if (this.#paused) this.#schedule();
  };

  /** For a stop: what has been received is still acknowledged, nothing more is read. */
  stopReading(): void {
    this.#reading = false;
    this.#paused = true;
    this.#transport.pause();
  }

  /** Ends what has lasted too long. */
  sweep(nowMs: number): void {
    const { config } = this.#context;
    const state = this.#state;
    if (state === 'open') this.#sweepOpen(nowMs);
    else if (state === 'connecting' && nowMs - this.#stateSinceMs >= config.connectTimeoutMs) {
      this.close('connect-timeout');
    } else if (state === 'closing' && nowMs - this.#stateSinceMs >= closingMsMax) {
      this.close('connect-refused');
    }
  }

  #sweepOpen(nowMs: number): void {
    const { config } = this.#context;
    const { session } = this;
    if (nowMs - this.#inbound!.waitingSinceMs >= config.logStallMsMax) {
      this.close('log-stalled');
      return;
    }
    // While it is not read, its silence is ours.
    if (this.#paused) this.#heardMs = nowMs;
    if (session.isStalled(nowMs, config.slowSubscriberMs)) this.close('slow-subscriber');
    else if (nowMs - this.#heardMs >= this.#silenceMsMax) this.close('keep-alive');
  }

  close(reason: CloseReason): void {
    if (this.#state === 'closed') return;
    const wasOpen = this.#state === 'open';
    this.#state = 'closed';
    if (this.#held !== undefined) {
      this.#held.cancel();
      this.#context.logins.letGo();
    }
    this.#transport.destroy();
    const session = this.#session;
    if (wasOpen && session !== null) {
      if (session.outlet === this) this.#context.sessions.leave(session);
      if (this.#will !== undefined && !withoutWill.includes(reason)) {
        fireWill(this.#context, session.requester, this.#will);
      }
    }
    this.#context.events.closed(reason);
    this.#gone(this);
  }
}

/** Judged by its first byte, before the rest has come: what speaks another protocol may never send it. */
function requireConnect(first: number): void {
  if (first === -1) return;
  if (first >> 4 !== packetTypes.connect) violated('MQTT-3.1.0-1');
  if ((first & 15) !== 0) violated('MQTT-2.2.2-2');
}
