import type { Crc32c } from './crc32c.ts';
import type { Position } from './log.ts';
import {
  flagFirstOfCommit,
  recordHeaderBytes,
  viewOf,
  writeRecordHeader,
} from './segment-format.ts';

export type Done = (error: Error | null, position: Position) => void;

const bufferBytesAtStart = 256 * 1_024;

/**
 * Records that one commit will write, as the bytes of the segment file, in a buffer that is used
 * again and again. A log has two: one collects while the other is written.
 */
export class CommitBatch {
  buffer: Buffer;
  /** Bytes of `buffer` that hold records. */
  usedBytes = 0;
  count = 0;
  firstPosition: Position = 0;

  #view: DataView;
  #dones: Done[] = [];
  /** Refused appends, each answered in its turn: before the record of this index. */
  #refused: { readonly before: number; readonly done: Done; readonly error: Error }[] = [];

  readonly #keptBytesMax: number;

  /** A buffer that one great record made larger than `keptBytesMax` is given back. */
  constructor(keptBytesMax: number) {
    this.#keptBytesMax = keptBytesMax;
    this.buffer = Buffer.allocUnsafeSlow(bufferBytesAtStart);
    this.#view = viewOf(this.buffer);
  }

  get isEmpty(): boolean {
    return this.count === 0 && this.#refused.length === 0;
  }

  /** Adds a record; when `fill` throws, nothing was added. */
  add(
    sizeBytes: number,
    fill: (target: Buffer, at: number) => void,
    done: Done,
    record: { position: Position; readonly crc32c: Crc32c; readonly salt: number },
  ): void {
    const at = this.usedBytes;
    if (at + recordHeaderBytes + sizeBytes > this.buffer.length) this.#grow(sizeBytes);
    fill(this.buffer, at + recordHeaderBytes);
    if (this.count === 0) this.firstPosition = record.position;
    this.usedBytes = writeRecordHeader(
      this.#view,
      at,
      { bytes: sizeBytes, flags: this.count === 0 ? flagFirstOfCommit : 0 },
      record,
    );
    this.count++;
    this.#dones.push(done);
  }

  /** Puts an append that was refused in line, so that answers keep the order of the calls. */
  refuse(done: Done, error: Error): void {
    this.#refused.push({ before: this.count, done, error });
  }

  /** Answers all in order and empties the batch. What a `done` throws is handed on at the end. */
  settle(error: Error | null): readonly unknown[] {
    const dones = this.#dones;
    const refused = this.#refused;
    const firstPosition = this.firstPosition;
    this.#dones = [];
    this.#refused = [];
    this.usedBytes = 0;
    this.count = 0;
    if (this.buffer.length > this.#keptBytesMax) this.#renew(bufferBytesAtStart);

    const thrown: unknown[] = [];
    let nextRefused = 0;
    for (let index = 0; index <= dones.length; index++) {
      for (; refused[nextRefused]?.before === index; nextRefused++) {
        const { done, error: refusal } = refused[nextRefused]!;
        answer(done, refusal, 0, thrown);
      }
      const done = dones[index];
      if (done !== undefined)
        answer(done, error, error === null ? firstPosition + index : 0, thrown);
    }
    return thrown;
  }

  #grow(sizeBytes: number): void {
    const needed = this.usedBytes + recordHeaderBytes + sizeBytes;
    const { buffer } = this;
    this.#renew(Math.max(needed, buffer.length * 2));
    buffer.copy(this.buffer, 0, 0, this.usedBytes);
  }

  #renew(bytes: number): void {
    this.buffer = Buffer.allocUnsafeSlow(bytes);
    this.#view = viewOf(this.buffer);
  }
}

function answer(done: Done, error: Error | null, position: Position, thrown: unknown[]): void {
  try {
    done(error, position);
  } catch (problem) {
    thrown.push(problem);
  }
}
