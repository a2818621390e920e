/**
 * Columns of one row group of a Parquet file, filled value by value and encoded when the group is
 * full. Their arrays are kept from group to group.
 */
import { encodeDeltas, encodeHybrid, encodeTexts } from './parquet-encodings.ts';

/**
 * `instant`: INT64, TIMESTAMP in ms UTC; `integer`: INT64; `small`: INT32; `number`: DOUBLE;
 * `text`: BYTE_ARRAY of UTF-8.
 */
export type ParquetKind = 'instant' | 'integer' | 'small' | 'number' | 'boolean' | 'text';

export interface ParquetField {
  readonly name: string;
  readonly kind: ParquetKind;
  readonly isNullable: boolean;
}

/** One column of one row group, not yet compressed. */
export interface EncodedColumn {
  readonly encoding: 'plain' | 'dictionary' | 'delta';
  /** PLAIN values of the dictionary; null without one. */
  readonly dictionary: { readonly bytes: Uint8Array; readonly values: number } | null;
  /** Definition levels with their length before them (empty where nothing can be null), values. */
  readonly levels: Uint8Array;
  readonly values: Uint8Array;
  readonly rows: number;
  readonly nulls: number;
  /** As PLAIN writes them; null where nothing is known. */
  readonly least: Uint8Array | null;
  readonly greatest: Uint8Array | null;
}

export interface ParquetColumn {
  readonly field: ParquetField;
  /** Of the values held, and empties the column. */
  encode(): EncodedColumn;
}

export interface NumberColumn extends ParquetColumn {
  /** NaN is null. */
  push(value: number): void;
}

export interface TextColumn extends ParquetColumn {
  /** The same value for so many rows. */
  push(value: string | null, rows: number): void;
}

export interface FlagColumn extends ParquetColumn {
  push(value: number, rows: number): void;
}

export interface BooleanColumn extends ParquetColumn {
  push(value: boolean | null): void;
}

export interface IdColumn extends ParquetColumn {
  /** ASCII, at most 255 characters. */
  push(id: string): void;
}

const firstRows = 1_024;

/** Which rows have a value; costs nothing until one has none. */
function createLevels(isNullable: boolean) {
  let present = new Uint8Array(isNullable ? firstRows : 0);
  let rows = 0;
  let nulls = 0;
  return {
    push(isPresent: boolean, count: number): void {
      if (isNullable) {
        while (rows + count > present.length) present = grown(present);
        if (count === 1) present[rows] = isPresent ? 1 : 0;
        else present.fill(isPresent ? 1 : 0, rows, rows + count);
      }
      rows += count;
      if (!isPresent) nulls += count;
    },
    take() {
      const taken = { levels: isNullable ? levelBytes(present, rows) : empty, rows, nulls };
      rows = 0;
      nulls = 0;
      return taken;
    },
  };
}

const empty = new Uint8Array(0);

/** Data pages of version 1 tell the length of the levels before them. */
function levelBytes(present: Uint8Array, rows: number): Uint8Array {
  const levels = encodeHybrid(present, rows, 1);
  const bytes = new Uint8Array(4 + levels.length);
  new DataView(bytes.buffer).setUint32(0, levels.length, true);
  bytes.set(levels, 4);
  return bytes;
}

function grown(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(bytes.length * 2);
  larger.set(bytes);
  return larger;
}

export function createNumberColumn(
  name: string,
  kind: 'instant' | 'integer' | 'number',
  isNullable = false,
): NumberColumn {
  let values = new Float64Array(firstRows);
  let count = 0;
  const levels = createLevels(isNullable);
  return {
    field: { name, kind, isNullable },
    push(value) {
      const isPresent = value === value;
      levels.push(isPresent, 1);
      if (!isPresent) return;
      if (count === values.length) {
        const larger = new Float64Array(count * 2);
        larger.set(values);
        values = larger;
      }
      values[count++] = value;
    },
    encode() {
      const isWhole = kind !== 'number';
      const encoded: EncodedColumn = {
        encoding: isWhole ? 'delta' : 'plain',
        dictionary: null,
        values: isWhole
          ? encodeDeltas(values, count)
          : new Uint8Array(values.buffer.slice(0, count * 8)),
        ...levels.take(),
        ...boundsOf(values.subarray(0, count), isWhole),
      };
      count = 0;
      return encoded;
    },
  };
}

function boundsOf(
  values: Float64Array,
  isWhole: boolean,
): Pick<EncodedColumn, 'least' | 'greatest'> {
  let least = Infinity;
  let greatest = -Infinity;
  for (const value of values) {
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  if (values.length === 0) return { least: null, greatest: null };
  const bytesOf = (value: number): Uint8Array => {
    const view = new DataView(new ArrayBuffer(8));
    if (isWhole) view.setBigInt64(0, BigInt(value), true);
    else view.setFloat64(0, value, true);
    return new Uint8Array(view.buffer);
  };
  // Of zeroes the format wants the smaller as the least, the greater as the greatest.
  return {
    least: bytesOf(!isWhole && least === 0 ? -0 : least),
    greatest: bytesOf(greatest === 0 ? 0 : greatest),
  };
}

/** Places in a dictionary that grows with the group. */
function createPlaces<Value>(isNullable: boolean) {
  let places = new Uint32Array(firstRows);
  let count = 0;
  const levels = createLevels(isNullable);
  const placeOf = new Map<Value, number>();
  let last: Value | undefined;
  let lastPlace = 0;
  return {
    push(value: Value | null, rows: number): void {
      levels.push(value !== null, rows);
      if (value === null) return;
      if (value !== last || count === 0) {
        const found = placeOf.get(value) ?? placeOf.size;
        if (found === placeOf.size) placeOf.set(value, found);
        last = value;
        lastPlace = found;
      }
      while (count + rows > places.length) {
        const larger = new Uint32Array(places.length * 2);
        larger.set(places);
        places = larger;
      }
      if (rows === 1) places[count] = lastPlace;
      else places.fill(lastPlace, count, count + rows);
      count += rows;
    },
    take() {
      const dictionary = [...placeOf.keys()];
      const bitWidth = Math.max(1, 32 - Math.clz32(dictionary.length - 1));
      const hybrid = encodeHybrid(places, count, dictionary.length > 0 ? bitWidth : 1);
      const values = new Uint8Array(1 + hybrid.length);
      values[0] = bitWidth;
      values.set(hybrid, 1);
      count = 0;
      placeOf.clear();
      last = undefined;
      return { dictionary, values: dictionary.length === 0 ? empty : values, ...levels.take() };
    },
  };
}

/** Readers look for the page of a dictionary that is named, so one without values is not. */
function encodingOf<Value>(
  dictionary: readonly Value[],
  bytesOf: (values: readonly Value[]) => Uint8Array,
): Pick<EncodedColumn, 'encoding' | 'dictionary'> {
  return dictionary.length === 0
    ? { encoding: 'plain', dictionary: null }
    : {
        encoding: 'dictionary',
        dictionary: { bytes: bytesOf(dictionary), values: dictionary.length },
      };
}

/** Longer texts are no bounds: they would make the footer long. */
const boundBytesMax = 64;

export function createTextColumn(name: string, isNullable = false): TextColumn {
  const places = createPlaces<string>(isNullable);
  return {
    field: { name, kind: 'text', isNullable },
    push: (value, rows) => places.push(value, rows),
    encode() {
      const { dictionary, ...taken } = places.take();
      const sorted = dictionary
        .map((text) => Buffer.from(text))
        .sort((a, b) => Buffer.compare(a, b));
      const areShort = sorted.every((text) => text.length <= boundBytesMax);
      return {
        ...encodingOf(dictionary, encodeTexts),
        ...taken,
        least: (areShort ? sorted[0] : undefined) ?? null,
        greatest: (areShort ? sorted.at(-1) : undefined) ?? null,
      };
    },
  };
}

/** Few distinct small numbers, as INT32 in a dictionary. */
export function createFlagColumn(name: string): FlagColumn {
  const places = createPlaces<number>(false);
  return {
    field: { name, kind: 'small', isNullable: false },
    push: (value, rows) => places.push(value, rows),
    encode() {
      const { dictionary, ...taken } = places.take();
      const bytesOf = (values: readonly number[]) => new Uint8Array(Int32Array.from(values).buffer);
      return {
        ...encodingOf(dictionary, bytesOf),
        ...taken,
        least: dictionary.length === 0 ? null : bytesOf([Math.min(...dictionary)]),
        greatest: dictionary.length === 0 ? null : bytesOf([Math.max(...dictionary)]),
      };
    },
  };
}

/** Texts that are all different, where a dictionary would only cost. */
export function createIdColumn(name: string): IdColumn {
  // A text of Latin-1, each id behind the four bytes of its length: written at once in the end.
  let text = '';
  const levels = createLevels(false);
  return {
    field: { name, kind: 'text', isNullable: false },
    push(id) {
      text += (lengthTexts[id.length] ?? '') + id;
      levels.push(true, 1);
    },
    encode() {
      const values = Buffer.from(text, 'latin1');
      text = '';
      return {
        encoding: 'plain',
        dictionary: null,
        values,
        ...levels.take(),
        least: null,
        greatest: null,
      };
    },
  };
}

const lengthTexts: readonly string[] = Array.from({ length: 256 }, (_, length) =>
  String.fromCharCode(length, 0, 0, 0),
);

export function createBooleanColumn(name: string, isNullable = false): BooleanColumn {
  let bits: boolean[] = [];
  const levels = createLevels(isNullable);
  return {
    field: { name, kind: 'boolean', isNullable },
    push(value) {
      levels.push(value !== null, 1);
      if (value !== null) bits.push(value);
    },
    encode() {
      const values = new Uint8Array(Math.ceil(bits.length / 8));
      for (const [index, bit] of bits.entries()) {
        if (bit) values[index >> 3] = (values[index >> 3] ?? 0) | (1 << (index & 7));
      }
      bits = [];
      const taken = levels.take();
      return { encoding: 'plain', dictionary: null, values, ...taken, least: null, greatest: null };
    },
  };
}
