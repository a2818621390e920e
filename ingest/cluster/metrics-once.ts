import type { Metrics } from '../../devices/telemetry.ts';

/** Metrics that many of one kind count together: a name is registered once, whoever asks for it. */
export function metricsOnce(metrics: Metrics): Metrics {
  const known = new Map<string, unknown>();
  const once = <Metric>(name: string, make: () => Metric): Metric => {
    const found = known.get(name) as Metric | undefined;
    if (found !== undefined) return found;
    const made = make();
    known.set(name, made);
    return made;
  };
  return {
    counter: (name, help, labelNames) => once(name, () => metrics.counter(name, help, labelNames)),
    gauge: (name, help, labelNames) => once(name, () => metrics.gauge(name, help, labelNames)),
    histogram: (name, help, buckets) => once(name, () => metrics.histogram(name, help, buckets)),
  };
}
