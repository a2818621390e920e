import { isUtf8 } from 'node:buffer';
import { stop } from '../decoding.ts';
import { exactDigitsMax, powersOfTen } from './decimal.ts';

/**
 * One pass over the bytes of a JSON text (RFC 8259), without making strings or objects of what is
 * only passed by. The scanner is a mutable state that the functions below move forward; whoever
 * breaks the grammar ends the decoding by `stop`. Two things are taken beyond the grammar, since
 * loggers send them: a byte order mark before and NUL bytes after the text, and bare `NaN`, `nan`,
 * `Infinity`, `inf` with or without a minus sign where a value stands.
 */
export interface JsonScanner {
  bytes: Buffer;
  at: number;
  /** Where the text ends: padding is outside. */
  end: number;
  depthMax: number;
  /** Registers of the last number: null as NaN. */
  value: number;
  decimals: number;
  text: string | null;
  /** The payload is known to be UTF-8. */
  isUtf8: boolean;
}

export function createJsonScanner(): JsonScanner {
  return {
    bytes: Buffer.alloc(0),
    at: 0,
    end: 0,
    depthMax: 0,
    // A double from the first on, so that the engine never has to change the field's kind.
    value: 0.5,
    decimals: -1,
    text: null,
    isUtf8: false,
  };
}

/** Puts the scanner at the first byte of the value. */
export function startJson(scanner: JsonScanner, payload: Uint8Array, depthMax: number): void {
  const bytes = Buffer.isBuffer(payload)
    ? payload
    : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  scanner.bytes = bytes;
  scanner.end = end;
  scanner.depthMax = depthMax;
  scanner.isUtf8 = false;
  scanner.at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  if (peek(scanner) === 0 && scanner.at >= end) stop('CODEC_EMPTY', scanner.at, 'a JSON value');
}

/** Nothing may follow the value. */
export function endJson(scanner: JsonScanner): void {
  peek(scanner);
  if (scanner.at < scanner.end) stop('CODEC_SYNTAX', scanner.at, 'nothing after the value');
}

/** Passes white space and gives the next byte without taking it; 0 at the end. */
export function peek(scanner: JsonScanner): number {
  const { bytes, end } = scanner;
  let { at } = scanner;
  while (at < end) {
    const byte = bytes[at]!;
    if (byte > 0x20 || !isSpace(byte)) {
      scanner.at = at;
      return byte;
    }
    at += 1;
  }
  scanner.at = at;
  return 0;
}

/** Takes `{` or `[`; false when the closing byte follows at once (taken too). */
export function enter(scanner: JsonScanner, closing: number, depth: number): boolean {
  if (depth > scanner.depthMax) {
    stop('CODEC_TOO_DEEP', scanner.at, `at most ${scanner.depthMax} levels`);
  }
  scanner.at += 1;
  if (peek(scanner) !== closing) return true;
  scanner.at += 1;
  return false;
}

/** Takes `,` before one more element, or the closing byte: then false. */
export function more(scanner: JsonScanner, closing: number): boolean {
  const byte = peek(scanner);
  if (byte === comma) {
    scanner.at += 1;
    return true;
  }
  if (byte !== closing) {
    stop('CODEC_SYNTAX', scanner.at, `, or ${String.fromCharCode(closing)}`);
  }
  scanner.at += 1;
  return false;
}

/** Takes the colon after a key and goes to the value. */
export function passColon(scanner: JsonScanner): void {
  if (peek(scanner) !== colon) stop('CODEC_SYNTAX', scanner.at, ': after the key');
  scanner.at += 1;
  peek(scanner);
}

/**
 * Takes a number, or a bare NaN or infinity, into the registers. Up to 15 digits are read as an
 * integer mantissa and a count of decimals: their quotient is exactly what the text means.
 */
export function takeNumber(scanner: JsonScanner): void {
  const { bytes, end, at: start } = scanner;
  const isNegative = bytes[start] === minus;
  const first = isNegative ? start + 1 : start;
  scanner.at = first;
  let mantissa = takeDigits(scanner, 0);
  let digits = scanner.at - first;
  if (digits === 0) return takeBare(scanner, start);
  if (bytes[first] === zero && digits > 1) stop('CODEC_SYNTAX', first, 'no leading zero');
  let decimals = 0;
  let byte = scanner.at < end ? bytes[scanner.at]! : 0;
  if (byte === point) {
    const fraction = scanner.at + 1;
    scanner.at = fraction;
    mantissa = takeDigits(scanner, mantissa);
    decimals = scanner.at - fraction;
    if (decimals === 0) stop('CODEC_SYNTAX', fraction, 'a digit');
    digits += decimals;
    byte = scanner.at < end ? bytes[scanner.at]! : 0;
  }
  const isInexact = isExponent(byte) || digits > exactDigitsMax || (isNegative && mantissa === 0);
  if (isInexact) return takeInexact(scanner, start);
  const size = decimals === 0 ? mantissa : mantissa / powersOfTen[decimals]!;
  scanner.value = isNegative ? -size : size;
  scanner.decimals = decimals;
  scanner.text = null;
}

/** Takes digits, and gives the mantissa that they continue. */
function takeDigits(scanner: JsonScanner, before: number): number {
  const { bytes, end } = scanner;
  let { at } = scanner;
  let mantissa = before;
  while (at < end) {
    const byte = bytes[at]!;
    if (!isDigit(byte)) break;
    mantissa = mantissa * 10 + (byte - zero);
    at += 1;
  }
  scanner.at = at;
  return mantissa;
}

/** The rest of a number that must keep its text: an exponent, many digits, a negative zero. */
function takeInexact(scanner: JsonScanner, start: number): void {
  const { bytes, end } = scanner;
  let { at } = scanner;
  if (at < end && isExponent(bytes[at]!)) {
    at += 1;
    if (bytes[at] === minus || bytes[at] === plus) at += 1;
    const first = at;
    while (at < end && isDigit(bytes[at]!)) at += 1;
    if (at === first) stop('CODEC_SYNTAX', at, 'a digit');
  }
  scanner.at = at;
  keepText(scanner, start);
  const value = Number(scanner.text);
  scanner.value = Number.isFinite(value) ? value : Number.NaN;
}

/** Bare NaN, nan, Infinity, inf: no JSON, but what many loggers send for "no value". */
function takeBare(scanner: JsonScanner, start: number): void {
  const { bytes, end } = scanner;
  let { at } = scanner;
  while (at < end && isLetter(bytes[at]!)) at += 1;
  const word = bytes.toString('latin1', start, Math.min(at, start + 10));
  if (!/^-?(?:nan|inf|infinity)$/i.test(word)) stop('CODEC_SYNTAX', start, 'a value');
  scanner.at = at;
  keepText(scanner, start);
  scanner.value = Number.NaN;
}

function keepText(scanner: JsonScanner, start: number): void {
  scanner.decimals = -1;
  scanner.text = scanner.bytes.toString('latin1', start, scanner.at);
}

/** Takes `true`, `false` or `null`. */
function takeWord(scanner: JsonScanner, word: string): void {
  const { bytes, end, at } = scanner;
  const wordEnd = at + word.length;
  if (wordEnd > end || bytes.toString('latin1', at, wordEnd) !== word) {
    stop('CODEC_SYNTAX', at, 'a value');
  }
  scanner.at = wordEnd;
}

/** Takes a string without making one; true where it holds an escape. */
export function passString(scanner: JsonScanner): boolean {
  const { bytes, end, at: start } = scanner;
  if (start >= end || bytes[start] !== quote) stop('CODEC_SYNTAX', start, '" that begins a text');
  let at = start + 1;
  let isEscaped = false;
  while (at < end) {
    const byte = bytes[at]!;
    if (byte === quote) {
      scanner.at = at + 1;
      return isEscaped;
    }
    if (byte === backslash) {
      isEscaped = true;
      at = passEscape(scanner, at);
    } else if (byte < 0x20) {
      stop('CODEC_SYNTAX', at, 'no control character');
    } else {
      at += 1;
    }
  }
  return stop('CODEC_SYNTAX', end, '" at the end of a text');
}

/** Where the escape that begins at `at` ends. */
function passEscape(scanner: JsonScanner, at: number): number {
  const { bytes, end } = scanner;
  const letter = at + 1 < end ? bytes[at + 1]! : 0;
  if (letter === 0x75) {
    const hexEnd = at + 6;
    if (hexEnd <= end && /^[0-9a-f]{4}$/i.test(bytes.toString('latin1', at + 2, hexEnd)))
      return hexEnd;
  } else if (letter !== 0 && '"\\/bfnrt'.includes(String.fromCharCode(letter))) {
    return at + 2;
  }
  return stop('CODEC_SYNTAX', at, 'an escape of JSON');
}

/** Takes a string and gives what it means. */
export function takeString(scanner: JsonScanner): string {
  const start = scanner.at;
  const isEscaped = passString(scanner);
  if (isEscaped) return JSON.parse(utf8(scanner, start, scanner.at)) as string;
  return utf8(scanner, start + 1, scanner.at - 1);
}

/** The text of a stretch of bytes; the first one beyond ASCII has the whole payload checked. */
export function utf8(scanner: JsonScanner, start: number, end: number): string {
  const { bytes } = scanner;
  let at = start;
  while (at < end && bytes[at]! < 0x80) at += 1;
  if (at === end) return bytes.toString('latin1', start, end);
  if (!scanner.isUtf8 && !isUtf8(bytes)) stop('CODEC_SYNTAX', at, 'UTF-8');
  scanner.isUtf8 = true;
  return bytes.toString('utf8', start, end);
}

/** Takes a value of any kind and forgets it; its grammar is checked nevertheless. */
export function passValue(scanner: JsonScanner, depth: number): void {
  const byte = peek(scanner);
  if (byte === quote) {
    const start = scanner.at;
    passString(scanner);
    utf8(scanner, start, scanner.at);
  } else if (byte === braceOpen) passObject(scanner, depth);
  else if (byte === bracketOpen) passArray(scanner, depth);
  else if (!takeLiteral(scanner, byte)) takeNumber(scanner);
}

/** Takes `true`, `false` or `null` where the byte begins one. */
export function takeLiteral(scanner: JsonScanner, byte: number): boolean {
  if (byte === letterT) takeWord(scanner, 'true');
  else if (byte === letterF) takeWord(scanner, 'false');
  else if (byte === letterN && scanner.bytes[scanner.at + 1] === letterU) takeWord(scanner, 'null');
  else return false;
  return true;
}

function passObject(scanner: JsonScanner, depth: number): void {
  let hasMore = enter(scanner, braceClose, depth);
  while (hasMore) {
    peek(scanner);
    const start = scanner.at;
    passString(scanner);
    utf8(scanner, start, scanner.at);
    passColon(scanner);
    passValue(scanner, depth + 1);
    hasMore = more(scanner, braceClose);
  }
}

function passArray(scanner: JsonScanner, depth: number): void {
  let hasMore = enter(scanner, bracketClose, depth);
  while (hasMore) {
    passValue(scanner, depth + 1);
    hasMore = more(scanner, bracketClose);
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isDigit(byte: number): boolean {
  return byte >= zero && byte <= nine;
}

function isExponent(byte: number): boolean {
  return byte === 0x65 || byte === 0x45;
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

const zero = 0x30;
const nine = 0x39;
const minus = 0x2d;
const plus = 0x2b;
const point = 0x2e;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;
export const quote = 0x22;
export const braceOpen = 0x7b;
export const braceClose = 0x7d;
export const bracketOpen = 0x5b;
export const bracketClose = 0x5d;
const letterT = 0x74;
const letterF = 0x66;
export const letterN = 0x6e;
export const letterU = 0x75;
