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

/** Returns the judged time, ms UTC; to be asked often, since each call looks for jumps. */
export function openJudged(options: JudgedOptions): () => number {
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
  return () => {
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
  };
}
