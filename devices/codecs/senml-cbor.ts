import { decode, Tokenizer, Type } from 'cborg';
import type { DecodeOptions, Token } from 'cborg';
import type { Codec, CodecInput, Decoded, DecodeLimits } from './codec.ts';
import { assertNotTooMany, codecOf, DecodeStop, stop } from './decoding.ts';
import { decimalOfText } from './scan/decimal.ts';
import { decodeSenml, numberWithoutText } from './senml.ts';
import type { SenmlField, SenmlRecord } from './senml.ts';

/** Integers that stand for the labels (RFC 8428 §6, table 4). */
const labels: ReadonlyMap<unknown, string> = new Map([
  [-1, 'bver'],
  [-2, 'bn'],
  [-3, 'bt'],
  [-4, 'bu'],
  [-5, 'bv'],
  [-6, 'bs'],
  [0, 'n'],
  [1, 'u'],
  [2, 'v'],
  [3, 'vs'],
  [4, 'vb'],
  [5, 's'],
  [6, 't'],
  [7, 'ut'],
  [8, 'vd'],
]);

/**
 * SenML as CBOR (RFC 8428 §6), `application/senml+cbor`. Labels are integers or their texts;
 * numbers are integers, floats or decimal fractions (tag 4). A number has no text of its own here:
 * its shortest decimal stands for it. Definite and indefinite lengths are taken.
 */
export function createSenmlCborCodec(): Codec {
  return codecOf('senml-cbor', 1, read);
}

function read({ payload }: CodecInput, limits: DecodeLimits): Decoded {
  const tokens = createBoundedTokenizer(payload, limits);
  const pack = decodePack(payload, tokens);
  if (!Array.isArray(pack)) stop('CODEC_SYNTAX', 0, 'an array of records');
  const records = pack.map((record: unknown, index) =>
    recordOf(record, tokens.recordOffsets[index] ?? -1),
  );
  return decodeSenml(records, limits);
}

function decodePack(payload: Uint8Array, tokens: BoundedTokenizer): unknown {
  try {
    return decode(payload, { ...options, tokenizer: tokens });
  } catch (error) {
    if (error instanceof DecodeStop) throw error;
    return stop('CODEC_SYNTAX', tokens.pos(), (error as Error).message);
  }
}

/** Maps keep integer keys; a repeated key is refused. Lengths need not be the shortest. */
const options: DecodeOptions = {
  useMaps: true,
  rejectDuplicateMapKeys: true,
  coerceUndefinedToNull: true,
  tags: { 4: (content) => fractionOf(content()) },
};

/** A number written as power of ten and mantissa (RFC 8949 §3.4.4). */
interface DecimalFraction {
  readonly fractionText: string;
}

function fractionOf(content: unknown): DecimalFraction {
  const [exponent, mantissa, ...rest] = Array.isArray(content) ? (content as unknown[]) : [];
  if (!Number.isInteger(exponent) || !isInteger(mantissa) || rest.length > 0) {
    throw new Error('a decimal fraction is an array of two integers');
  }
  return { fractionText: plainText(BigInt(mantissa), exponent as number) };
}

function isInteger(value: unknown): value is number | bigint {
  return typeof value === 'bigint' || Number.isInteger(value);
}

/** 2735 and -2 are 27.35; beyond a few digits the exponent stays, so that no text grows long. */
function plainText(mantissa: bigint, exponent: number): string {
  if (exponent > 0 || exponent < -20) return `${mantissa}e${exponent}`;
  const sign = mantissa < 0n ? '-' : '';
  const size = mantissa < 0n ? -mantissa : mantissa;
  const digits = String(size).padStart(1 - exponent, '0');
  const point = digits.length + exponent;
  return exponent === 0 ? sign + digits : `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

interface BoundedTokenizer {
  done(): boolean;
  next(): Token;
  pos(): number;
  /** Where each record begins. */
  readonly recordOffsets: readonly number[];
}

/** An array, map or tag that is not complete yet. */
interface Container {
  readonly isMap: boolean;
  /** Items that still follow; Infinity until a break. */
  left: number;
  taken: number;
}

/** Tokens of one record at most: 15 labels with their values are 30, or 75 as decimal fractions. */
const recordTokensMax = 128;

/** The library makes whatever the bytes ask for: here depth and count are bounded. */
function createBoundedTokenizer(payload: Uint8Array, limits: DecodeLimits): BoundedTokenizer {
  const { buffer, byteOffset, byteLength } = payload;
  const tokenizer = new Tokenizer(new Uint8Array(buffer, byteOffset, byteLength), {
    ...options,
    allowBigInt: true,
  });
  const recordOffsets: number[] = [];
  const open: Container[] = [];
  let tokens = 0;
  return {
    recordOffsets,
    done: () => tokenizer.done(),
    pos: () => tokenizer.pos(),
    next() {
      const offset = tokenizer.pos();
      if (open.length === 1) recordOffsets.push(offset);
      tokens += 1;
      const records = Math.max(recordOffsets.length, tokens / recordTokensMax);
      assertNotTooMany(records - 1, limits, offset);
      const token = tokenizer.next();
      if (Type.equals(token.type, Type.break)) assertBreak(open.pop(), offset);
      else take(open, token);
      if (open.length > limits.depthMax) {
        stop('CODEC_TOO_DEEP', offset, `at most ${limits.depthMax} levels`);
      }
      assertUtf8(token, offset);
      while (open.at(-1)?.left === 0) open.pop();
      return token;
    },
  };
}

/** A break ends what has no length of its own, and never stands for the value of a key. */
function assertBreak(container: Container | undefined, offset: number): void {
  const isEnd = container?.left === Infinity && !(container.isMap && container.taken % 2 === 1);
  if (!isEnd) stop('CODEC_SYNTAX', offset, 'no break here');
}

/** Counts a token in what it stands in, and opens what it begins. */
function take(open: Container[], { type, value }: Token): void {
  const container = open.at(-1);
  if (container !== undefined) {
    container.left -= 1;
    container.taken += 1;
  }
  const isMap = Type.equals(type, Type.map);
  if (isMap) open.push({ isMap, left: (value as number) * 2, taken: 0 });
  else if (Type.equals(type, Type.array)) open.push({ isMap, left: value as number, taken: 0 });
  else if (Type.equals(type, Type.tag)) open.push({ isMap, left: 1, taken: 0 });
}

/** The library puts U+FFFD in the place of what is not UTF-8. */
function assertUtf8({ type, value }: Token, offset: number): void {
  if (Type.equals(type, Type.string) && (value as string).includes('\uFFFD')) {
    stop('CODEC_SYNTAX', offset, 'UTF-8');
  }
}

function recordOf(record: unknown, offset: number): SenmlRecord {
  if (!(record instanceof Map)) stop('CODEC_SYNTAX', offset, 'a record');
  const fields = new Map<string, SenmlField>();
  for (const [key, value] of record as Map<unknown, unknown>) {
    const label = labels.get(key) ?? String(key);
    if (fields.has(label)) stop('CODEC_FIELD_REPEATED', offset, `${label} once in a record`);
    fields.set(label, fieldOf(value));
  }
  return { offset, fields };
}

function fieldOf(value: unknown): SenmlField {
  if (typeof value === 'number') return numberWithoutText(value);
  if (typeof value === 'string') return { kind: 'text', text: value };
  if (typeof value === 'boolean') return { kind: 'boolean' };
  if (value === null) return { kind: 'number', number: { value: null, decimals: -1, text: null } };
  const text = typeof value === 'bigint' ? String(value) : fractionTextOf(value);
  const number = text === undefined ? undefined : decimalOfText(text);
  return number === undefined ? { kind: 'other' } : { kind: 'number', number };
}

function fractionTextOf(value: unknown): string | undefined {
  return (value as Partial<DecimalFraction>).fractionText;
}
