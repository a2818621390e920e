/** Judges again what values that came, changed or went outside the usual way may have touched. */
import { givenOfCode } from './change.ts';
import { judgeAt } from './judging.ts';
import { PointWindow, type WindowSource } from './point-window.ts';
import type { SeriesState } from './series.ts';

export interface Place {
  readonly source: WindowSource;
  readonly state: SeriesState;
  readonly heightMm: number;
  /** What ends then or later is somebody else's to judge; absent: nothing is. */
  readonly beforeAt?: number;
}

/** Gives the point at an index of the window its code. */
export type PutCode = (window: PointWindow, at: number, code: number) => void;

/**
 * `ends`: where something changed, ascending; no window of the series may be held. Those that lie
 * near each other are one stretch: its points and neighbours are judged once, however many they are.
 */
export function judgeStretches(place: Place, ends: readonly number[], put: PutCode): void {
  const { source, state, heightMm, beforeAt = Number.POSITIVE_INFINITY } = place;
  const { behindMs } = state.reach;
  for (let from = 0; from < ends.length;) {
    const firstAt = ends[from] ?? 0;
    let lastAt = firstAt;
    for (from++; (ends[from] ?? Number.POSITIVE_INFINITY) <= lastAt + behindMs; from++) {
      lastAt = ends[from] ?? lastAt;
    }
    const window = new PointWindow(state, heightMm, firstAt, source);
    const untilAt = Math.min(lastAt + behindMs, beforeAt - 1);
    judgeStretch(place, window, { firstAt, untilAt, put });
    window.drop();
  }
}

interface Stretch {
  readonly firstAt: number;
  readonly untilAt: number;
  readonly put: PutCode;
}

/** From the last point before the stretch to the last that a value at its end could touch. */
function judgeStretch({ source, state }: Place, opened: PointWindow, stretch: Stretch): void {
  const { firstAt, untilAt, put } = stretch;
  let window = opened;
  const next = window.indexOf(firstAt);
  let fromAt = next > window.from ? (window.endAt[next - 1] ?? firstAt) : firstAt;
  while (fromAt <= untilAt) {
    if (!window.isHeld || !window.reaches(fromAt)) {
      window.drop();
      window = new PointWindow(state, opened.heightMm, fromAt, source);
    }
    const at = window.indexOf(fromAt);
    if (at === window.to) {
      // Nothing up to where the window ends.
      fromAt = window.coveredTo;
      continue;
    }
    const pointAt = window.endAt[at] ?? 0;
    if (pointAt > untilAt) break;
    const fromEnd = window.to - at;
    const given = givenOfCode(window.columns.code[at] ?? 0);
    const code = judgeAt(window, fromEnd, given);
    put(window, window.to - fromEnd, code);
    fromAt = pointAt + 1;
  }
  if (window !== opened) window.drop();
}
