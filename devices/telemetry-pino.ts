/**
 * Telemetry of a running process: log lines as JSON to standard error (standard output belongs to
 * the command's own answers), metrics as Prometheus text. One for each thread; opened by
 * `main.ts` and `worker.ts` files only.
 */
import pino from 'pino';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Metrics, Telemetry } from './telemetry.ts';

export interface ProcessTelemetry extends Telemetry {
  /** Prometheus text of this thread's metrics. */
  text(): Promise<string>;
}

export interface ProcessTelemetryOptions {
  /** Written into each line as `room`. */
  readonly room: string;
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  /** Adds CPU, memory and event-loop figures: once in a process. */
  readonly processMetrics: boolean;
}

/** Fields whose values are secrets wherever they stand. */
const secretFields = ['password', 'secret', 'token', 'authorization'];

export function openProcessTelemetry(options: ProcessTelemetryOptions): ProcessTelemetry {
  const logger = pino(
    {
      base: { room: options.room },
      level: options.level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: 'event',
      redact: secretFields.flatMap((name) => [name, `*.${name}`]),
    },
    pino.destination({ dest: 2, sync: true }),
  );
  const registry = new Registry();
  if (options.processMetrics) collectDefaultMetrics({ register: registry, prefix: 'quantrac_' });
  return { logger, metrics: openMetrics(registry), text: () => registry.metrics() };
}

function openMetrics(registry: Registry): Metrics {
  const registers = [registry];
  return {
    counter(name, help, labelNames = []) {
      const counter = new Counter({ name, help, labelNames: [...labelNames], registers });
      return {
        increase: (by = 1, labels) =>
          labels === undefined ? counter.inc(by) : counter.inc(labels, by),
      };
    },
    gauge(name, help, labelNames = []) {
      const gauge = new Gauge({ name, help, labelNames: [...labelNames], registers });
      return {
        set: (value, labels) =>
          labels === undefined ? gauge.set(value) : gauge.set(labels, value),
      };
    },
    histogram(name, help, buckets) {
      const histogram = new Histogram({ name, help, buckets: [...buckets], registers });
      return {
        observe: (value, labels) =>
          labels === undefined ? histogram.observe(value) : histogram.observe(labels, value),
      };
    },
  };
}
