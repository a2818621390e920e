/** The month before a moment, as stations in Viet Nam have it: UTC+7 all year. */
export interface Month {
  /** `YYYY-MM`. */
  readonly name: string;
  /** Milliseconds UTC: inclusive, and exclusive. */
  readonly fromAt: number;
  readonly toAt: number;
}

const offsetMs = 7 * 3_600_000;

export function monthBefore(now: number): Month {
  const local = new Date(now + offsetMs);
  const start = (monthsBack: number): number =>
    Date.UTC(local.getUTCFullYear(), local.getUTCMonth() - monthsBack, 1);
  return {
    name: new Date(start(1)).toISOString().slice(0, 7),
    fromAt: start(1) - offsetMs,
    toAt: start(0) - offsetMs,
  };
}

/** As parameters of a list of rows. */
export function spanOf({ fromAt, toAt }: Month): string {
  const text = (at: number): string => new Date(at).toISOString();
  return `from=${text(fromAt)}&to=${text(toAt)}`;
}
