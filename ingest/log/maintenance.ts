import type { Clock, Scheduled } from '../../devices/clock.ts';
import type { LogConfig, LogRetention } from './config.ts';
import type { SharedDurableEnd } from './durable-end.ts';
import type { LogEvents } from './events.ts';
import type { Position } from './log.ts';
import type { ClosedSegment } from './recovery.ts';
import { chooseTrim, deleteSegment } from './retention.ts';
import type { Rewrite } from './rewrite-segment.ts';
import { rewriteSegment } from './rewrite-segment.ts';
import { sealSegment } from './seal-segment.ts';
import { readSeal } from './seal.ts';
import type { LogFolder } from './segment-folder.ts';

/** What is done to closed segments, one thing at a time: sealing, rewriting, deleting. */
export interface Maintenance {
  /** Seals what is closed and not sealed, in the background. */
  sealSoon(): void;
  rewrite(rewrite: Rewrite): Promise<number>;
  trimBefore(position: Position, reason: string): Promise<void>;
  retain(consumed: Position, totalBytes: () => number): Promise<void>;
  warnIfNearlyFull(bytes: number): void;
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
  /** Stops sealing at the next slice and waits for the rest. */
  close(): Promise<void>;
}

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

export function createMaintenance(options: MaintenanceOptions): Maintenance {
  const { folder, config, clock, events, closed, durableEnd, retention } = options;
  let queue: Promise<unknown> = Promise.resolve();
  let isSealing = false;
  let isStopped = false;
  let hasWarned = false;
  let retry: Scheduled | null = null;

  /** Runs jobs one after the other; a job that fails does not stop the next. */
  function inLine<Result>(job: () => Promise<Result>): Promise<Result> {
    const result = queue.then(job);
    queue = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  function sealSoon(): void {
    if (isSealing || isStopped) return;
    isSealing = true;
    void inLine(sealAll);
  }

  async function sealAll(): Promise<void> {
    for (;;) {
      const segment = closed.find((one) => !one.sealed);
      if (segment === undefined || isStopped) break;
      if (!(await sealOne(segment))) break;
    }
    isSealing = false;
  }

  async function sealOne(segment: ClosedSegment): Promise<boolean> {
    const pace = {
      clock,
      sliceMsMax: config.sealSliceMsMax,
      // When the writer closes segments faster than they are sealed, sealing takes longer turns.
      pauseMs: closed.filter((one) => !one.sealed).length > 2 ? 0 : config.sealPauseMs,
      isStopped: () => isStopped,
    };
    try {
      const seal = await sealSegment(folder, segment, pace);
      if (seal === null) return false;
      segment.sealed = true;
      segment.bytes = seal.bytes;
      options.onSizeChanged();
      for (const [first, last] of seal.damaged) events.damageFound({ first, last });
      events.sealed({ first: segment.first, last: segment.last });
      return true;
    } catch (error) {
      events.sealFailed(error, segment.first);
      retry?.cancel();
      retry = clock.schedule(config.probeIntervalMs * sealRetryIntervals, sealSoon);
      return false;
    }
  }

  async function rewrite(wanted: Rewrite): Promise<number> {
    let count = 0;
    for (const segment of [...closed]) {
      const positions = new Set<Position>();
      for (const position of wanted.positions) {
        if (position >= segment.first && position <= segment.last) positions.add(position);
      }
      if (positions.size === 0) continue;
      try {
        const done = await rewriteSegment(folder, segment, { ...wanted, positions });
        segment.bytes = done.bytes;
        count += done.count;
      } finally {
        durableEnd.renew();
      }
    }
    if (count > 0) events.rewritten({ records: count, reason: wanted.reason });
    options.onSizeChanged();
    return count;
  }

  async function trim(position: Position, reason: string): Promise<void> {
    for (;;) {
      const segment = closed[0];
      if (segment === undefined || !segment.sealed || segment.last >= position) return;
      await deleteSegment(folder, segment, { deletedAt: clock.now(), reason });
      closed.shift();
      durableEnd.renew();
      const { first, last, bytes } = segment;
      events.trimmed({ first, last, bytes });
      options.onSizeChanged();
    }
  }

  async function retain(consumed: Position, totalBytes: () => number): Promise<void> {
    const sealed: { last: Position; bytes: number; closedAt: number }[] = [];
    for (const segment of closed) {
      if (!segment.sealed || segment.last > consumed) break;
      const { closedAt } = await readSeal(folder, segment.first);
      sealed.push({ last: segment.last, bytes: segment.bytes, closedAt });
      const state = { sealed, totalBytes: totalBytes(), now: clock.now(), consumed };
      if (chooseTrim(retention, state) <= segment.last) break;
    }
    const state = { sealed, totalBytes: totalBytes(), now: clock.now(), consumed };
    await trim(chooseTrim(retention, state), 'retention');
  }

  function warnIfNearlyFull(bytes: number): void {
    const { warnBytesMax } = retention;
    if (warnBytesMax === null) return;
    if (bytes <= warnBytesMax) hasWarned = false;
    else if (!hasWarned) {
      hasWarned = true;
      events.nearlyFull({ bytes, warnBytesMax });
    }
  }

  return {
    sealSoon,
    rewrite: (wanted) => inLine(() => rewrite(wanted)),
    trimBefore: (position, reason) => inLine(() => trim(position, reason)),
    retain: (consumed, totalBytes) => inLine(() => retain(consumed, totalBytes)),
    warnIfNearlyFull,
    settled: () => inLine(() => Promise.resolve()),
    close() {
      isStopped = true;
      retry?.cancel();
      return inLine(() => Promise.resolve());
    },
  };
}
