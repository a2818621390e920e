import { sleep, type Clock } from '../devices/clock.ts';
import type { ApiContext } from './context.ts';
import { apiError } from './errors.ts';
import { readInstant } from './instant.ts';
import type { Moment } from './places/places.ts';

const lookMs = 20;

/** What was published at the moment of the parameter `asOf`. */
export async function readAsOf(context: ApiContext, text: string): Promise<Moment> {
  const at = readInstant(text, 'asOf');
  if (at > context.clock.now()) throw apiError('API_AS_OF_FUTURE', { parameter: 'asOf' });
  return context.places.asOf(at);
}

/** Resolves as soon as it is so; false where it is not so within `waitMs`. */
export async function comesTrue(
  clock: Clock,
  waitMs: number,
  isTrue: () => boolean,
): Promise<boolean> {
  const giveUpAtMs = clock.monotonicMs() + waitMs;
  while (!isTrue()) {
    if (clock.monotonicMs() > giveUpAtMs) return false;
    await sleep(clock, lookMs);
  }
  return true;
}
