/**
 * What a room needs to say what happened: a log and counters. A room's `events.ts` is the only
 * caller, one function per occurrence, so that line and counter never part.
 *
 * Levels: error = data lost or an operator must act; warn = unexpected, recovered, nothing lost;
 * info = life-cycle; debug = never per message. Messages are constant sentences, values are fields.
 */
export interface Logger {
  error(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
  debug(fields: object, message: string): void;
}

/** Labels have few, known values: never a device or station id. */
export type Labels = Readonly<Record<string, string>>;

export interface Counter {
  increase(by?: number, labels?: Labels): void;
}

export interface Gauge {
  set(value: number, labels?: Labels): void;
}

export interface Histogram {
  observe(value: number, labels?: Labels): void;
}

/** Names carry the prefix `quantrac_`, a base unit and `_total` for counters (interfaces.md §7). */
export interface Metrics {
  counter(name: string, help: string, labelNames?: readonly string[]): Counter;
  gauge(name: string, help: string, labelNames?: readonly string[]): Gauge;
  histogram(name: string, help: string, buckets: readonly number[]): Histogram;
}

export interface Telemetry {
  readonly logger: Logger;
  readonly metrics: Metrics;
}
