/** UTC days and months, which buckets are of: by the end of phenomenonTime. */

export const dayMs = 86_400_000;

/** `2024-06-01`, for years 0 to 9999. */
export function dayOf(endAt: number): string {
  return new Date(endAt).toISOString().slice(0, 10);
}

export function monthOf(day: string): string {
  return day.slice(0, 7);
}

/** From inclusive, to exclusive, in milliseconds UTC. */
export function spanOfDay(day: string): { readonly fromAt: number; readonly toAt: number } {
  const fromAt = Date.parse(`${day}T00:00:00.000Z`);
  return { fromAt, toAt: fromAt + dayMs };
}

/** The last UTC day that was over at a moment. */
export function dayBefore(at: number): string {
  return dayOf(at - dayMs);
}

/** When the UTC day of a moment ends. */
export function dayEndAfter(at: number): number {
  return (Math.floor(at / dayMs) + 1) * dayMs;
}
