/** Limits of the doors that are about rates: new connections, and failed logins of one address. */

export interface ConnectionRate {
  /** Takes one place; false when there is none now. */
  take(nowMs: number): boolean;
}

/** A bucket that holds `burstMax` and fills with `ratePerSecond`. */
export function createConnectionRate(ratePerSecond: number, burstMax: number): ConnectionRate {
  let tokens = burstMax;
  let filledMs = 0;
  return {
    take(nowMs) {
      tokens = Math.min(burstMax, tokens + ((nowMs - filledMs) / 1000) * ratePerSecond);
      filledMs = nowMs;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}

/**
 * Failed logins by address. Secrets are random and long, so that guessing is hopeless and the limit
 * is about cost: it delays the answer to a further failure, doubling each time, and never touches a
 * right secret, since behind one address (a mobile network, a proxy) are other people's devices.
 */
export interface LoginLimit {
  /** Milliseconds by which the answer to this failure is to be delayed. */
  failed(address: string, nowMs: number): number;
  /** Takes a place among the answers held back; false when there is none. */
  hold(): boolean;
  letGo(): void;
}

export interface LoginLimits {
  readonly failedLoginsPerMinuteMax: number;
  readonly failedLoginDelayMsMax: number;
  readonly heldLoginsMax: number;
}

const minuteMs = 60_000;
const firstDelayMs = 1_000;
const addressesMax = 10_000;

export function createLoginLimit(limits: LoginLimits): LoginLimit {
  const failures = new Map<string, { sinceMs: number; count: number }>();
  let held = 0;
  return {
    hold() {
      if (held >= limits.heldLoginsMax) return false;
      held += 1;
      return true;
    },
    letGo() {
      held -= 1;
    },
    failed(address, nowMs) {
      const known = failures.get(address);
      const current =
        known === undefined || nowMs - known.sinceMs >= minuteMs
          ? { sinceMs: nowMs, count: 0 }
          : known;
      current.count += 1;
      // The one seen longest ago makes room.
      failures.delete(address);
      if (failures.size >= addressesMax) failures.delete(failures.keys().next().value ?? '');
      failures.set(address, current);
      const beyond = current.count - limits.failedLoginsPerMinuteMax;
      if (beyond <= 0) return 0;
      return Math.min(limits.failedLoginDelayMsMax, firstDelayMs * 2 ** Math.min(beyond - 1, 20));
    },
  };
}
