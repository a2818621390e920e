/**
 * Acknowledged means kept. Every door hands what it received to a lane of its own connection, and
 * acknowledges only from `settle`:
 *
 *   receive(reading, token)  →  append to the log  →  write, fdatasync  →  settle(token, null)
 *
 * 1. `settle(token, null)` is called only after the log's own `done` for that very reading.
 * 2. Tokens of one lane settle in the order in which they were received, whatever the log does.
 * 3. `settle(token, error)`: the reading is not kept and will not be. The door must not acknowledge
 *    it (in MQTT: it closes the connection), and the device sends it again.
 * 4. A token never settles twice.
 */
import { appendReading } from '../ingest/reading-codec.ts';
import type { LogWriter } from '../ingest/log/log.ts';
import type { Reading } from '../ingest/reading.ts';

/** What one connection has handed in, in order. */
export interface Lane {
  /** Appends the reading; its payload may be reused when this returns. */
  receive(reading: Reading, token: number): void;
  /** Gives something that is kept already its place in the order of acknowledgements. */
  pass(token: number): void;
  /** Received and not settled. */
  readonly pending: number;
  /** Monotonic milliseconds since when the oldest unsettled one waits; Infinity when none does. */
  readonly waitingSinceMs: number;
}

/** `sinceMs`: monotonic milliseconds at which the token was handed in. */
type Settle = (token: number, error: Error | null, sinceMs: number) => void;

export interface Receiver {
  /** More waits for the disk than the log wants to hold: doors stop reading. */
  readonly saturated: boolean;
  lane(settle: Settle): Lane;
}

export interface ReceiverOptions {
  readonly log: LogWriter;
  readonly monotonicMs: () => number;
}

interface Entry {
  readonly token: number;
  readonly sinceMs: number;
  settled: boolean;
  error: Error | null;
  next: Entry | null;
}

export function createReceiver(options: ReceiverOptions): Receiver {
  return {
    get saturated() {
      return options.log.saturated;
    },
    lane: (settle) => createLane(options, settle),
  };
}

function createLane(options: ReceiverOptions, settle: Settle): Lane {
  let oldest: Entry | null = null;
  let newest: Entry | null = null;
  let pending = 0;
  let settling = false;

  function enter(token: number, settled: boolean): Entry {
    const entry: Entry = {
      token,
      sinceMs: options.monotonicMs(),
      settled,
      error: null,
      next: null,
    };
    if (newest === null) oldest = entry;
    else newest.next = entry;
    newest = entry;
    pending += 1;
    return entry;
  }

  function settleInOrder(): void {
    // `settle` may hand in more, which may settle at once: the running loop takes that too.
    if (settling) return;
    settling = true;
    try {
      while (oldest !== null && oldest.settled) {
        const entry: Entry = oldest;
        oldest = entry.next;
        if (oldest === null) newest = null;
        pending -= 1;
        settle(entry.token, entry.error, entry.sinceMs);
      }
    } finally {
      settling = false;
    }
  }

  return {
    receive(reading, token) {
      const entry = enter(token, false);
      appendReading(options.log, reading, (error) => {
        entry.settled = true;
        entry.error = error;
        settleInOrder();
      });
    },
    pass(token) {
      enter(token, true);
      settleInOrder();
    },
    get pending() {
      return pending;
    },
    get waitingSinceMs() {
      return oldest === null ? Infinity : oldest.sinceMs;
    },
  };
}
