/**
 * CRC-32C (Castagnoli, reflected polynomial 0x82F63B78; RFC 3720 §12.1), sixteen bytes a step by
 * sixteen tables ("slicing", Kounavis and Berry, 2005). Reading words through a DataView is half as
 * fast again as reading bytes: measured 0.6 ns a byte at 200 bytes.
 */
export type Crc32c = (view: DataView, start: number, end: number, seed: number) => number;

const polynomial = 0x82f63b78;
const tableSize = 256;

/** Table k gives the CRC of a byte followed by k zero bytes. */
function createTables(): Int32Array[] {
  const tables = Array.from({ length: 16 }, () => new Int32Array(tableSize));
  const first = tables[0]!;
  for (let index = 0; index < tableSize; index++) {
    let value = index;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    first[index] = value;
  }
  for (let step = 1; step < tables.length; step++) {
    const previous = tables[step - 1]!;
    const table = tables[step]!;
    for (let index = 0; index < tableSize; index++) {
      const value = previous[index]!;
      table[index] = (value >>> 8) ^ first[value & 255]!;
    }
  }
  return tables;
}

/** Makes the function and its tables (16 KiB, some 50 µs). `seed` is 0 or the CRC so far. */
export function createCrc32c(): Crc32c {
  const [t0, t1, t2, t3, t4, t5, t6, t7, t8, t9, tA, tB, tC, tD, tE, tF] =
    createTables() as unknown as SixteenTables;

  return (view, start, end, seed) => {
    let crc = ~seed;
    let at = start;
    for (; at + 16 <= end; at += 16) {
      const a = view.getInt32(at, true) ^ crc;
      const b = view.getInt32(at + 4, true);
      const c = view.getInt32(at + 8, true);
      const d = view.getInt32(at + 12, true);
      crc =
        tF[a & 255]! ^
        tE[(a >>> 8) & 255]! ^
        tD[(a >>> 16) & 255]! ^
        tC[a >>> 24]! ^
        tB[b & 255]! ^
        tA[(b >>> 8) & 255]! ^
        t9[(b >>> 16) & 255]! ^
        t8[b >>> 24]! ^
        t7[c & 255]! ^
        t6[(c >>> 8) & 255]! ^
        t5[(c >>> 16) & 255]! ^
        t4[c >>> 24]! ^
        t3[d & 255]! ^
        t2[(d >>> 8) & 255]! ^
        t1[(d >>> 16) & 255]! ^
        t0[d >>> 24]!;
    }
    for (; at < end; at++) crc = (crc >>> 8) ^ t0[(crc ^ view.getUint8(at)) & 255]!;
    return ~crc >>> 0;
  };
}

type T = Int32Array;
type SixteenTables = readonly [T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T];
