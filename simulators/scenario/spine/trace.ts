import { createHash } from 'node:crypto';

/**
 * What happened in a run, in order: every append, commit, flush, restart and decision is a line, and
 * the lines are hashed. The same seed gives the same hash, or something in the run is not a function
 * of its seed.
 */
export interface Trace {
  add(line: string): void;
  readonly lines: number;
  /** Of all lines so far; the trace goes on. */
  digest(): string;
}

/** `onLine` sees each line as well: to find where two runs part. */
export function createTrace(onLine?: (line: string) => void): Trace {
  const hash = createHash('sha256');
  let lines = 0;
  return {
    add(line) {
      lines += 1;
      hash.update(line).update('\n');
      onLine?.(line);
    },
    get lines() {
      return lines;
    },
    digest: () => hash.copy().digest('hex'),
  };
}
