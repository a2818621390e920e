/**
 * The bytes owed to one peer. One write is with the network at a time; what gathers meanwhile goes
 * with the next, so that a burst of acknowledgements costs one write.
 */
import type { Transport } from './transport.ts';

/** Bytes handed to the network at once: also the step in which a slow peer's progress is seen. */
const writeBytesMax = 16_384;

const acknowledgementBytes = 4;

export class Outgoing {
  readonly #transport: Transport;
  readonly #written: () => void;
  #queue: Buffer[] = [];
  #queueBytes = 0;
  #writingBytes = 0;
  #acknowledgements: Buffer | null = null;
  #acknowledgedBytes = 0;

  constructor(transport: Transport, written: () => void) {
    this.#transport = transport;
    this.#written = () => {
      this.#writingBytes = 0;
      written();
    };
  }

  /** Added and not yet with the kernel. */
  get bytes(): number {
    return this.#queueBytes + this.#acknowledgedBytes + this.#writingBytes;
  }

  add(bytes: Buffer): void {
    this.#queue.push(bytes);
    this.#queueBytes += bytes.length;
  }

  /** Adds a packet of a first byte and an identifier; `more` is how many are likely to follow. */
  acknowledge(first: number, packetId: number, more: number): void {
    let target = this.#acknowledgements;
    if (target === null || this.#acknowledgedBytes === target.length) {
      this.#closeAcknowledgements();
      target = this.#acknowledgements = Buffer.allocUnsafe(acknowledgementBytes * (1 + more));
    }
    const at = this.#acknowledgedBytes;
    target[at] = first;
    target[at + 1] = 2;
    target[at + 2] = packetId >> 8;
    target[at + 3] = packetId & 0xff;
    this.#acknowledgedBytes = at + acknowledgementBytes;
  }

  #closeAcknowledgements(): void {
    if (this.#acknowledgements === null) return;
    this.add(this.#acknowledgements.subarray(0, this.#acknowledgedBytes));
    this.#acknowledgements = null;
    this.#acknowledgedBytes = 0;
  }

  /** Hands the next bytes to the network, unless a write is still there. */
  write(): void {
    if (this.#writingBytes > 0) return;
    this.#closeAcknowledgements();
    const bytes = this.#next();
    if (bytes === undefined) return;
    this.#queueBytes -= bytes.length;
    this.#writingBytes = bytes.length;
    this.#transport.write(bytes, this.#written);
  }

  #next(): Buffer | undefined {
    if (this.#queue.length <= 1) return this.#queue.pop();
    let count = 0;
    let bytes = 0;
    while (count < this.#queue.length && bytes < writeBytesMax) {
      bytes += this.#queue[count]!.length;
      count += 1;
    }
    return Buffer.concat(this.#queue.splice(0, count), bytes);
  }
}
