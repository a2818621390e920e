/**
 * Carries messages from publishers to subscribers inside the broker. The port is ours; behind it
 * aedes matches topics and calls the subscribers (README.md says why it is given no socket).
 */
import { Aedes } from 'aedes';
import type { Qos } from './packets.ts';

export interface RoutedMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** As published; a subscriber gets the lesser of this and what it was granted. */
  readonly qos: Qos;
  /** The packet with QoS 0, the same for all: made by the first subscriber that needs it. */
  frame: Buffer | null;
}

export interface Router {
  /**
   * Calls `deliver` for each later message that matches the filter, synchronously inside `publish`,
   * once a subscription. `deliver` must not wait. Returns the end of the subscription; a message
   * already on its way may still come.
   */
  subscribe(filter: string, deliver: (message: RoutedMessage) => void): () => void;
  /** Nothing is kept: whoever does not subscribe now does not see it. */
  publish(topic: string, payload: Uint8Array, qos: Qos): void;
  close(): Promise<void>;
}

/** aedes tells other brokers of itself on this beat, and of nothing here: as seldom as timers can. */
const heartbeatMs = 500_000_000;

export async function openRouter(): Promise<Router> {
  const aedes = await Aedes.createBroker({ concurrency: 0, heartbeatInterval: heartbeatMs });
  // aedes copies what it carries into a packet of its own; the original is what subscribers get.
  let current: RoutedMessage | null = null;
  return {
    subscribe(filter, deliver) {
      const listener = (_packet: unknown, done: () => void): void => {
        // What aedes says of itself ($SYS/{id}/…) has no original and goes to nobody.
        if (current !== null) deliver(current);
        done();
      };
      aedes.subscribe(filter, listener, ignore);
      return () => aedes.unsubscribe(filter, listener, ignore);
    },
    publish(topic, payload, qos) {
      const outer = current;
      current = { topic, payload, qos, frame: null };
      try {
        // With QoS 0 aedes neither stores nor waits: all subscribers are called before it returns.
        aedes.publish(packetOf(topic), ignore);
      } finally {
        current = outer;
      }
    },
    close: () => new Promise((resolve) => aedes.close(resolve)),
  };
}

const nothing = Buffer.alloc(0);

function packetOf(topic: string) {
  return { cmd: 'publish', topic, payload: nothing, qos: 0, retain: false, dup: false } as const;
}

function ignore(): void {}
