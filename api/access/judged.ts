/** Keeps the time by which embargoes, grants and retention are judged from one run to the next. */
import type { Clock } from '../../devices/clock.ts';
import type { Database } from '../../devices/database.ts';
import { createJudgedTime, type JudgedTime } from '../../devices/judged-time.ts';
import type { ApiConfig } from '../config.ts';
import type { ApiEvents } from '../events.ts';

export interface JudgedOptions {
  readonly kept: Database;
  readonly clock: Clock;
  readonly config: Pick<ApiConfig, 'clockJumpMsMax'>;
  readonly events: Pick<ApiEvents, 'clockHeld' | 'judgedTimeNotKept'>;
  readonly judgedTime?: JudgedTime;
}

/** A jump between two runs is known but for so long. */
const keepMs = 60_000;

export interface Judged {
  /** The judged time, ms UTC; to be asked often, since each call looks for jumps. */
  readonly now: () => number;
  /** Why time is held, a sentence; undefined where it is not. Looks for jumps too. */
  readonly warning: () => string | undefined;
}

export function openJudged(options: JudgedOptions): Judged {
  const { kept, clock, config, events } = options;
  const time = options.judgedTime ?? createJudgedTime(clock);
  const write = kept.prepare('INSERT OR REPLACE INTO judged_time (one, at) VALUES (1, ?)');
  const found = kept.prepare('SELECT at FROM judged_time').get()?.['at'];
  time.begin({
    jumpMsMax: config.clockJumpMsMax,
    seenAt: found === undefined || found === null ? undefined : Number(found),
    changed: (state) => events.clockHeld(state),
  });
  let keptAtMs = -Infinity;
  function now(): number {
    const at = time.now();
    const nowMs = clock.monotonicMs();
    if (nowMs - keptAtMs < keepMs) return at;
    keptAtMs = nowMs;
    try {
      write.run(at);
    } catch (error) {
      events.judgedTimeNotKept(error);
    }
    return at;
  }

  return {
    now,
    warning() {
      const judged = new Date(now()).toISOString();
      if (!time.isHeld) return undefined;
      const told = new Date(clock.now()).toISOString();
      return `the clock has jumped ahead to ${told}: embargoes, grants and logs end by ${judged} and the time that passes (clockJumpMsMax)`;
    },
  };
}
