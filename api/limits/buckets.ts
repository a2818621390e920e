/**
 * What each client may still use: a bucket of `units` that fills up again in `windowMs`, kept as the
 * one moment at which it is full (the generic cell rate algorithm, ITU-T I.371 annex A, which keeps
 * the same number as its theoretical arrival time). Two laws follow, and are tested:
 *
 *   whoever asks for no more than `units` in any window is never refused,
 *   nobody is admitted for more than 2 × `units` in any window: the full bucket and what flows in.
 *
 * A full bucket is the same as none, so it is forgotten without loss. Nothing else is ever forgotten:
 * where `entriesMax` buckets are all partly used, newcomers share a fixed number of further ones. So
 * memory is bounded, and no flood of addresses gives anyone a new bucket before the old one is full.
 */
export interface Quota {
  readonly units: number;
  readonly windowMs: number;
}

export interface Standing {
  readonly isAdmitted: boolean;
  /** Whole units that are left now. */
  readonly left: number;
  /** Until what was asked for is there; 0 where it was admitted. */
  readonly waitMs: number;
}

export interface Buckets {
  /** Takes units if they are all there; more than a quota counts as a whole one. */
  take(key: string, quota: Quota, units: number): Standing;
  /** Takes units that were used already; nobody comes to owe more than a quota. */
  charge(key: string, quota: Quota, units: number): void;
  /** Share of the quota that is used now: 0 to 2, where one quota is owed. */
  used(key: string, quota: Quota): number;
  readonly size: number;
}

export interface BucketsOptions {
  readonly entriesMax: number;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  /** Any number below 2³², so that nobody can choose with whom to share. */
  readonly seed: number;
  /** A newcomer shares a bucket because all are in use. */
  readonly onShared: () => void;
}

const sharedMax = 4_096;
/** Oldest buckets looked at whenever one is used: more may be forgotten than can come. */
const lookedAt = 2;
/** Of sums of fractions; far below what one unit takes to flow in. */
const roundingMs = 1e-6;

interface Bucket {
  fullAtMs: number;
}

export function createBuckets(options: BucketsOptions): Buckets {
  const { entriesMax, nowMs, seed, onShared } = options;
  /** The one used longest ago comes first. */
  const buckets = new Map<string, Bucket>();
  const shared: Bucket[] = Array.from({ length: sharedMax }, () => ({ fullAtMs: -Infinity }));

  function bucketOf(key: string, now: number): Bucket {
    const found = buckets.get(key);
    if (found !== undefined) buckets.delete(key);
    forgetFull(now);
    if (found !== undefined) {
      buckets.set(key, found);
      return found;
    }
    if (buckets.size >= entriesMax) {
      onShared();
      return shared[hashOf(key, seed) % sharedMax] ?? { fullAtMs: now };
    }
    const bucket: Bucket = { fullAtMs: now };
    buckets.set(key, bucket);
    return bucket;
  }

  function forgetFull(now: number): void {
    let left = lookedAt;
    for (const [key, { fullAtMs }] of buckets) {
      if (left === 0 || fullAtMs > now) return;
      buckets.delete(key);
      left -= 1;
    }
  }

  return {
    take(key, { units: quota, windowMs }, asked) {
      const now = nowMs();
      const bucket = bucketOf(key, now);
      const unitMs = windowMs / quota;
      const full = Math.max(now, bucket.fullAtMs);
      const next = full + Math.min(asked, quota) * unitMs;
      const waitMs = next - now - windowMs;
      const isAdmitted = waitMs <= roundingMs;
      if (isAdmitted) bucket.fullAtMs = next;
      const usedMs = (isAdmitted ? next : full) - now;
      return {
        isAdmitted,
        left: Math.max(0, Math.floor((windowMs - usedMs + roundingMs) / unitMs)),
        waitMs: isAdmitted ? 0 : waitMs,
      };
    },
    charge(key, { units: quota, windowMs }, used) {
      const now = nowMs();
      const bucket = bucketOf(key, now);
      const next = Math.max(now, bucket.fullAtMs) + (used * windowMs) / quota;
      bucket.fullAtMs = Math.min(next, Math.max(bucket.fullAtMs, now + 2 * windowMs));
    },
    used(key, { windowMs }) {
      const now = nowMs();
      const isFull = buckets.size >= entriesMax;
      const bucket =
        buckets.get(key) ?? (isFull ? shared[hashOf(key, seed) % sharedMax] : undefined);
      return bucket === undefined ? 0 : Math.max(0, bucket.fullAtMs - now) / windowMs;
    },
    get size() {
      return buckets.size;
    },
  };
}

/** FNV-1a of 32 bits, begun at the seed. */
function hashOf(text: string, seed: number): number {
  let hash = (seed ^ 0x811c9dc5) >>> 0;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  }
  return hash;
}
