/**
 * The log of readings where acknowledged means replicated (`cluster.ack`): `done` comes once a reading
 * is on this node's disk and every in-sync replica of Kafka has it, in the order of the calls.
 *
 * While Kafka stays away the node acknowledges nothing: what waited too long is refused, and so is all
 * that comes, before it is written, until Kafka has caught up with the log. Devices keep it and send
 * it again; were it written nevertheless, each try of theirs would fill the disk with one copy more.
 */
import type { Clock, Scheduled } from '../devices/clock.ts';
import type { CodedError } from '../devices/coded-error.ts';
import type { DurableEnd, LogWriter, Position } from '../ingest/log/log.ts';
import { brokerError } from './errors.ts';
import type { ReplicationEvents } from './events.ts';

export interface ReplicatedLogOptions {
  readonly log: LogWriter;
  /** How far Kafka has the log. */
  readonly forwardedEnd: DurableEnd;
  readonly clock: Clock;
  /** Longest wait for Kafka, from the call. */
  readonly waitMsMax: number;
  /** Calls that wait; at it the log says it is saturated, at twice this it refuses. */
  readonly pendingMax: number;
  readonly events: ReplicationEvents;
}

export interface ReplicatedLog extends LogWriter {
  /** Why nothing is acknowledged; null while Kafka keeps up. */
  readonly error: CodedError | null;
}

type Done = (error: Error | null, position: Position) => void;

interface Entry {
  readonly done: Done;
  readonly sinceMs: number;
  /** 0 until the node's own disk has it. */
  position: Position;
  error: Error | null;
  next: Entry | null;
}

interface Stop {
  readonly error: CodedError;
  readonly sinceMs: number;
  /** Once Kafka has the log up to here, it has caught up. */
  readonly until: Position;
}

export function createReplicatedLog(options: ReplicatedLogOptions): ReplicatedLog {
  const { log, clock, pendingMax, events } = options;
  const queue = createQueue();
  const gate = createGate(options, queue);
  return {
    durableEnd: log.durableEnd,
    get error() {
      return gate.stopped?.error ?? null;
    },
    get saturated() {
      return log.saturated || queue.pending >= pendingMax;
    },
    append(sizeBytes, fill, done) {
      const isFull = queue.pending >= 2 * pendingMax;
      const refused =
        gate.stopped?.error ??
        (isFull ? brokerError('BROKER_REPLICATION_FULL', { pendingMax }) : null);
      const entry = queue.enter({ done, sinceMs: clock.monotonicMs(), error: refused });
      if (refused !== null) {
        events.replicationRefused();
        return gate.settle();
      }
      log.append(sizeBytes, fill, (error, position) => {
        entry.position = position;
        entry.error ??= error;
        gate.settle();
      });
    },
    trimBefore: (position) => log.trimBefore(position),
    async close() {
      await log.close();
      gate.close();
    },
  };
}

/** Lets through what Kafka has; shuts when that takes too long, and opens once it has caught up. */
function createGate(options: ReplicatedLogOptions, queue: ReturnType<typeof createQueue>) {
  const { log, forwardedEnd, clock, waitMsMax, events } = options;
  const ended = new AbortController();
  let isWaiting = false;
  let timer: Scheduled | undefined;
  let stopped: Stop | null = null;

  function settle(): void {
    queue.settle(forwardedEnd.get());
    const { oldest } = queue;
    waitBeyond((stopped === null ? (oldest?.position ?? 0) : stopped.until) - 1);
    if (oldest !== null && timer === undefined) remind(oldest);
  }

  function waitBeyond(position: Position): void {
    if (position < 0 || isWaiting || ended.signal.aborted) return;
    isWaiting = true;
    void forwardedEnd.waitBeyond(position, ended.signal).then(() => {
      isWaiting = false;
      if (stopped !== null && forwardedEnd.get() >= stopped.until) resume(stopped.sinceMs);
      settle();
    });
  }

  /** One timer, for the oldest: what came later cannot be late before it. */
  function remind(entry: Entry): void {
    const leftMs = entry.sinceMs + waitMsMax - clock.monotonicMs();
    timer = clock.schedule(leftMs > 0 ? leftMs : waitMsMax, () => {
      timer = undefined;
      const { oldest } = queue;
      const isLate = oldest !== null && clock.monotonicMs() - oldest.sinceMs >= waitMsMax;
      // A disk that is slow is the log's own matter: only what it has waits for Kafka.
      if (isLate && oldest.position > 0) stop();
      settle();
    });
  }

  function stop(): void {
    const until = log.durableEnd.get();
    const error = brokerError('BROKER_NOT_REPLICATED', { waitMsMax, until });
    stopped = { error, sinceMs: clock.monotonicMs(), until };
    events.replicationStopped(error, queue.refuse(error));
  }

  function resume(sinceMs: number): void {
    stopped = null;
    events.replicationResumed(clock.monotonicMs() - sinceMs);
  }

  return {
    get stopped() {
      return stopped as Stop | null;
    },
    settle,
    close(): void {
      ended.abort();
      timer?.cancel();
      if (queue.oldest !== null && stopped === null) stop();
      settle();
    },
  };
}

/** Calls in their order, answered from the oldest on as far as each is decided. */
function createQueue() {
  let oldest: Entry | null = null;
  let newest: Entry | null = null;
  let pending = 0;
  let isSettling = false;
  return {
    get oldest() {
      return oldest as Entry | null;
    },
    get pending() {
      return pending;
    },
    enter(call: Pick<Entry, 'done' | 'sinceMs' | 'error'>): Entry {
      const { done, sinceMs, error } = call;
      const entry: Entry = { done, sinceMs, position: 0, error, next: null };
      if (newest === null) oldest = entry;
      else newest.next = entry;
      newest = entry;
      pending += 1;
      return entry;
    },
    settle(forwarded: Position): void {
      // What is called may append, which may settle at once: the running loop takes that too.
      if (isSettling) return;
      isSettling = true;
      try {
        while (oldest !== null && isDecided(oldest, forwarded)) {
          const entry: Entry = oldest;
          oldest = entry.next;
          if (oldest === null) newest = null;
          pending -= 1;
          entry.done(entry.error, entry.error === null ? entry.position : 0);
        }
      } finally {
        isSettling = false;
      }
    },
    /** Refuses all that wait; answers how many were not refused before. */
    refuse(error: CodedError): number {
      let refused = 0;
      for (let entry = oldest; entry !== null; entry = entry.next) {
        if (entry.error !== null) continue;
        entry.error = error;
        refused += 1;
      }
      return refused;
    },
  };
}

/** Refused, or in Kafka. An entry that the disk has not answered keeps its place in the order. */
function isDecided({ error, position }: Entry, forwarded: Position): boolean {
  return error !== null || (position > 0 && position <= forwarded);
}
