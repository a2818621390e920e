/**
 * All that is on its way to the broker. Devices keep what is not acknowledged and send it again, so
 * each message is delivered at least once; acknowledgements can be lost on their way too.
 */
import type { Random } from '../../../devices/random.ts';
import type { Message } from './message.ts';
import type { Sending } from './station.ts';

interface Delivery {
  readonly message: Message;
  dueMs: number;
  /** The life of the server that has it in hand; 0 for none. */
  heldBy: number;
}

/** Where messages go; calls back once, or never if its life ends before. */
export interface Receiver {
  /** Counts the lives of the server, from 1. */
  readonly life: number;
  /** Null while it takes nothing. */
  readonly receive: ((message: Message, onAnswer: (isKept: boolean) => void) => void) | null;
}

export interface Outbox {
  add(sendings: readonly Sending[], nowMs: number): void;
  /** Hands over what is due. */
  deliver(receiver: Receiver, nowMs: number): void;
  /** Every connection breaks: what has no answer yet is sent again, what was answered perhaps too. */
  hangUp(nowMs: number): void;
  /** Messages that are not acknowledged. */
  readonly waiting: number;
}

export interface OutboxOptions {
  readonly random: Random;
  /** Chance that an acknowledgement is lost. */
  readonly lostAnswers: number;
  readonly onSent: (message: Message) => void;
}

const retryMsMax = 8_000;

export function createOutbox({ random, lostAnswers, onSent }: OutboxOptions): Outbox {
  let deliveries: Delivery[] = [];
  let lifeSeen = 0;
  let latestMs = 0;
  const again = (): number => latestMs + 500 + Math.floor(random.next() * retryMsMax);

  function hand(delivery: Delivery, receiver: Receiver): void {
    delivery.heldBy = receiver.life;
    onSent(delivery.message);
    receiver.receive?.(delivery.message, (isKept) => {
      if (delivery.heldBy !== receiver.life) return;
      delivery.heldBy = 0;
      if (isKept && random.next() >= lostAnswers) {
        deliveries = deliveries.filter((each) => each !== delivery);
      } else delivery.dueMs = again();
    });
  }

  return {
    get waiting() {
      return deliveries.length;
    },
    add(sendings, nowMs) {
      for (const { message, delayMs } of sendings) {
        deliveries.push({ message, dueMs: nowMs + delayMs, heldBy: 0 });
      }
    },
    deliver(receiver, nowMs) {
      latestMs = nowMs;
      if (receiver.life !== lifeSeen) {
        lifeSeen = receiver.life;
        for (const each of deliveries) if (each.heldBy !== 0) retry(each, again());
      }
      const due = deliveries.filter(({ dueMs, heldBy }) => dueMs <= nowMs && heldBy === 0);
      for (const each of due) {
        if (receiver.receive === null) each.dueMs = again();
        else hand(each, receiver);
      }
    },
    hangUp(nowMs) {
      latestMs = nowMs;
      for (const each of deliveries) if (each.heldBy !== 0) retry(each, again());
    },
  };
}

function retry(delivery: Delivery, dueMs: number): void {
  delivery.heldBy = 0;
  delivery.dueMs = dueMs;
}
