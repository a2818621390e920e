import type { Codec, CodecInput, Decoded, DecodeLimits } from './codec.ts';
import { createCollector } from './collector.ts';
import { assertNotTooMany, codecOf, stop } from './decoding.ts';
import { decimalOfText } from './scan/decimal.ts';
import type { Decimal } from './scan/decimal.ts';
import { textOfPayload } from './scan/text.ts';
import type { TextPayload } from './scan/text.ts';

/**
 * InfluxDB line protocol: `measurement,tag=value field=1.5,other=2i 1700000000`, any number of
 * lines. The channel is the field's name where all lines of the message have one measurement, else
 * `measurement.field`. Tags are passed over: who sent is known by the credential. The unit of the
 * time is told by its size, as devices rarely agree on it; see `instantOf`.
 */
export function createInfluxLineCodec(): Codec {
  return codecOf('influx-line', 1, read);
}

interface Field {
  readonly measurement: string;
  readonly name: string;
  /** A text and a boolean are no numbers, but a fault of this field alone. */
  readonly value: Decimal | 'text' | 'boolean';
  readonly offset: number;
  endAt: number;
  timeText: string | null;
}

interface Reader {
  readonly source: TextPayload;
  readonly text: string;
  readonly limits: DecodeLimits;
  readonly fields: Field[];
  at: number;
}

function read({ payload }: CodecInput, limits: DecodeLimits): Decoded {
  const source = textOfPayload(payload);
  const reader: Reader = { source, text: source.text, limits, fields: [], at: 0 };
  while (passToLine(reader)) readLine(reader);
  const { fields } = reader;
  const collector = createCollector(limits);
  const hasOne = fields.every(({ measurement }) => measurement === fields[0]?.measurement);
  for (const { measurement, name, value, offset, endAt, timeText } of fields) {
    const channel = hasOne ? name : `${measurement}.${name}`;
    if (value === 'text') collector.fault('CODEC_VALUE_TEXT', offset, channel, 'a number');
    else if (value === 'boolean') {
      collector.fault('CODEC_VALUE_BOOLEAN', offset, channel, 'a number');
    } else collector.add({ channel, decimal: value, unit: null, endAt, timeText, offset });
  }
  return collector.finish();
}

/** Passes blank lines and comments; false at the end. */
function passToLine(reader: Reader): boolean {
  const { text } = reader;
  for (;;) {
    while (reader.at < text.length && ' \t\r\n'.includes(text[reader.at]!)) reader.at += 1;
    if (text[reader.at] !== '#') return reader.at < text.length;
    const end = text.indexOf('\n', reader.at);
    reader.at = end < 0 ? text.length : end;
  }
}

function readLine(reader: Reader): void {
  const measurement = takeName(reader, ', ', 'a measurement');
  while (reader.text[reader.at] === ',') {
    reader.at += 1;
    takeName(reader, ',= ', 'a tag');
    expect(reader, '=', '= after the tag');
    takeName(reader, ',= ', 'a value of the tag');
  }
  const first = reader.fields.length;
  do {
    // The space before the first field, the comma before each other.
    expect(reader, reader.fields.length === first ? ' ' : ',', 'a space and a field');
    while (reader.text[reader.at] === ' ') reader.at += 1;
    readField(reader, measurement);
  } while (reader.text[reader.at] === ',');
  readTime(reader, first);
}

function readField(reader: Reader, measurement: string): void {
  const { text, source, fields } = reader;
  const name = takeName(reader, ',= ', 'a field');
  expect(reader, '=', '= after the field');
  const offset = source.byteOf(reader.at);
  const value = text[reader.at] === '"' ? takeText(reader) : takeValue(reader);
  fields.push({ measurement, name, value, offset, endAt: Number.NaN, timeText: null });
  assertNotTooMany(fields.length, reader.limits, offset);
}

/** A time at the end of the line is that of all its fields. */
function readTime(reader: Reader, first: number): void {
  const { text, fields, source } = reader;
  while (text[reader.at] === ' ') reader.at += 1;
  const start = reader.at;
  while (reader.at < text.length && !'\r\n'.includes(text[reader.at]!)) reader.at += 1;
  const timeText = text.slice(start, reader.at).trimEnd();
  if (timeText === '') return;
  const endAt = instantOf(timeText);
  if (Number.isNaN(endAt)) stop('CODEC_TIME', source.byteOf(start), 'an integer time');
  for (let index = first; index < fields.length; index += 1) {
    const field = fields[index]!;
    field.endAt = endAt;
    field.timeText = timeText;
  }
}

/**
 * Up to 11 digits are seconds (to the year 5138), 12 to 14 milliseconds, 15 to 17 microseconds, 18
 * or 19 nanoseconds: no time from 1974 on is in two of them. What is finer than 1 ms is cut off.
 * @returns integer ms UTC, or NaN
 */
function instantOf(text: string): number {
  if (!/^-?\d{1,19}$/.test(text)) return Number.NaN;
  const digits = text.startsWith('-') ? text.length - 1 : text.length;
  if (digits <= 11) return Number(text) * 1_000;
  if (digits <= 14) return Number(text);
  return Number(text.slice(0, digits <= 17 ? -3 : -6));
}

/** Takes a name up to one of the characters; a backslash before one of `, =` takes its meaning. */
function takeName(reader: Reader, ends: string, expected: string): string {
  const { text } = reader;
  const start = reader.at;
  let name = '';
  let from = start;
  while (reader.at < text.length) {
    const char = text[reader.at]!;
    const next = text[reader.at + 1];
    if (char === '\\' && next !== undefined && ',= '.includes(next)) {
      name += text.slice(from, reader.at);
      from = reader.at + 1;
      reader.at += 2;
    } else if (char === '\n' || char === '\r' || ends.includes(char)) break;
    else reader.at += 1;
  }
  name += text.slice(from, reader.at);
  if (name === '') stop('CODEC_SYNTAX', reader.source.byteOf(start), expected);
  return name;
}

function expect(reader: Reader, char: string, expected: string): void {
  if (reader.text[reader.at] !== char) {
    stop('CODEC_SYNTAX', reader.source.byteOf(reader.at), expected);
  }
  reader.at += 1;
}

/** Takes a quoted text; it may hold line ends, and `\"` and `\\`. */
function takeText(reader: Reader): 'text' {
  const { text, source } = reader;
  const start = reader.at;
  reader.at += 1;
  while (reader.at < text.length && text[reader.at] !== '"') {
    reader.at += text[reader.at] === '\\' ? 2 : 1;
  }
  if (reader.at >= text.length) {
    stop('CODEC_SYNTAX', source.byteOf(start), '" at the end of a text');
  }
  reader.at += 1;
  return 'text';
}

const booleans: ReadonlySet<string> = new Set(
  't T true True TRUE f F false False FALSE'.split(' '),
);

/**
 * Takes a float, an integer `12i`, an unsigned integer `12u` or a boolean. The letter is the
 * protocol's mark of the type, as quotes are of a text: it is no part of the value's own text.
 */
function takeValue(reader: Reader): Decimal | 'boolean' {
  const { text, source } = reader;
  const start = reader.at;
  while (reader.at < text.length && !', \r\n'.includes(text[reader.at]!)) reader.at += 1;
  const word = text.slice(start, reader.at);
  if (booleans.has(word)) return 'boolean';
  const isInteger = /^-?\d+i$|^\d+u$/.test(word);
  const decimal = decimalOfText(isInteger ? word.slice(0, -1) : word);
  if (decimal === undefined) {
    stop('CODEC_SYNTAX', source.byteOf(start), 'a number, a text in quotes or a boolean');
  }
  return decimal;
}
