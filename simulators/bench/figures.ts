import type { Latencies } from '../load/latency.ts';

/** One JSON line a figure. */
export function print(figure: string, values: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify({ figure, ...values })}\n`);
}

/** Four digits: more of them nobody measured. */
export function round(value: number): number {
  return Number(value.toPrecision(4));
}

export function shares(latencies: Latencies): Readonly<Record<string, number>> {
  return {
    p50Ms: round(latencies.percentile(0.5)),
    p99Ms: round(latencies.percentile(0.99)),
    maxMs: round(latencies.greatestMs),
    count: latencies.count,
  };
}
