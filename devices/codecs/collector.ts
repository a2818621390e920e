import type { Decoded, DecodedMeasurement, DecodeFault, DecodeLimits } from './codec.ts';
import { assertNotTooMany, channelFault } from './decoding.ts';
import type { CodecErrorCode } from './errors.ts';
import { withoutContradictions } from './repeats.ts';
import type { Decimal } from './scan/decimal.ts';

/** What the plainer formats say of one value; all else that the port knows, they cannot say. */
interface Collected {
  readonly channel: string;
  readonly decimal: Decimal;
  readonly unit: string | null;
  readonly endAt: number;
  readonly timeText: string | null;
  readonly offset: number;
}

/** Gathers the measurements and faults of one message within its bounds. */
export interface Collector {
  add(collected: Collected): void;
  fault(code: CodecErrorCode, offset: number, channel: string, detail: string): void;
  finish(): Decoded;
}

export function createCollector(limits: DecodeLimits): Collector {
  const measurements: DecodedMeasurement[] = [];
  const offsets: number[] = [];
  const faults: DecodeFault[] = [];
  const count = (offset: number) =>
    assertNotTooMany(measurements.length + faults.length, limits, offset);
  return {
    add({ channel, decimal, unit, endAt, timeText, offset }) {
      measurements.push({
        channel,
        value: decimal.value,
        decimals: decimal.decimals,
        text: decimal.text,
        unit,
        quality: null,
        endAt,
        startAt: Number.NaN,
        timeText,
        resultAt: Number.NaN,
        latitude: Number.NaN,
        longitude: Number.NaN,
        heightMetres: Number.NaN,
        seq: Number.NaN,
      });
      offsets.push(offset);
      count(offset);
    },
    fault(code, offset, channel, detail) {
      faults.push(channelFault(code, offset, channel, detail));
      count(offset);
    },
    finish: () => withoutContradictions(measurements, offsets, faults),
  };
}
