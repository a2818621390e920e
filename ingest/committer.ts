/**
 * Seals stretches into batches, appends them to `observations`, and gives them to the store once they
 * are durable. One commit is in flight at a time; the next stretch is decided meanwhile. A batch that
 * the log refuses is offered again until it is kept, as published when it is offered: nothing is
 * decided twice, and nothing shows as published at a moment that has been told of without it.
 */
import type { Clock } from '../devices/clock.ts';
import { CodedError } from '../devices/coded-error.ts';
import { assertBalance, type Balance } from './balance.ts';
import type { IngestConfig } from './config.ts';
import type { PassedReading, Pending } from './decide/pending.ts';
import type { IngestEvents } from './events.ts';
import type { Position } from './log/log.ts';
import { encodeBatch } from './observations/batch-codec.ts';
import type { Batch } from './observations/batch.ts';
import type { ObservationRow } from './observation.ts';
import type { Sources } from './sources.ts';
import type { StoreWriter } from './store/store.ts';

/** Where batches are kept: the log `observations`, or a partition of the topic of that name. */
export interface BatchLog {
  /** By how much our clock is behind the log's own, as far as is known; absent: it has none. */
  readonly clockBehindMs?: number;
  /**
   * As `LogWriter.append`. `passed` is kept with the record, all or nothing: readings that concern
   * series of other partitions; a log without partitions is given none.
   */
  append(
    sizeBytes: number,
    fill: (target: Buffer, at: number) => void,
    done: (error: Error | null, position: Position) => void,
    passed?: readonly PassedReading[],
  ): void;
}

/** A batch on its way to the log. */
interface Sealed {
  readonly batch: Batch;
  readonly bytes: Uint8Array;
  readonly passed: readonly PassedReading[];
  readonly sinceMs: number;
}

export interface CommitterParts {
  readonly clock: Clock;
  readonly observations: BatchLog;
  readonly store: StoreWriter;
  readonly pending: Pending;
  readonly balance: Balance;
  readonly events: IngestEvents;
  readonly config: IngestConfig['stretch'];
  /** Cluster profile: what of each node's log has been taken. */
  readonly sources: Sources | undefined;
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

  function offer({ batch, passed, sinceMs }: Omit<Sealed, 'bytes'>): void {
    const bytes = encodeBatch(batch);
    const sealed = { batch, bytes, passed, sinceMs };
    const done = (error: Error | null, position: Position): void => {
      if (error === null) kept(position, sealed);
      else if (error instanceof CodedError && !error.canRetry) fail(error);
      else offerAgain(error, sealed);
    };
    try {
      observations.append(bytes.length, (target, at) => target.set(bytes, at), done, passed);
    } catch (error) {
      fail(error);
    }
  }

  function offerAgain(error: Error, sealed: Sealed): void {
    refusal = error;
    events.batchRefused(error);
    const again = (): void => offer({ ...sealed, batch: seal.again(sealed.batch) });
    clock.schedule(config.commitRetryMs, again);
  }

  function kept(position: Position, { batch, bytes, sinceMs }: Sealed): void {
    try {
      store.apply(position, batch);
      pending.applied();
      events.batchKept(batch, bytes.length, clock.monotonicMs() - sinceMs);
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
      const { passed } = pending.current;
      const batch = seal.first(consumed);
      isBusy = true;
      nextAtMs = sinceMs + config.commitIntervalMs;
      offer({ batch, passed, sinceMs });
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

interface Sealer {
  /** Ends the stretch being decided and makes a batch of it; both balance laws hold in each. */
  first(consumed: Position): Batch;
  /** The same batch as of now. */
  again(batch: Batch): Batch;
}

function createSealer(parts: CommitterParts): Sealer {
  const { clock, observations, store, pending, balance, sources } = parts;
  let publishedAt = store.publishedAt;
  let last = { consumed: sources?.total ?? store.consumed, totals: { ...balance } };

  function stamp(rows: Batch['rows']): number {
    // Of a partition two batches never share an instant, so that an instant names a batch there.
    const now = clock.now() + (observations.clockBehindMs ?? 0);
    publishedAt = Math.max(publishedAt + (sources === undefined ? 0 : 1), now);
    for (const row of rows) publish(row, publishedAt);
    return publishedAt;
  }

  function first(consumed: Position): Batch {
    const totals = { ...balance };
    const ledger = { consumed: sources?.total ?? consumed, totals };
    assertBalance(last, ledger);
    last = ledger;
    const { rows, quarantined, control } = pending.begin();
    const registryVersion = parts.registryVersion();
    const what = { consumed, totals, registryVersion, rows, quarantined, control };
    const batch = { ...what, publishedAt: stamp(rows) };
    return sources === undefined ? batch : { ...batch, sources: sources.marks() };
  }

  return { first, again: (batch) => ({ ...batch, publishedAt: stamp(batch.rows) }) };
}

/** The one field of a row that is known only when its batch is sealed. */
function publish(row: ObservationRow, publishedAt: number): void {
  (row as { publishedAt: number }).publishedAt = publishedAt;
}
