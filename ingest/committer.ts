/**
 * Seals stretches into batches, appends them to `observations`, and gives them to the store once they
 * are durable. One commit is in flight at a time; the next stretch is decided meanwhile. A batch that
 * the log refuses is offered again, the same bytes, until it is kept: nothing is decided twice.
 */
import type { Clock } from '../devices/clock.ts';
import { CodedError } from '../devices/coded-error.ts';
import { assertBalance, type Balance } from './balance.ts';
import type { IngestConfig } from './config.ts';
import type { Pending } from './decide/pending.ts';
import type { IngestEvents } from './events.ts';
import type { LogWriter, Position } from './log/log.ts';
import { encodeBatch } from './observations/batch-codec.ts';
import type { Batch } from './observations/batch.ts';
import type { ObservationRow } from './observation.ts';
import type { StoreWriter } from './store/store.ts';

export interface CommitterParts {
  readonly clock: Clock;
  readonly observations: LogWriter;
  readonly store: StoreWriter;
  readonly pending: Pending;
  readonly balance: Balance;
  readonly events: IngestEvents;
  readonly config: IngestConfig['stretch'];
  /** Registry version in force behind the stretch. */
  readonly registryVersion: () => number;
  /** All readings up to this position are settled in a durable batch. */
  readonly onKept: (consumed: Position) => void;
  /** What the log will not take again, or a defect. */
  readonly onFailed: (error: unknown) => void;
}

export interface Committer {
  readonly isBusy: boolean;
  /** Why the log did not take the batch in flight, which is offered again; undefined where it did. */
  readonly refusal: Error | undefined;
  /** Earliest monotonic time at which the next commit may begin. */
  readonly nextAtMs: number;
  /** Ends the stretch; all readings up to `consumed` are in it. Not while busy. */
  commit(consumed: Position): void;
  /** Resolves when nothing is in flight; rejects once a batch could not be kept for good. */
  idle(): Promise<void>;
}

export function openCommitter(parts: CommitterParts): Committer {
  const { clock, observations, store, pending, events, config } = parts;
  const seal = createSealer(parts);
  let isBusy = false;
  let nextAtMs = Number.NEGATIVE_INFINITY;
  let failure: Error | undefined;
  let refusal: Error | undefined;
  const waiters = createWaiters();

  function fail(error: unknown): void {
    failure = error instanceof Error ? error : new Error(String(error));
    parts.onFailed(failure);
    waiters.wake();
  }

  function offer(batch: Batch, bytes: Uint8Array, sinceMs: number): void {
    const fill = (target: Buffer, at: number): void => target.set(bytes, at);
    try {
      observations.append(bytes.length, fill, (error, position) => {
        if (error === null) kept(position, batch, bytes.length, clock.monotonicMs() - sinceMs);
        else if (error instanceof CodedError && !error.canRetry) fail(error);
        else offerAgain(error, batch, bytes, sinceMs);
      });
    } catch (error) {
      fail(error);
    }
  }

  function offerAgain(error: Error, batch: Batch, bytes: Uint8Array, sinceMs: number): void {
    refusal = error;
    events.batchRefused(error);
    clock.schedule(config.commitRetryMs, () => offer(batch, bytes, sinceMs));
  }

  function kept(position: Position, batch: Batch, sizeBytes: number, tookMs: number): void {
    try {
      store.apply(position, batch);
      pending.applied();
      events.batchKept(batch, sizeBytes, tookMs);
      isBusy = false;
      refusal = undefined;
      parts.onKept(batch.consumed);
      waiters.wake();
    } catch (error) {
      fail(error);
    }
  }

  return {
    get isBusy() {
      return isBusy;
    },
    get refusal() {
      return refusal;
    },
    get nextAtMs() {
      return nextAtMs;
    },
    commit(consumed) {
      const sinceMs = clock.monotonicMs();
      const batch = seal(consumed);
      isBusy = true;
      nextAtMs = sinceMs + config.commitIntervalMs;
      offer(batch, encodeBatch(batch), sinceMs);
    },
    async idle() {
      if (isBusy && failure === undefined) await waiters.wait();
      if (failure !== undefined) throw failure;
    },
  };
}

function createWaiters(): { readonly wait: () => Promise<void>; readonly wake: () => void } {
  let waiting: (() => void)[] = [];
  return {
    wait: () => new Promise((resolve) => void waiting.push(resolve)),
    wake() {
      const woken = waiting;
      waiting = [];
      for (const resolve of woken) resolve();
    },
  };
}

/** Ends the stretch being decided and makes a batch of it; both balance laws hold in each. */
function createSealer(parts: CommitterParts): (consumed: Position) => Batch {
  const { clock, store, pending, balance } = parts;
  let publishedAt = store.publishedAt;
  let last = { consumed: store.consumed, totals: { ...balance } };
  return (consumed) => {
    const totals = { ...balance };
    assertBalance(last, { consumed, totals });
    last = { consumed, totals };
    const { rows, quarantined, control } = pending.begin();
    publishedAt = Math.max(publishedAt, clock.now());
    for (const row of rows) publish(row, publishedAt);
    const registryVersion = parts.registryVersion();
    return { publishedAt, consumed, totals, registryVersion, rows, quarantined, control };
  };
}

/** The one field of a row that is known only when its batch is sealed. */
function publish(row: ObservationRow, publishedAt: number): void {
  (row as { publishedAt: number }).publishedAt = publishedAt;
}
