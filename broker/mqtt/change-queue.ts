/** What the change feed wrote for one subscription and its session has not taken; the feed bounds it. */
import type { ChangeChunk, ChangeMessage, ChangeSink } from './change-feed.ts';

export interface ChangeQueueOptions {
  readonly ready: () => void;
  readonly cut: () => void;
  /** Told once: where the stream begins. */
  readonly begun: (cursor: string) => void;
}

export class ChangeQueue implements ChangeSink {
  readonly #options: ChangeQueueOptions;
  #chunks: ChangeChunk[] = [];
  /** Messages taken of the first chunk. */
  #taken = 0;
  #pendingBytes = 0;
  #drained: (() => void) | null = null;
  #isBegun = false;
  #isEnded = false;
  #problem: Uint8Array | undefined;

  constructor(options: ChangeQueueOptions) {
    this.#options = options;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  write(chunk: ChangeChunk): boolean {
    const [first] = chunk.messages;
    if (this.#isEnded || first === undefined) return true;
    if (!this.#isBegun) this.#options.begun(first.cursor);
    this.#isBegun = true;
    this.#chunks.push(chunk);
    this.#pendingBytes += chunk.length;
    this.#options.ready();
    return this.#pendingBytes === 0;
  }

  onDrain(run: () => void): void {
    this.#drained = run;
  }

  end(problem: Uint8Array | undefined): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#problem = problem;
    this.#options.ready();
  }

  destroy(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#options.cut();
  }

  /** The next message, or undefined where none waits. */
  shift(): ChangeMessage | undefined {
    const [chunk] = this.#chunks;
    const message = chunk?.messages[this.#taken];
    if (chunk === undefined || message === undefined) return undefined;
    this.#pendingBytes -= message.payload.length;
    this.#taken += 1;
    if (this.#taken === chunk.messages.length) {
      this.#chunks.shift();
      this.#taken = 0;
    }
    if (this.#pendingBytes === 0) this.#drain();
    return message;
  }

  #drain(): void {
    const run = this.#drained;
    this.#drained = null;
    run?.();
  }

  /** What ended it, once. */
  takeProblem(): Uint8Array | undefined {
    const problem = this.#problem;
    this.#problem = undefined;
    return problem;
  }

  /** Takes nothing any more, and forgets what waits. */
  stop(): void {
    this.#isEnded = true;
    this.#problem = undefined;
    this.#chunks = [];
    this.#pendingBytes = 0;
  }
}
