/**
 * The way of copied batches into the local log and from there into the view. Many are under way at
 * once, so that what comes while the disk flushes shares the next flush; each reaches the view once
 * it is durable, and both hold them in one order. A log refuses an append at once, or it refuses all
 * that wait: so when one is refused nothing more is offered until all have been answered, and then
 * the refused ones are offered again, as they were.
 */
import type { Clock } from '../../../devices/clock.ts';
import { CodedError } from '../../../devices/coded-error.ts';
import type { LogWriter, Position } from '../../log/log.ts';
import type { Batch } from '../../observations/batch.ts';
import type { StoreWriter } from '../../store/store.ts';
import type { CopyEvents } from './events.ts';

export interface CopyAppenderOptions {
  readonly observations: Pick<LogWriter, 'append'>;
  readonly store: Pick<StoreWriter, 'apply'>;
  readonly clock: Clock;
  readonly events: Pick<CopyEvents, 'copied' | 'refused'>;
  /** The log will never take it. */
  readonly onFailed: (error: unknown) => void;
}

/** A batch and its bytes, on their way to the disk. */
interface Offered {
  readonly batch: Batch;
  readonly body: Uint8Array;
  after: (() => void) | undefined;
}

const retryMs = 500;
/** What is under way at once. */
const batchesMax = 512;
const bytesMax = 4_194_304;

export class CopyAppender {
  readonly #options: CopyAppenderOptions;
  /** In order: offered and not answered; or refused, or behind one that was. */
  readonly #underWay: Offered[] = [];
  #bytes = 0;
  #unanswered = 0;
  #isHeld = false;
  #isClosed = false;
  #waiting: (() => void)[] = [];

  constructor(options: CopyAppenderOptions) {
    this.#options = options;
  }

  /** True while no more should be added. */
  get isFull(): boolean {
    return this.#isHeld || this.#underWay.length >= batchesMax || this.#bytes >= bytesMax;
  }

  /** Resolves when something has changed of what is under way. */
  changed(): Promise<void> {
    return new Promise((resolve) => void this.#waiting.push(resolve));
  }

  add(batch: Batch, body: Uint8Array): void {
    const offered = { batch, body, after: undefined };
    this.#underWay.push(offered);
    this.#bytes += body.length;
    if (!this.#isHeld) this.#offer(offered);
  }

  /** Runs once all that was added by now is in the view; of several on one batch the last counts. */
  afterAll(run: () => void): void {
    const last = this.#underWay.at(-1);
    if (last === undefined) run();
    else last.after = run;
  }

  /** Waits for what is on its way; what the disk does not take now is fetched again another time. */
  async close(): Promise<void> {
    while (this.#underWay.length > 0 && !this.#isHeld) await this.changed();
    this.#isClosed = true;
  }

  #offer({ body }: Offered): void {
    let isTaken = false;
    this.#unanswered++;
    this.#options.observations.append(
      body.length,
      (target, at) => {
        isTaken = true;
        target.set(body, at);
      },
      (error, position) => this.#answered(error, position),
    );
    // It is answered in its turn: one behind it could be taken before.
    if (!isTaken) this.#isHeld = true;
  }

  #answered(error: Error | null, position: Position): void {
    this.#unanswered--;
    if (error === null) this.#show(position);
    else this.#refused(error);
    if (this.#isHeld && this.#unanswered === 0) this.#offerLater();
    const woken = this.#waiting;
    this.#waiting = [];
    for (const wake of woken) wake();
  }

  /** Answers come in the order of the offers: it is the first. */
  #show(position: Position): void {
    const { store, events } = this.#options;
    const offered = this.#underWay.shift()!;
    this.#bytes -= offered.body.length;
    store.apply(position, offered.batch);
    events.copied(offered.batch.rows.length);
    offered.after?.();
  }

  #refused(error: Error): void {
    this.#isHeld = true;
    if (error instanceof CodedError && !error.canRetry) this.#options.onFailed(error);
    // Of those that are refused together the last is told.
    else if (this.#unanswered === 0) this.#options.events.refused(error);
  }

  #offerLater(): void {
    if (this.#isClosed) return;
    this.#options.clock.schedule(retryMs, () => {
      if (this.#isClosed) return;
      this.#isHeld = false;
      for (const offered of this.#underWay) {
        this.#offer(offered);
        // Whoever is behind waits with it.
        if (this.#isHeld) break;
      }
    });
  }
}
