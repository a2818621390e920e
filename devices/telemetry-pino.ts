/**
 * Telemetry of a running process: log lines as JSON to standard error (standard output belongs to
 * the command's own answers), metrics as Prometheus text. One for each thread; opened by
 * `main.ts` and `worker.ts` files only.
 */
import pino from 'pino';
// The four parts by themselves: the whole brings along a tracing interface and a push client.
import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import Histogram from 'prom-client/lib/histogram.js';
import Registry from 'prom-client/lib/registry.js';
import { CodedError } from './coded-error.ts';
import type { Metrics, Telemetry } from './telemetry.ts';

export interface ProcessTelemetry extends Telemetry {
  /** Adds CPU, memory and event-loop figures: once in a process. */
  addProcessMetrics(): Promise<void>;
  /** Prometheus text of this thread's metrics. */
  text(): Promise<string>;
}

export interface ProcessTelemetryOptions {
  /** Written into each line as `room`. */
  readonly room: string;
  readonly level: 'error' | 'warn' | 'info' | 'debug';
}

/** Fields whose values are secrets wherever they stand. */
const secretFields = ['password', 'secret', 'token', 'authorization'];

export function openProcessTelemetry(options: ProcessTelemetryOptions): ProcessTelemetry {
  const logger = pino(
    {
      base: { room: options.room },
      level: options.level,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { error: errorFields },
      formatters: { level: (label) => ({ level: label }) },
      messageKey: 'event',
      redact: secretFields.flatMap((name) => [name, `*.${name}`]),
    },
    pino.destination({ dest: 2, sync: true }),
  );
  const registry = new Registry();
  return {
    logger,
    metrics: openMetrics(registry),
    async addProcessMetrics() {
      const { collectDefaultMetrics } = await import('prom-client');
      collectDefaultMetrics({ register: registry, prefix: 'quantrac_' });
    },
    text: () => registry.metrics(),
  };
}

/** What a line says of an error: code and fields of one that is named, the stack of a defect. */
function errorFields(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message, stack, cause } = error;
  const said = cause instanceof Error ? { cause: cause.message } : {};
  if (error instanceof CodedError) {
    return { code: error.code, message, fields: error.fields, ...said };
  }
  return { name, message, ...said, stack };
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
