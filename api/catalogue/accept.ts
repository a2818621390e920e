/** RFC 9110 §12.5.1 for a few whole types: the one of greatest weight, then our order. */
import { apiError } from '../errors.ts';

const entriesMax = 64;

/** Throws API_NOT_ACCEPTABLE. No Accept: the first of the offered. */
export function chooseType<Name extends string>(
  accept: string | undefined,
  offered: readonly (readonly [name: Name, mediaType: string])[],
): Name {
  const ranges = (accept ?? '*/*').split(',', entriesMax).map(readRange);
  let best: Name | undefined;
  let bestWeight = 0;
  for (const [name, mediaType] of offered) {
    const weight = weightOf(ranges, mediaType);
    if (weight > bestWeight) [best, bestWeight] = [name, weight];
  }
  if (best === undefined) {
    throw apiError('API_NOT_ACCEPTABLE', { accepted: offered.map(([, mediaType]) => mediaType) });
  }
  return best;
}

interface Range {
  readonly type: string;
  readonly weight: number;
}

function readRange(entry: string): Range {
  const [type = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase());
  const given = parameters.find((parameter) => parameter.startsWith('q='));
  const weight = given === undefined ? 1 : Number(given.slice(2));
  return { type, weight: weight >= 0 && weight <= 1 ? weight : 0 };
}

/** That of the most exact range that names the type. */
function weightOf(ranges: readonly Range[], mediaType: string): number {
  const [main = ''] = mediaType.split('/', 1);
  for (const type of [mediaType, `${main}/*`, '*/*']) {
    const found = ranges.filter((range) => range.type === type);
    if (found.length > 0) return Math.max(...found.map(({ weight }) => weight));
  }
  return 0;
}
