/**
 * What the threads of a node tell each other at its start. The owner of the log of readings says where
 * it ends; whoever links the node to Kafka says that Kafka knows no more of it (`start.ts`);
 * until then the doors wait, but not long, since a node takes readings while Kafka is away.
 */
import { sleep, type Clock } from '../../../devices/clock.ts';
import type { Position } from '../../log/log.ts';

/** Bytes of the buffer that the threads share. */
export const startGateBytes = 24;

/** Where the log ends, and one: 0 is not told yet. */
const endWord = 0;
const provenWord = 1;
const passedWord = 2;

const lookMs = 20;
/** Where Kafka answers, it has answered by then, unless much waits undecided. */
const waitMsMax = 3_000;

export interface StartGate {
  /** By the owner of the log, before anything is added to it. */
  tellEnd(end: Position): void;
  /** Undefined where the signal aborts before. */
  untilEnd(signal: AbortSignal): Promise<Position | undefined>;
  tellProven(): void;
  /** Resolves once the log is proven, or has waited long enough for it. */
  pass(): Promise<void>;
  /** Before that no door is open, and whoever opens them answers no call. */
  readonly isPassed: boolean;
}

export function createStartGate(buffer: SharedArrayBuffer, clock: Clock): StartGate {
  const words = new BigInt64Array(buffer);
  const read = (word: number): number => Number(Atomics.load(words, word));
  const write = (word: number, value: number): void =>
    void Atomics.store(words, word, BigInt(value));
  return {
    tellEnd: (end) => write(endWord, end + 1),
    async untilEnd(signal) {
      while (read(endWord) === 0 && !signal.aborted) await sleep(clock, lookMs);
      return signal.aborted ? undefined : read(endWord) - 1;
    },
    tellProven: () => write(provenWord, 1),
    async pass() {
      const untilMs = clock.monotonicMs() + waitMsMax;
      while (read(provenWord) === 0 && clock.monotonicMs() < untilMs) await sleep(clock, lookMs);
      write(passedWord, 1);
    },
    get isPassed() {
      return read(passedWord) === 1;
    },
  };
}
