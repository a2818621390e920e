/** How a server's clock and ours differ, as a record tells that was stored with the server's time. */

/** A request and its answer, by our wall clock. */
export interface Exchange {
  readonly askedAt: number;
  readonly answeredAt: number;
}

/** Told of each record stored: by how much our wall clock is ahead, ms; negative where it is behind. */
export type ClockSeen = (aheadMs: number) => void;

/**
 * The least difference that explains what the server said, 0 where none is needed: the record was
 * stored between the request and its answer. Undefined where the topic keeps the sender's time.
 */
export function aheadOf(
  appendedAt: string | undefined,
  { askedAt, answeredAt }: Exchange,
): number | undefined {
  const at = Number(appendedAt ?? -1);
  if (at < 0) return undefined;
  if (at < askedAt) return askedAt - at;
  return at > answeredAt ? answeredAt - at : 0;
}
