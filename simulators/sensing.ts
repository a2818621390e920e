import type { Aggregation } from '../devices/model.ts';
import type { Random } from '../devices/random.ts';
import type { Sky } from './nature.ts';

/** One channel of a simulated device, as its registry entry and its messages name it. */
export interface SimulatedChannel {
  readonly channel: string;
  readonly property: string;
  /** The unit the device sends in, often not the canonical one. */
  readonly unit: string;
  readonly decimals: number;
  readonly aggregation: Aggregation;
}

/** Values of one moment by channel, unrounded. */
export type Values = Readonly<Record<string, number>>;

/** What a kind of station senses of the sky above it. */
export interface Sensing {
  readonly kind: 'weather' | 'water' | 'air';
  readonly channels: readonly SimulatedChannel[];
  /** A sensor with its own memory (a river keeps yesterday's rain). */
  createSensor(random: Random): (sky: Sky, intervalMs: number) => Values;
}
