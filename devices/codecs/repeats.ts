import type { Decoded, DecodedMeasurement, DecodeFault } from './codec.ts';
import { channelFault } from './decoding.ts';

/**
 * One message can hold one value of a channel for one time. Where it holds several that differ,
 * which one counts cannot be known: each becomes a fault of that channel alone. Equal ones pass, and
 * are counted as duplicates further on. Times are equal when start, end, result time and height are.
 * @param offsets where each measurement stands in the payload
 */
export function withoutContradictions(
  measurements: readonly DecodedMeasurement[],
  offsets: readonly number[],
  faults: readonly DecodeFault[],
): Decoded {
  const firsts = new Map<string, DecodedMeasurement>();
  const contradicted = new Set<string>();
  for (const measurement of measurements) {
    const key = keyOf(measurement);
    const first = firsts.get(key);
    if (first === undefined) firsts.set(key, measurement);
    else if (!isSame(first, measurement)) contradicted.add(key);
  }
  if (contradicted.size === 0) return { measurements, faults };
  const kept: DecodedMeasurement[] = [];
  const added = [...faults];
  for (const [index, measurement] of measurements.entries()) {
    if (!contradicted.has(keyOf(measurement))) kept.push(measurement);
    else {
      added.push(
        channelFault(
          'CODEC_CHANNEL_REPEATED',
          offsets[index] ?? -1,
          measurement.channel,
          'one value of a channel for one time',
        ),
      );
    }
  }
  return { measurements: kept, faults: added };
}

function keyOf(measurement: DecodedMeasurement): string {
  const { endAt, startAt, resultAt, heightMetres, channel } = measurement;
  return `${endAt} ${startAt} ${resultAt} ${heightMetres} ${channel}`;
}

function isSame(left: DecodedMeasurement, right: DecodedMeasurement): boolean {
  return (
    left.value === right.value &&
    left.decimals === right.decimals &&
    left.text === right.text &&
    left.unit === right.unit &&
    left.quality === right.quality
  );
}
