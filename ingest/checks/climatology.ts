import type { ValueCheck } from './check.ts';

/** Suspect outside the range of the month, in the station's local year. Bounds are inclusive. */
export const climatology: ValueCheck = {
  id: 'climatology',
  judge(value, endAt, rules) {
    const months = rules.climatology;
    if (months === null) return 2;
    const span = months[rules.monthOf(endAt)];
    if (span === undefined) return 2;
    return value >= span.min && value <= span.max ? 1 : 3;
  },
};
