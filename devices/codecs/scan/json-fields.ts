import { stop } from '../decoding.ts';
import { instantOfBytes, instantOfText } from './instant.ts';
import * as json from './json-scanner.ts';
import type { JsonScanner } from './json-scanner.ts';

/** A unit or a quality: a text, or another value's own text; null stays null. */
export function takeLabel(scanner: JsonScanner, depth: number): string | null {
  const byte = json.peek(scanner);
  if (byte === json.quote) return json.takeString(scanner);
  const start = scanner.at;
  json.passValue(scanner, depth + 1);
  return byte === json.letterN ? null : json.utf8(scanner, start, scanner.at);
}

/**
 * A time: integer ms UTC, or RFC 3339 with an offset. The register `text` holds its own text, null
 * where there is none.
 * @returns integer ms UTC; NaN for null and a bare NaN
 */
export function takeInstant(scanner: JsonScanner): number {
  const start = scanner.at;
  const byte = json.peek(scanner);
  const at = byte === json.quote ? takeInstantText(scanner) : takeInstantNumber(scanner, byte);
  if (scanner.text === null) return Number.NaN;
  // Bounds of ECMAScript's time values, so that every time can be written as RFC 3339.
  if (!Number.isInteger(at) || at > 8.64e15 || at < -8.64e15) stopAtTime(start);
  return at;
}

function takeInstantNumber(scanner: JsonScanner, byte: number): number {
  const start = scanner.at;
  if (json.takeLiteral(scanner, byte)) {
    if (byte !== json.letterN) stopAtTime(start);
    scanner.text = null;
    return Number.NaN;
  }
  if (byte === json.braceOpen || byte === json.bracketOpen) stopAtTime(start);
  json.takeNumber(scanner);
  const isNone = Number.isNaN(scanner.value);
  scanner.text = isNone ? null : scanner.bytes.toString('latin1', start, scanner.at);
  return scanner.value;
}

function takeInstantText(scanner: JsonScanner): number {
  const start = scanner.at;
  const isEscaped = json.passString(scanner);
  if (isEscaped) {
    scanner.at = start;
    scanner.text = json.takeString(scanner);
    return instantOfText(scanner.text);
  }
  const end = scanner.at - 1;
  scanner.text = json.utf8(scanner, start + 1, end);
  return instantOfBytes(scanner.bytes, start + 1, end);
}

function stopAtTime(offset: number): never {
  return stop('CODEC_TIME', offset, 'integer ms UTC or RFC 3339 with an offset');
}

/** The number of a reserved key; NaN for null and a bare NaN. */
export function takeFieldNumber(scanner: JsonScanner, name: string): number {
  const start = scanner.at;
  const byte = json.peek(scanner);
  if (json.takeLiteral(scanner, byte)) {
    if (byte !== json.letterN) stop('CODEC_FIELD', start, `a number as ${name}`);
    return Number.NaN;
  }
  if (byte === json.quote || byte === json.braceOpen || byte === json.bracketOpen) {
    stop('CODEC_FIELD', start, `a number as ${name}`);
  }
  json.takeNumber(scanner);
  return scanner.value;
}
