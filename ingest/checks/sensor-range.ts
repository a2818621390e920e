import type { SeriesRules, ValueCheck } from './check.ts';

/**
 * QARTOD gross range: outside what the sensor can report fails, outside what occurs is suspect.
 * Bounds are inclusive; an infinite value fails.
 */
export const sensorRange: ValueCheck = {
  id: 'sensorRange',
  judge(value, _endAt, rules) {
    const { sensorRange: sensor, userRange: user } = rules;
    if (sensor === null && user === null) return 2;
    if (sensor !== null && !(value >= sensor.min && value <= sensor.max)) return 4;
    if (user !== null && !(value >= user.min && value <= user.max)) return 3;
    return 1;
  },
};

/** Whether the value lies where the sensor cannot report: such a value is no neighbour. */
export function isOutsideSensorRange(value: number, rules: SeriesRules): boolean {
  const sensor = rules.sensorRange;
  return sensor !== null && !(value >= sensor.min && value <= sensor.max);
}
