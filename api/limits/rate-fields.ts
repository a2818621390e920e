/**
 * The fields of draft-ietf-httpapi-ratelimit-headers-11 (23 May 2026): lists of strings with integers
 * as parameters (RFC 9651 §3). Quota units are our own, which §3.1.2 would have registered, so `qu` is
 * left out: a request takes one, and what its answer reads takes more.
 */
import type { Quota, Standing } from './buckets.ts';

export interface Policy {
  /** Letters, digits and `-`. */
  readonly name: string;
  readonly quota: Quota;
}

/** `RateLimit-Policy` (§3): the same in every answer. */
export function policyField({ name, quota }: Policy): string {
  return `"${name}";q=${quota.units};w=${Math.ceil(quota.windowMs / 1000)}`;
}

/**
 * `RateLimit` (§4). A bucket has no window that ends, so `t` is the time in which what is left would
 * flow in: whoever spreads `r` over `t` keeps to the quota, and r/t is never above q/w (§6, §8.5).
 */
export function limitField({ name, quota }: Policy, standing: Standing): string {
  return `"${name}";r=${standing.left};t=${windowSeconds(quota, standing)}`;
}

/** `Retry-After` is never before the end of the window that was told (§6). */
export function retrySeconds(quota: Quota, standing: Standing): number {
  return Math.max(windowSeconds(quota, standing), Math.ceil(standing.waitMs / 1000));
}

function windowSeconds({ units, windowMs }: Quota, { left }: Standing): number {
  return Math.max(1, Math.ceil((left * windowMs) / units / 1000));
}
