/** Since when Kafka is away, and until when the own log can hold what comes meanwhile. */
import type { Clock } from '../../../devices/clock.ts';
import { CodedError } from '../../../devices/coded-error.ts';
import type { Position } from '../../log/log.ts';
import type { ForwardConfig } from './config.ts';
import type { Away, ForwardEvents } from './events.ts';

export interface SpoolOptions {
  readonly clock: Clock;
  readonly config: Pick<ForwardConfig, 'alarmAfterMs' | 'alarmEveryMs'>;
  readonly events: ForwardEvents;
  /** Bytes by which the own log may still grow. */
  readonly freeBytes: () => Promise<number>;
}

export interface Spool {
  /** Now and then, with where the own log ends: its rate is measured by it. */
  observe(end: Position): void;
  /** A record of the own log, with its framing. */
  sized(bytes: number): void;
  failed(error: unknown, waiting: number): Promise<void>;
  succeeded(waiting: number): void;
  /** Null while Kafka takes readings. */
  away(waiting: number): Away | null;
}

/** The rate is that of the last minute or so: a message every five seconds does not jump. */
const rateWindowMs = 60_000;
/** Share of the newest record in the mean size. */
const sizeShare = 1 / 64;

export function createSpool({ clock, config, events, freeBytes }: SpoolOptions): Spool {
  let recordBytes: number | undefined;
  let ratePerMs = 0;
  let observedMs = 0;
  let seen: { readonly end: Position; readonly atMs: number } | undefined;
  let sinceAt = 0;
  let sinceMs: number | undefined;
  let alarmAtMs = 0;
  let untilAt: number | null = null;

  const awayWith = (waiting: number): Away => ({ sinceAt, waiting, spoolUntilAt: untilAt });

  async function estimate(): Promise<void> {
    const bytesPerMs = ratePerMs * (recordBytes ?? 0);
    try {
      const free = Math.max(0, await freeBytes());
      untilAt = bytesPerMs > 0 ? Math.round(clock.now() + free / bytesPerMs) : null;
    } catch (error) {
      events.spoolUnknown(error);
      untilAt = null;
    }
  }

  return {
    observe(end) {
      const atMs = clock.monotonicMs();
      const tookMs = seen === undefined ? 0 : atMs - seen.atMs;
      if (seen !== undefined && tookMs > 0) {
        observedMs += tookMs;
        const share = tookMs / Math.max(tookMs, Math.min(observedMs, rateWindowMs));
        ratePerMs += ((end - seen.end) / tookMs - ratePerMs) * share;
      }
      if (seen === undefined || tookMs > 0) seen = { end, atMs };
    },
    sized(bytes) {
      recordBytes =
        recordBytes === undefined ? bytes : recordBytes + (bytes - recordBytes) * sizeShare;
    },
    async failed(error, waiting) {
      const nowMs = clock.monotonicMs();
      const isFirst = sinceMs === undefined;
      if (sinceMs === undefined) {
        sinceMs = nowMs;
        sinceAt = clock.now();
        alarmAtMs = nowMs + config.alarmAfterMs;
      }
      await estimate();
      // What no later try can mend is an operator's matter from the first moment on.
      const isHopeless = error instanceof CodedError && !error.canRetry;
      const isAlarm = nowMs >= alarmAtMs || (isFirst && isHopeless);
      if (isAlarm) alarmAtMs = nowMs + config.alarmEveryMs;
      const tone = isAlarm ? 'alarm' : isFirst ? 'warning' : 'silent';
      events.sendFailed(error, tone, awayWith(waiting));
    },
    succeeded(waiting) {
      if (sinceMs === undefined) return;
      events.returned(clock.monotonicMs() - sinceMs, waiting);
      sinceMs = undefined;
      untilAt = null;
    },
    away: (waiting) => (sinceMs === undefined ? null : awayWith(waiting)),
  };
}
