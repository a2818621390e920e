import type { Labels, Telemetry } from './telemetry.ts';

/** Telemetry that keeps what it was told: for tests, which then assert on it. */
export interface RecordedTelemetry extends Telemetry {
  readonly lines: readonly {
    readonly level: string;
    readonly fields: object;
    readonly message: string;
  }[];
  /** Sum of a counter over all labels, or over the given ones; the last value of a gauge. */
  value(name: string, labels?: Labels): number;
}

export function createRecordedTelemetry(): RecordedTelemetry {
  const lines: { level: string; fields: object; message: string }[] = [];
  const values = new Map<string, Map<string, number>>();
  const keyOf = (labels: Labels | undefined): string => JSON.stringify(labels ?? {});
  const series = (name: string): Map<string, number> => {
    let found = values.get(name);
    if (found === undefined) values.set(name, (found = new Map<string, number>()));
    return found;
  };
  const logAt = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields, message });
  const add = (name: string) => (by: number, labels?: Labels) => {
    const found = series(name);
    found.set(keyOf(labels), (found.get(keyOf(labels)) ?? 0) + by);
  };
  return {
    lines,
    value(name, labels) {
      const found = values.get(name);
      if (found === undefined) return 0;
      if (labels !== undefined) return found.get(keyOf(labels)) ?? 0;
      return [...found.values()].reduce((sum, value) => sum + value, 0);
    },
    logger: {
      error: logAt('error'),
      warn: logAt('warn'),
      info: logAt('info'),
      debug: logAt('debug'),
    },
    metrics: {
      counter: (name) => ({ increase: (by = 1, labels) => add(name)(by, labels) }),
      gauge: (name) => ({ set: (value, labels) => void series(name).set(keyOf(labels), value) }),
      histogram: (name) => ({ observe: (value, labels) => add(name)(value, labels) }),
    },
  };
}
