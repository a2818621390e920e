import type { ApiContext } from './context.ts';
import { apiError } from './errors.ts';
import { readInstant } from './instant.ts';
import type { Moment } from '../ingest/feed/places/places.ts';

/** What was published at the moment of the parameter `asOf`. */
export async function readAsOf(context: ApiContext, text: string): Promise<Moment> {
  const at = readInstant(text, 'asOf');
  if (at > context.clock.now()) throw apiError('API_AS_OF_FUTURE', { parameter: 'asOf' });
  return context.places.asOf(at);
}
