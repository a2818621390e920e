import type { Digit } from './check.ts';

/**
 * Where a phenomenon time comes from: the device's own clock (plausible); the receive time because
 * the message carried none; the receive time in place of a time that cannot be.
 */
export type TimeSource = 'device' | 'receive' | 'replaced';

/** 1 for the device's own time, 2 where there was none to test, 3 where the sent one was replaced. */
export function timeDigit(source: TimeSource): Digit {
  if (source === 'device') return 1;
  return source === 'receive' ? 2 : 3;
}
