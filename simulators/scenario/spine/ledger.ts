/** What the outside world knows: what it sent, and what it was told is kept. */
import type { Position } from '../../../ingest/log/log.ts';
import type { LoggedReading } from '../../../ingest/reading-codec.ts';
import { messageKey, type Message } from './message.ts';

export interface Acknowledged {
  readonly message: Message;
  readonly receivedAt: number;
}

export interface Ledger {
  sent(message: Message): void;
  acknowledge(position: Position, acknowledged: Acknowledged): void;
  /** What was meant by a reading; undefined for one that nobody sent. */
  messageOf(reading: LoggedReading): Message | undefined;
  readonly acknowledged: ReadonlyMap<Position, Acknowledged>;
  /** Positions that were promised twice. */
  readonly promisedTwice: number;
}

export function createLedger(): Ledger {
  const byKey = new Map<string, Message>();
  const acknowledged = new Map<Position, Acknowledged>();
  let promisedTwice = 0;
  return {
    sent: (message) => void byKey.set(messageKey(message), message),
    acknowledge(position, one) {
      if (acknowledged.has(position)) promisedTwice += 1;
      acknowledged.set(position, one);
    },
    messageOf: (reading) => byKey.get(messageKey(reading)),
    acknowledged,
    get promisedTwice() {
      return promisedTwice;
    },
  };
}
