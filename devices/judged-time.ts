/**
 * The time by which embargoes and grants end and by which what was kept is deleted: the machine's,
 * but for jumps ahead. A clock that is wrong by years, and mended an hour later, would have opened
 * what is closed and deleted a log for good.
 *
 *   A look compares the wall clock with where it must be: at the last look, plus monotonic time since.
 *   At most `jumpMsMax` ahead of that, or behind it, it is believed. Further ahead, time is *held*: it
 *   goes on from the last look at the pace of monotonic time, until the clock is mended, or has gone
 *   evenly for `jumpMsMax`: then it is the time after all.
 *
 * What was last believed is kept by the caller, so that a jump while nobody ran is seen too; a server
 * that was off for longer than `jumpMsMax` is late by that bound, and opens nothing early.
 */
import type { Clock } from './clock.ts';

export interface JudgedTime {
  /** Milliseconds UTC. Until `begin` the clock's. */
  now(): number;
  begin(options: JudgedTimeOptions): void;
  readonly isHeld: boolean;
}

export interface JudgedTimeOptions {
  readonly jumpMsMax: number;
  /** What was believed when somebody last ran; undefined at the first start. */
  readonly seenAt: number | undefined;
  /** Told when it begins to be held, and when it no longer is. */
  readonly changed: (state: HeldTime) => void;
}

export interface HeldTime {
  readonly isHeld: boolean;
  /** What the clock says. */
  readonly clockAt: number;
  readonly judgedAt: number;
}

/** A clock that is set again by no more than this goes evenly. */
const unevenMsMax = 60_000;

interface Held {
  readonly sinceMs: number;
  /** The wall clock less monotonic time. */
  readonly offsetMs: number;
}

export function createJudgedTime(clock: Clock): JudgedTime {
  let options: JudgedTimeOptions | undefined;
  let base = { at: 0, ms: 0 };
  let held: Held | undefined;

  function become(next: Held | undefined, clockAt: number): void {
    const isChange = (next === undefined) !== (held === undefined);
    held = next;
    if (isChange) options?.changed({ isHeld: held !== undefined, clockAt, judgedAt: base.at });
  }

  function look(jumpMsMax: number): void {
    const at = clock.now();
    const ms = clock.monotonicMs();
    const expectedAt = base.at + Math.round(ms - base.ms);
    const offsetMs = at - ms;
    const isEven = held !== undefined && Math.abs(offsetMs - held.offsetMs) <= unevenMsMax;
    const isLong = isEven && ms - (held?.sinceMs ?? ms) >= jumpMsMax;
    if (at - expectedAt <= jumpMsMax || isLong) {
      base = { at, ms };
      become(undefined, at);
      return;
    }
    base = { at: expectedAt, ms };
    become(isEven ? held : { sinceMs: ms, offsetMs }, at);
  }

  return {
    now() {
      if (options === undefined) return clock.now();
      look(options.jumpMsMax);
      return base.at;
    },
    begin(given) {
      options = given;
      held = undefined;
      base = { at: given.seenAt ?? clock.now(), ms: clock.monotonicMs() };
    },
    get isHeld() {
      return held !== undefined;
    },
  };
}
