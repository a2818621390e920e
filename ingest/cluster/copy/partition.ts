/**
 * A partition of `observations` as a node's copy reads it. One that cannot be read, or in which stands
 * what is no batch, is held by itself: the others go on, and it is opened again from time to time.
 */
import type { Clock } from '../../../devices/clock.ts';
import { CodedError } from '../../../devices/coded-error.ts';
import type { Offset, PartitionReader } from '../../log/kafka/kafka.ts';
import type { CopyEvents } from './events.ts';

export interface CopyPartitionOptions {
  readonly partition: number;
  readonly clock: Clock;
  /** Where reading goes on behind what the copy holds. */
  readonly findOffset: () => Promise<Offset>;
  readonly openReader: (offset: Offset) => PartitionReader;
  readonly events: Pick<CopyEvents, 'partitionHeld' | 'partitionFreed'>;
  /** It was opened, or held. */
  readonly changed: () => void;
}

/** Kafka may be back at any moment. */
const retryMs = 500;
/** What is wrong in the partition itself lasts until somebody mends it. */
const faultRetryMsMax = 60_000;

export class CopyPartition {
  readonly partition: number;
  readonly #options: CopyPartitionOptions;
  #reader: PartitionReader | undefined;
  #opening: Promise<void> | undefined;
  #openAtMs = Number.NEGATIVE_INFINITY;
  #problem: string | undefined;
  /** In a row, by the partition itself. */
  #faults = 0;
  #lag = 0;
  #isClosed = false;

  constructor(options: CopyPartitionOptions) {
    this.partition = options.partition;
    this.#options = options;
  }

  /** Undefined while it is being opened, or held. */
  get reader(): PartitionReader | undefined {
    return this.#reader;
  }

  /** Why nothing of it comes; undefined where nothing is known to be wrong. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Offsets behind its end, about; of one that is held as last seen. */
  get lag(): number {
    if (this.#reader !== undefined) {
      this.#lag = Math.max(0, this.#reader.end - this.#reader.next);
    }
    return this.#lag;
  }

  /** Until it is to be opened; Infinity where it is open, or being opened. */
  get restMs(): number {
    const rests = this.#reader === undefined && this.#opening === undefined;
    return rests ? Math.max(0, this.#openAtMs - this.#options.clock.monotonicMs()) : Infinity;
  }

  /** Begins to open it where that is due: Kafka's answer to one holds up no other. */
  openWhenDue(): void {
    if (this.#isClosed || this.restMs > 0) return;
    this.#opening = this.#open();
  }

  async #open(): Promise<void> {
    const { findOffset, openReader, changed } = this.#options;
    try {
      const offset = await findOffset();
      if (!this.#isClosed) this.#reader = openReader(offset);
    } catch (error) {
      this.hold(error);
    }
    this.#opening = undefined;
    changed();
  }

  /** Nothing more is read of it until it was opened again. */
  hold(error: unknown): void {
    this.drop();
    if (this.#isClosed) return;
    const { clock, events, partition } = this.#options;
    const isPassing = error instanceof CodedError && error.canRetry;
    const restMs = isPassing ? retryMs : Math.min(faultRetryMsMax, retryMs * 2 ** this.#faults++);
    this.#openAtMs = clock.monotonicMs() + restMs;
    this.#problem = error instanceof Error ? error.message : String(error);
    events.partitionHeld({ partition, error });
  }

  /** Something of it came, or it is known that nothing is to come. */
  free(): void {
    if (this.#problem === undefined) return;
    this.#problem = undefined;
    this.#faults = 0;
    this.#options.events.partitionFreed(this.partition);
  }

  /** What was read of it and not taken is read again: it is opened anew, behind what the copy holds. */
  drop(): void {
    this.#lag = this.lag;
    this.#reader?.close();
    this.#reader = undefined;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.drop();
    await this.#opening;
  }
}
