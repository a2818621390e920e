/**
 * Flushes connections behind the event that gave them something to send: all acknowledgements of
 * one commit of the log leave in one write for each connection.
 */
import type { Receiver } from '../receive.ts';
import type { Outbox } from './context.ts';

export interface FlushingOutbox extends Outbox {
  /** Lets connections be read again that wait for the log, if it has room. */
  wake(): void;
}

export function createOutbox(receiver: Receiver): FlushingOutbox {
  let due: { flush(): void }[] = [];
  const waiting = new Set<{ resume(): void }>();

  function flush(): void {
    const now = due;
    due = [];
    for (const connection of now) connection.flush();
    wake();
  }

  function wake(): void {
    if (waiting.size === 0 || receiver.saturated) return;
    const woken = [...waiting];
    waiting.clear();
    for (const connection of woken) connection.resume();
  }

  return {
    add(connection) {
      if (due.length === 0) process.nextTick(flush);
      due.push(connection);
    },
    whenWritable: (connection) => void waiting.add(connection),
    wake,
  };
}
