/** Retained messages of devices (§3.3.1.3), in memory and bounded; gone with a restart. */
import type { Qos } from './packets.ts';
import { matches } from './topics.ts';

interface RetainedMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: Qos;
}

export interface RetainedSet {
  /** Replaces the one of the topic; an empty payload removes it. False: no room, not retained. */
  keep(device: string, message: RetainedMessage): boolean;
  matching(filter: string): RetainedMessage[];
  /** Forgets those of devices that are no longer known. */
  forgetUnless(known: (device: string) => boolean): void;
  readonly messages: number;
  readonly bytes: number;
}

export interface RetainedLimits {
  readonly retainedMessagesMax: number;
  readonly retainedBytesMax: number;
}

export function createRetainedSet(limits: RetainedLimits): RetainedSet {
  const byDevice = new Map<string, Map<string, RetainedMessage>>();
  let messages = 0;
  let bytes = 0;

  function remove(device: string, topic: string): void {
    const ofDevice = byDevice.get(device);
    const known = ofDevice?.get(topic);
    if (ofDevice === undefined || known === undefined) return;
    ofDevice.delete(topic);
    if (ofDevice.size === 0) byDevice.delete(device);
    messages -= 1;
    bytes -= bytesOf(known);
  }

  return {
    keep(device, message) {
      remove(device, message.topic);
      if (message.payload.length === 0) return true;
      const grownBytes = bytes + bytesOf(message);
      if (messages >= limits.retainedMessagesMax || grownBytes > limits.retainedBytesMax) {
        return false;
      }
      let ofDevice = byDevice.get(device);
      if (ofDevice === undefined) byDevice.set(device, (ofDevice = new Map()));
      ofDevice.set(message.topic, message);
      messages += 1;
      bytes = grownBytes;
      return true;
    },
    matching(filter) {
      // Nobody may ask with a wildcard at the id, so the id finds them all.
      const device = filter.split('/')[2];
      const ofDevice = device === undefined ? undefined : byDevice.get(device);
      if (ofDevice === undefined) return [];
      return [...ofDevice.values()].filter((message) => matches(filter, message.topic));
    },
    forgetUnless(known) {
      for (const [device, ofDevice] of byDevice) {
        if (known(device)) continue;
        for (const topic of ofDevice.keys()) remove(device, topic);
      }
    },
    get messages() {
      return messages;
    },
    get bytes() {
      return bytes;
    },
  };
}

function bytesOf(message: RetainedMessage): number {
  return message.topic.length + message.payload.length;
}
