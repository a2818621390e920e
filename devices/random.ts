import { randomBytes } from 'node:crypto';

/** Randomness as a parameter, so that a simulated run is a function of its seed. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** `count` bytes. Only `openSystemRandom` gives bytes fit for secrets. */
  bytes(count: number): Uint8Array;
}

/** The machine's cryptographic randomness. */
export function openSystemRandom(): Random {
  return {
    next: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
    bytes: (count) => new Uint8Array(randomBytes(count)),
  };
}

/** A repeatable stream (mulberry32) for simulators and tests; never for secrets. */
export function createSeededRandom(seed: number): Random {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  return {
    next,
    bytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(next() * 256)),
  };
}
