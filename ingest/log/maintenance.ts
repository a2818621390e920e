import type { Clock, Scheduled } from '../../devices/clock.ts';
import type { LogConfig, LogRetention } from './config.ts';
import type { SharedDurableEnd } from './durable-end.ts';
import { writeFailure } from './errors.ts';
import type { LogEvents } from './events.ts';
import type { Position } from './log.ts';
import type { ClosedSegment } from './recovery.ts';
import { chooseTrim, deleteSegment } from './retention.ts';
import type { Rewrite } from './rewrite-segment.ts';
import { rewriteSegment } from './rewrite-segment.ts';
import { sealSegment } from './seal-segment.ts';
import { readSeal } from './seal.ts';
import type { LogFolder } from './segment-folder.ts';

export interface MaintenanceOptions {
  readonly folder: LogFolder;
  readonly config: LogConfig;
  readonly retention: LogRetention;
  readonly clock: Clock;
  readonly durableEnd: SharedDurableEnd;
  readonly events: LogEvents;
  /** Ascending; the writer adds at the end, maintenance removes at the start. */
  readonly closed: ClosedSegment[];
  readonly onSizeChanged: () => void;
}

/** A seal that failed is tried again after so many probe intervals. */
const sealRetryIntervals = 10;

/** So many unsealed segments may wait before sealing stops to pause. */
const unsealedMax = 2;

/** What is done to closed segments, one thing at a time: sealing, rewriting, deleting. */
export class Maintenance {
  readonly #options: MaintenanceOptions;
  #queue: Promise<unknown> = Promise.resolve();
  #isSealing = false;
  #isStopped = false;
  #retry: Scheduled | null = null;

  constructor(options: MaintenanceOptions) {
    this.#options = options;
  }

  /** Seals what is closed and not sealed, in the background. */
  sealSoon(): void {
    if (this.#isSealing || this.#isStopped) return;
    this.#isSealing = true;
    void this.#inLine(() => this.#sealAll());
  }

  rewrite(rewrite: Rewrite): Promise<number> {
    return this.#inLine(() => this.#rewrite(rewrite));
  }

  trimBefore(position: Position, reason: string): Promise<void> {
    return this.#inLine(() => this.#trim(position, reason));
  }

  retain(consumed: Position, totalBytes: () => number): Promise<void> {
    return this.#inLine(() => this.#retain(consumed, totalBytes()));
  }

  /** Resolves when nothing is under way. */
  settled(): Promise<void> {
    return this.#inLine(() => Promise.resolve());
  }

  /** Stops sealing at the next slice and waits for the rest. */
  close(): Promise<void> {
    this.#isStopped = true;
    this.#retry?.cancel();
    return this.settled();
  }

  /** Runs jobs one after the other; the caller hears of a failure, the next job goes on. */
  #inLine<Result>(job: () => Promise<Result>): Promise<Result> {
    const result = this.#queue.then(job);
    const settle = (): void => undefined;
    this.#queue = result.then(settle, settle);
    return result;
  }

  async #sealAll(): Promise<void> {
    for (;;) {
      const segment = this.#options.closed.find((one) => !one.sealed);
      if (segment === undefined || this.#isStopped || !(await this.#seal(segment))) break;
    }
    this.#isSealing = false;
  }

  async #seal(segment: ClosedSegment): Promise<boolean> {
    const { folder, config, clock, events, closed, onSizeChanged } = this.#options;
    const unsealed = closed.filter((one) => !one.sealed).length;
    try {
      const seal = await sealSegment(folder, segment, {
        clock,
        sliceMsMax: config.sealSliceMsMax,
        pauseMs: unsealed > unsealedMax ? 0 : config.sealPauseMs,
        isStopped: () => this.#isStopped,
      });
      if (seal === null) return false;
      segment.sealed = true;
      segment.bytes = seal.bytes;
      onSizeChanged();
      for (const [first, last] of seal.damaged) events.damageFound({ first, last });
      events.sealed({ first: segment.first, last: segment.last });
      return true;
    } catch (error) {
      events.sealFailed(error, segment.first);
      this.#retry?.cancel();
      const delayMs = config.probeIntervalMs * sealRetryIntervals;
      this.#retry = clock.schedule(delayMs, () => this.sealSoon());
      return false;
    }
  }

  async #rewrite(rewrite: Rewrite): Promise<number> {
    const { folder, closed, durableEnd, events, onSizeChanged } = this.#options;
    const wanted = [...rewrite.positions].toSorted((one, other) => one - other);
    let [count, next] = [0, 0];
    for (const segment of closed) {
      while ((wanted[next] ?? Infinity) < segment.first) next++;
      const from = next;
      while ((wanted[next] ?? Infinity) <= segment.last) next++;
      if (next === from) continue;
      const positions = new Set(wanted.slice(from, next));
      try {
        const done = await rewriteSegment(folder, segment, { ...rewrite, positions });
        segment.bytes = done.bytes;
        count += done.count;
      } catch (cause) {
        throw writeFailure(cause);
      } finally {
        durableEnd.renew();
      }
    }
    events.rewritten({ records: count, reason: rewrite.reason });
    onSizeChanged();
    return count;
  }

  async #trim(position: Position, reason: string): Promise<void> {
    const { folder, closed, clock, durableEnd, events, onSizeChanged } = this.#options;
    for (;;) {
      const segment = closed[0];
      if (segment === undefined || !segment.sealed || segment.last >= position) return;
      await deleteSegment(folder, segment, { deletedAt: clock.now(), reason }).catch(
        (cause: unknown) => {
          throw writeFailure(cause);
        },
      );
      closed.shift();
      durableEnd.renew();
      const { first, last, bytes } = segment;
      events.trimmed({ first, last, bytes });
      onSizeChanged();
    }
  }

  async #retain(consumed: Position, totalBytes: number): Promise<void> {
    const { folder, closed, clock, retention } = this.#options;
    const sealed: { last: Position; bytes: number; closedAt: number }[] = [];
    const choose = (): Position =>
      chooseTrim(retention, { sealed, totalBytes, now: clock.now(), consumed });
    for (const segment of closed) {
      if (!segment.sealed) break;
      const { closedAt } = await readSeal(folder, segment.first);
      sealed.push({ last: segment.last, bytes: segment.bytes, closedAt });
      if (choose() <= segment.last) break;
    }
    await this.#trim(choose(), 'retention');
  }
}
