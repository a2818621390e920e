import type { Points, SeriesRules } from '../checks/check.ts';
import { judgePoint } from '../checks/judge.ts';

/** Places of the digits of a code that compare with neighbours (`checks/digits.ts`). */
const neighbourWeights = [25, 125, 625, 3_125] as const;

/**
 * The code of a value judged by itself, its neighbours' digits 2: of a value superseded on arrival,
 * and of a key beside another that ends at the same time with a shorter interval.
 */
export function judgeAlone(
  value: number,
  endAt: number,
  rules: SeriesRules,
  given: number,
): number {
  const points: Points = {
    endAt: Float64Array.of(endAt),
    value: Float64Array.of(value),
    sound: Uint8Array.of(0),
    from: 0,
    to: 1,
  };
  let code = judgePoint(points, 0, rules, given);
  if (Number.isNaN(value)) return code;
  for (const weight of neighbourWeights) {
    code += (2 - (Math.floor(code / weight) % 5)) * weight;
  }
  return code;
}
