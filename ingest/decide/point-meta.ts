import { reasons, type Reason } from '../quality.ts';

/**
 * What the memory holds of a point beside its value and digits, in one integer: qualifiers in the
 * low 15 bits, the reason in the next 3, then what is known of its key.
 */
export const metaBits = {
  /** Exactly one value is kept of the key: a repeat of it is seen without asking the store. */
  single: 1 << 18,
  /** The current value has a result time of its own. */
  ownResultAt: 1 << 19,
  /** The message carried no time: promise 3 asks for its payload. */
  timeless: 1 << 20,
} as const;

const qualifiersMask = (1 << 15) - 1;

export function metaOf(qualifiers: number, reason: Reason | null, bits: number): number {
  const place = reason === null ? 0 : reasons.indexOf(reason) + 1;
  return (qualifiers & qualifiersMask) | (place << 15) | bits;
}

export function qualifiersOfMeta(meta: number): number {
  return meta & qualifiersMask;
}

export function reasonOfMeta(meta: number): Reason | null {
  return reasons[((meta >> 15) & 7) - 1] ?? null;
}
