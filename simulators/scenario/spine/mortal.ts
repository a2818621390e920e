/**
 * What one life of the process holds of the world: a disk and a clock that stop answering when it
 * dies. Nothing is undone at a death, nothing continues: what was asked is never answered.
 */
import type { Clock } from '../../../devices/clock.ts';
import type { Random } from '../../../devices/random.ts';
import type { FileSystem, OpenFile } from '../../../ingest/log/file-system.ts';
import type { Trace } from './trace.ts';

/** When a life ends by itself: at the call to the disk that is so far away, before or behind it. */
export interface Death {
  readonly calls: number;
  readonly side: 'before' | 'behind';
  /** What happens to the disk in that instant. */
  readonly strike: () => void;
}

export interface Mortality {
  readonly isDead: boolean;
  /** A death is planned. */
  readonly isDoomed: boolean;
  /** Ends the life now; twice is once. */
  die(): void;
  /** Replaces the death that was planned. */
  plan(death: Death | null): void;
}

/** Shared by the disk and the clock of a life. */
export interface Life extends Mortality {
  /** Counts a call to the disk; `run` is not answered by the dead. */
  step<Result>(run: () => Promise<Result>): Promise<Result>;
}

export function createMortality(onDeath: () => void): Life {
  let isDead = false;
  let planned: Death | null = null;
  let callsLeft = Infinity;

  function die(strike?: () => void): void {
    if (isDead) return;
    isDead = true;
    strike?.();
    onDeath();
  }

  return {
    get isDead() {
      return isDead;
    },
    get isDoomed() {
      return planned !== null;
    },
    die,
    plan(death) {
      planned = death;
      callsLeft = death?.calls ?? Infinity;
    },
    async step<Result>(run: () => Promise<Result>): Promise<Result> {
      callsLeft -= 1;
      const isLast = callsLeft <= 0 && planned !== null;
      if (isLast && planned?.side === 'before') die(planned.strike);
      if (isDead) return never();
      try {
        const result = await run();
        if (isLast) die(planned?.strike);
        return isDead ? await never<Result>() : result;
      } catch (error) {
        if (isDead) return never();
        throw error;
      }
    },
  };
}

function never<Result>(): Promise<Result> {
  return new Promise<Result>(() => undefined);
}

/** The disk as this life sees it; flushes are told to the trace. */
export function createMortalDisk(inner: FileSystem, life: Life, trace: Trace): FileSystem {
  const step: Life['step'] = (run) => life.step(run);

  function wrap(path: string, file: OpenFile): OpenFile {
    return {
      read: (target, at, length, offset) => step(() => file.read(target, at, length, offset)),
      write: (source, at, length, offset) => step(() => file.write(source, at, length, offset)),
      async sync() {
        await step(() => file.sync());
        trace.add(`sync ${path}`);
      },
      truncate: (bytes) => step(() => file.truncate(bytes)),
      size: () => step(() => file.size()),
      close: () => step(() => file.close()),
    };
  }

  return {
    open: (path, mode) => step(async () => wrap(path, await inner.open(path, mode))),
    rename: (from, to) => step(() => inner.rename(from, to)),
    unlink: (path) => step(() => inner.unlink(path)),
    list: (directory) => step(() => inner.list(directory)),
    makeDirectory: (path) => step(() => inner.makeDirectory(path)),
    async syncDirectory(path) {
      await step(() => inner.syncDirectory(path));
      trace.add(`sync ${path}`);
    },
    freeBytes: (path) => step(() => inner.freeBytes(path)),
  };
}

/**
 * The clock as this life sees it: what it scheduled does not outlive it, and each look at monotonic
 * time costs up to `lookMsMax`, so that work which is cut by time is cut at places the seed chooses.
 */
export function createMortalClock(
  inner: Clock,
  life: Mortality,
  cost: { readonly random: Random; readonly lookMsMax: number },
): Clock {
  let spentMs = 0;
  return {
    now: () => inner.now(),
    monotonicMs() {
      spentMs += cost.random.next() * cost.lookMsMax;
      return inner.monotonicMs() + spentMs;
    },
    schedule: (delayMs, run) =>
      inner.schedule(delayMs, () => {
        if (!life.isDead) run();
      }),
  };
}
