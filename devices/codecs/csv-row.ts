import type { Codec, CodecInput, Decoded, DecodeLimits } from './codec.ts';
import { createCollector } from './collector.ts';
import type { Collector } from './collector.ts';
import { assertNotTooMany, codecOf, stop } from './decoding.ts';
import { decimalOfText } from './scan/decimal.ts';
import type { Decimal } from './scan/decimal.ts';
import { instantOfText } from './scan/instant.ts';
import { textOfPayload } from './scan/text.ts';
import type { TextPayload } from './scan/text.ts';

/**
 * Rows of comma-separated cells (RFC 4180), the time in the first: integer ms UTC, RFC 3339 with an
 * offset, or empty for none. A first line whose first cell begins with a letter is a header that
 * names the channels; without one they are `c1`, `c2`, … from the cell after the time. All rows have
 * as many cells as the first, so that a row cut short is noticed. A cell's text is kept as it stands.
 */
export function createCsvRowCodec(): Codec {
  return codecOf('csv-row', 1, read);
}

interface Cell {
  readonly text: string;
  /** Index of its first character. */
  readonly at: number;
}

type Row = readonly Cell[];

/** What loggers write for "no value", beside nothing and the forms of NaN. Compared in capitals. */
const missing: ReadonlySet<string> = new Set([
  '',
  'NA',
  'N/A',
  'NULL',
  'NONE',
  '-',
  '--',
  '---',
  '//',
  '///',
]);

function read({ payload }: CodecInput, limits: DecodeLimits): Decoded {
  const source = textOfPayload(payload);
  const rows = createRows(source, limits);
  const collector = createCollector(limits);
  const first = rows();
  if (first === undefined) return collector.finish();
  const isHeader = /^\p{L}/u.test(first[0]?.text ?? '');
  const channels = first.map(({ text }, index) => (isHeader ? text : `c${index}`));
  let row: Row | undefined = isHeader ? rows() : first;
  while (row !== undefined) {
    collectRow(source, collector, channels, row);
    row = rows();
  }
  return collector.finish();
}

function collectRow(
  source: TextPayload,
  collector: Collector,
  channels: readonly string[],
  row: Row,
): void {
  const [time, ...cells] = row as [Cell, ...Cell[]];
  if (row.length !== channels.length) {
    stop('CODEC_SYNTAX', source.byteOf(time.at), `${channels.length} cells in each row`);
  }
  const endAt = instantOfCell(time.text);
  if (endAt === undefined) {
    stop(
      'CODEC_TIME',
      source.byteOf(time.at),
      'integer ms UTC or RFC 3339 with an offset in the first cell',
    );
  }
  const timeText = time.text === '' ? null : time.text;
  for (const [index, cell] of cells.entries()) {
    const channel = channels[index + 1]!;
    const offset = source.byteOf(cell.at);
    const decimal = decimalOfCell(cell.text);
    if (channel === '') stop('CODEC_SYNTAX', offset, 'a name for each column');
    if (decimal === undefined) {
      collector.fault('CODEC_VALUE_TEXT', offset, channel, 'a number or an empty cell');
    } else collector.add({ channel, decimal, unit: null, endAt, timeText, offset });
  }
}

/** NaN where the cell is empty, undefined where it is no time. */
function instantOfCell(text: string): number | undefined {
  if (text === '') return Number.NaN;
  const at = /^-?\d{1,16}$/.test(text) ? Number(text) : instantOfText(text);
  return Math.abs(at) <= 8.64e15 ? at : undefined;
}

/** Blanks around a number belong to its text, not to its value. */
function decimalOfCell(text: string): Decimal | undefined {
  const trimmed = text.trim();
  if (missing.has(trimmed.toUpperCase())) return { value: null, decimals: -1, text };
  const decimal = decimalOfText(trimmed);
  if (decimal === undefined || trimmed === text) return decimal;
  return { value: decimal.value, decimals: -1, text };
}

/** Gives one row after the other, blank lines left out; undefined after the last. */
function createRows(source: TextPayload, limits: DecodeLimits): () => Row | undefined {
  const { text } = source;
  let at = 0;
  return () => {
    while (text[at] === '\n' || text[at] === '\r') at += 1;
    if (at >= text.length) return undefined;
    const row: Cell[] = [];
    for (;;) {
      const cell = text[at] === '"' ? quotedCell(source, at) : plainCell(text, at);
      assertNotTooMany(row.length, limits, source.byteOf(at));
      row.push({ text: cell.text, at });
      at = cell.end;
      if (text[at] !== ',') break;
      at += 1;
    }
    if (at < text.length && text[at] !== '\n' && text[at] !== '\r') {
      stop('CODEC_SYNTAX', source.byteOf(at), ', or the end of the line after a quoted cell');
    }
    return row;
  };
}

interface Taken {
  readonly text: string;
  readonly end: number;
}

function plainCell(text: string, start: number): Taken {
  let end = start;
  while (end < text.length && !',\r\n'.includes(text[end]!)) end += 1;
  return { text: text.slice(start, end), end };
}

/** Quotes inside are doubled; commas and line ends are part of the cell. */
function quotedCell(source: TextPayload, start: number): Taken {
  const { text } = source;
  let end = start + 1;
  for (;;) {
    end = text.indexOf('"', end);
    if (end < 0) stop('CODEC_SYNTAX', source.byteOf(start), '" at the end of a quoted cell');
    if (text[end + 1] !== '"') break;
    end += 2;
  }
  return { text: text.slice(start + 1, end).replaceAll('""', '"'), end: end + 1 };
}
